"""The site loads nothing from other hosts: a page that would is an error of the build."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

_LOADS = re.compile(
    r"<(?:script|img|iframe|source|link(?=[^>]*rel=\"(?:stylesheet|preload|icon)))"
    r"[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"[^>]*>"
)


def require_nothing_from_elsewhere(app: Sphinx, error: Exception | None) -> None:
    """Refuse pages that load scripts, styles or pictures from another host.

    Raises
    ------
    ExtensionError
        A page does; the message names it.
    """
    if error is not None or app.builder.format != "html":
        return
    for page in sorted(Path(app.outdir).rglob("*.html")):
        found = _LOADS.search(page.read_text(encoding="utf-8"))
        if found:
            raise ExtensionError(f"{page.relative_to(app.outdir)} loads {found[0]}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", require_nothing_from_elsewhere)
    return {"parallel_read_safe": True}
