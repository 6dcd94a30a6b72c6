"""Documents outside of ``docs/`` as pages of the site, and links to files outside of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from extensions.made import DOCS, ROOT, write_pages

#: Page in docs/project/ -> the document of the repository that it shows.
PAGES = {
    "model-card": "src/galaxyclass/model/galaxy-zoo-2/MODEL_CARD.md",
    "benchmarks": "benchmarks/README.md",
    "experiments": "experiments/README.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "changelog": "CHANGELOG.md",
}
_BY_DOCUMENT = {(ROOT / document).resolve(): page for page, document in PAGES.items()}
#: Below this line of the changelog are releases.
_RELEASES = "<!-- towncrier: releases below -->\n"
_FENCED = re.compile(r"(^```.*?^```$)", re.M | re.S)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_TERM = re.compile(r"^\*\*([^*]+)\*\*: (.+?)(?=\n\n|\Z)", re.M | re.S)


def for_the_site(text: str, document: Path, page: Path) -> str:
    """The text of a document with links that lead somewhere from a page of the site.

    Links to documents that have a page lead to it, others to a copy of the file to download; those
    to folders become plain words.

    Parameters
    ----------
    text : str
        Markdown.
    document : Path
        Where the text is from: its links begin there.
    page : Path
        The page that gets it.
    """

    def link(found: re.Match[str]) -> str:
        picture, words, address = found.groups()
        path, mark, anchor = address.partition("#")
        if not path or "://" in address or address.startswith(("mailto:", "project:")):
            return found[0]
        target = (document.parent / path).resolve()
        if target.is_dir():
            if (target / "README.md").resolve() not in _BY_DOCUMENT:
                return words
            target /= "README.md"
        if target in _BY_DOCUMENT:
            target = DOCS / "project" / f"{_BY_DOCUMENT[target]}.md"
        elif target.suffix == ".md" and target.parent != DOCS and target.parent != DOCS / "project":
            return words
        elif target == DOCS / "README.md":
            name = "project/words.md" if anchor == "words" else "index.md"
            target, mark, anchor = DOCS / name, "", ""
        relative = os.path.relpath(target, page.parent).replace(os.sep, "/")
        return f"{picture}[{words}]({relative}{mark}{anchor})"

    parts = _FENCED.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def glossary(text: str) -> str:
    """The words of docs/README.md as a glossary, which other pages and the search find."""
    entries = []
    for terms, meaning in _TERM.findall(text.partition("## Words")[2]):
        names = [term.strip() for term in terms.split(",")]
        entries.append("\n".join([*names, *(f"  {line}" for line in meaning.splitlines())]))
    opening = (
        "Each of these means one thing in the code, in options, in columns and on these pages."
    )
    return f"# Words\n\n{opening}\n\n```{{glossary}}\n" + "\n\n".join(entries) + "\n```\n"


def unreleased() -> str:
    """What the next release's entry of the changelog adds: the fragments of ``changes/``."""
    program = Path(sys.executable).with_name("towncrier")
    command = str(program) if program.exists() else shutil.which("towncrier")
    if command is None:
        return ""
    drafted = subprocess.run(
        [command, "build", "--draft", "--version", "unreleased", "--date", "not yet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    changes = drafted.stdout.partition("\n\n")[2]
    return f"## [Unreleased]: newest changes\n\n{changes}\n"


def make_pages(_app: Sphinx, _config: Any) -> None:
    """Write the pages of docs/project/ and the glossary."""
    pages = {}
    for name, document in PAGES.items():
        text = (ROOT / document).read_text(encoding="utf-8")
        if name == "changelog":
            text = text.replace(_RELEASES, unreleased())
        page = DOCS / "project" / f"{name}.md"
        pages[page.name] = for_the_site(text, ROOT / document, page)
    words = (DOCS / "README.md").read_text(encoding="utf-8")
    pages["words.md"] = glossary(words)
    write_pages("project", pages)


def link_files(_app: Sphinx, name: str, source: list[str]) -> None:
    """Make links of a page that lead out of ``docs/`` lead somewhere."""
    page = DOCS / f"{name}.md"
    if page.is_file() and page.parent == DOCS:
        source[0] = for_the_site(source[0], page, page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", make_pages, priority=100)
    app.connect("source-read", link_files)
    return {"parallel_read_safe": True}
