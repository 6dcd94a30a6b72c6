"""Links of documents lead somewhere; the lock file and the changelog's fragments are in order."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import galaxyclass

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")

#: Pages that list others.
CONTENTS = ("first-steps.md", "how-to.md", "concepts.md", "reference.md", "background.md")
#: Folders of docs/ that its build makes; Sphinx checks links to their pages.
MADE = ("api", "commands", "gallery", "project")

_FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.M)


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def prose(document: Path) -> str:
    """A document without its blocks of code, where brackets are no links."""
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """What the headings of a document are called in links, as GitHub makes it."""
    titles = (title.strip().lower() for title in _HEADING.findall(prose(document)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(document)):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith(("mailto:", *(f"{folder}/" for folder in MADE))):
            continue
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_of_the_documentation_is_linked_from_one_of_contents() -> None:
    folder = ROOT / "docs"
    linked = {
        link for page in CONTENTS for link in _LINK.findall(prose(folder / page)) if "/" not in link
    }
    pages = {page.name for page in folder.glob("*.md")} - {"README.md", "index.md", *CONTENTS}
    assert pages <= linked


def test_the_python_page_names_every_function() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    table = page.split("## All functions")[1]
    functions = [name for name in galaxyclass.__all__ if name[0].islower()]
    assert [name for name in functions if f"`{name}`" not in table] == []


def test_the_lock_file_has_every_dependency_in_a_version_that_is_allowed() -> None:
    project = PROJECT["project"]
    groups = PROJECT["dependency-groups"]
    declared = [*project["dependencies"], *groups["dev"], *groups["docs"]]
    extras = project["optional-dependencies"]
    everything = extras["all"][0].partition("[")[2].rstrip("]").split(",")
    for extra in everything:
        declared += extras[extra]
    locked: dict[str, list[str]] = {}  # several, where Pythons differ
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", LOCK, re.M):
        locked.setdefault(name, []).append(version)
    unfit = [
        text
        for text in declared
        if (wanted := Requirement(text)).name != project["name"]
        and not _allowed(wanted, locked.get(canonicalize_name(wanted.name), []))
    ]
    assert not unfit, "`make lock` writes requirements/dev.lock anew"


def _allowed(wanted: Requirement, versions: list[str]) -> bool:
    return bool(versions) and all(version in wanted.specifier for version in versions)


def test_the_lock_file_names_no_place_and_has_a_hash_of_each_file() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^-", LOCK, re.M)
    requirements = re.findall(r"^[a-z0-9].*(?:\n {4}.*)*", LOCK, re.M)
    assert len(requirements) > 50
    assert all("--hash=sha256:" in requirement for requirement in requirements)


def test_each_fragment_of_the_changelog_has_a_known_kind() -> None:
    settings = PROJECT["tool"]["towncrier"]
    kinds = "|".join(kind["directory"] for kind in settings["type"])
    names = {path.name for path in (ROOT / settings["directory"]).iterdir()}
    fragment = re.compile(rf"(\d+|\+[\w-][\w.-]*)\.({kinds})(\.\d+)?\.md")
    strange = {name for name in names - set(settings["ignore"]) if not fragment.fullmatch(name)}
    assert not strange, "changes/README.md says how they are named"
