"""Pages that are made before Sphinx looks for pages; git ignores them."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parent.parent
ROOT = DOCS.parent


def write_pages(folder: str, pages: dict[str, str]) -> None:
    """Write the pages of a folder of ``docs/``, and remove others that were made there.

    A page that did not change is left alone, so that Sphinx need not read it again.

    Parameters
    ----------
    folder : str
    pages : dict of str to str
        The text of each page, by the name of its file.
    """
    place = DOCS / folder
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        page = place / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
