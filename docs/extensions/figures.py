"""Figures of examples that pyplot does not know: those that the package's own `plot` gives."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_SAVED: list[Figure] = []


def save_figures(_block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures that a part of an example made without pyplot, and show them."""
    saved = []
    for value in block_vars["example_globals"].values():
        # pyplot gives its figures a number, and another scraper saves them.
        if not isinstance(value, Figure) or hasattr(value, "number") or value in _SAVED:
            continue
        _SAVED.append(value)
        path = next(block_vars["image_path_iterator"])
        value.savefig(path, dpi=100)
        saved.append(path)
    return str(figure_rst(saved, gallery_conf["src_dir"]))
