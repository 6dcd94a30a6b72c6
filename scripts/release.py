"""A release: the changelog, the version in the metadata, a commit, a tag, and what was built of it.

    python scripts/release.py VERSION [--dry-run] [--output DIST]

All of it happens in a clone in a temporary folder. Only when everything was built and checked are
the commit and the tag brought into this repository, and only without `--dry-run`; so a release that
fails half way leaves nothing behind. Nothing is pushed or uploaded: the last lines say how.
`make release VERSION=0.2.0 DRY_RUN=1` calls this.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parent.parent
#: Opens the list that is older than the fragments; it becomes part of the first release.
UNRELEASED = "## [Unreleased]\n\nNothing was released yet. What the package does now:\n\n"


class ReleaseError(Exception):
    """A release that must not be made, and what to do."""


def run(*command: str | Path, at: Path) -> str:
    """What a program prints.

    Raises
    ------
    ReleaseError
        It failed.
    """
    done = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(map(str, command))
        raise ReleaseError(f"failed: {words}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def checked_version(text: str, tags: list[str]) -> Version:
    """The version as PEP 440 has it.

    Raises
    ------
    ReleaseError
        It is no version, is not written as PEP 440 would, is a development version, or is not
        newer than that of every tag.
    """
    try:
        version = Version(text)
    except InvalidVersion as error:
        raise ReleaseError(f"{text!r} is no version; for instance 0.2.0 or 0.2.0rc1") from error
    if str(version) != text:
        raise ReleaseError(f"{text!r} is written {str(version)!r}")
    if version.is_devrelease or version.local or version.is_postrelease:
        raise ReleaseError(f"{text!r} is not a release: no .dev, .post or +local")
    known = [Version(tag[1:]) for tag in tags if re.fullmatch(r"v\d+(\.\d+)*((a|b|rc)\d+)?", tag)]
    if known and version <= max(known):
        raise ReleaseError(f"{text} is not newer than v{max(known)}, the newest tag")
    return version


def without_unreleased(changelog: str) -> str:
    """The changelog with the list from before the fragments as part of the newest release."""
    return changelog.replace(UNRELEASED, "")


def with_version(citation: str, version: str, day: str) -> str:
    """CITATION.cff of this version, released on `day` (YYYY-MM-DD)."""
    kept = [
        line
        for line in citation.splitlines()
        if not line.startswith(("version:", "date-released:"))
    ]
    place = kept.index("type: software") + 1
    kept[place:place] = [f"version: {version}", f"date-released: '{day}'"]
    return "\n".join(kept) + "\n"


def write_metadata(folder: Path, version: str, day: str) -> None:
    """The version in CITATION.cff and codemeta.json of the clone `folder`."""
    citation = folder / "CITATION.cff"
    citation.write_text(with_version(citation.read_text("utf-8"), version, day), "utf-8")
    codemeta = folder / "codemeta.json"
    content = json.loads(codemeta.read_text("utf-8"))
    content |= {"version": version, "dateModified": day}
    codemeta.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def build(clone: Path, dist: Path, version: str) -> None:
    """Build sdist and wheel of the clone into `dist`, and check them as `make dist` does."""
    run(sys.executable, "-m", "uv", "build", "--quiet", "--out-dir", dist, at=clone)
    (dist / ".gitignore").unlink(missing_ok=True)
    check = ("scripts/check_dist.py", dist, "--version", version, "--strict")
    print(run(sys.executable, *check, at=clone), end="")


def release(root: Path, text: str, output: Path, *, dry_run: bool, day: str) -> None:
    """Make the release `text` of the repository `root`; its files go to the folder `output`.

    Raises
    ------
    ReleaseError
        The repository has changes that are not committed, the version is wrong, `output` has
        files, or a step failed.
    """
    if status := run("git", "status", "--porcelain", at=root):
        raise ReleaseError(f"not committed:\n{status}commit or stash it first")
    branch = run("git", "branch", "--show-current", at=root).strip()
    if branch != "main" and not dry_run:
        raise ReleaseError(f"on branch {branch or '(none)'}; a release is made on main")
    if output.exists() and any(output.iterdir()):
        raise ReleaseError(f"{output} has files; remove them, or name another folder by --output")
    version = str(checked_version(text, run("git", "tag", at=root).split()))
    if not list((root / "changes").glob("*.*.md")):
        raise ReleaseError("changes/ has no fragment: there is nothing to release")
    with tempfile.TemporaryDirectory(prefix="galaxyclass-release-") as folder:
        clone = Path(folder) / "clone"
        run("git", "clone", "--quiet", root, clone, at=root)
        for key in ("user.name", "user.email"):
            if value := run("git", "config", "--default", "", key, at=root).strip():
                run("git", "config", key, value, at=clone)
        towncrier = (sys.executable, "-m", "towncrier", "build", "--yes")
        run(*towncrier, "--version", version, "--date", day, at=clone)
        changelog = clone / "CHANGELOG.md"
        changelog.write_text(without_unreleased(changelog.read_text("utf-8")), "utf-8")
        write_metadata(clone, version, day)
        run("git", "add", "--all", at=clone)
        run("git", "commit", "--quiet", "--no-verify", "-m", f"Release {version}", at=clone)
        run("git", "tag", "--annotate", f"v{version}", "-m", f"galaxyclass {version}", at=clone)
        print(run("git", "show", "--shortstat", "--format=%s", "HEAD", at=clone).strip())
        dist = Path(folder) / "dist"
        build(clone, dist, version)
        output.mkdir(parents=True, exist_ok=True)
        for path in dist.iterdir():
            shutil.copyfile(path, output / path.name)
        if not dry_run:
            run("git", "pull", "--quiet", "--ff-only", clone, "HEAD", at=root)
            run(
                "git",
                "fetch",
                "--quiet",
                clone,
                f"refs/tags/v{version}:refs/tags/v{version}",
                at=root,
            )
    for path in sorted(output.iterdir()):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    if dry_run:
        print("dry run: this repository has no new commit and no tag")
    else:
        print(
            f"now: git push origin main v{version}   (CI uploads to PyPI what it builds of the tag)"
        )


def main(arguments: list[str] | None = None) -> int:
    """Make a release, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("version", help="for instance 0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="commit and tag only in the clone")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="for wheel and sdist")
    given = parser.parse_args(arguments)
    day = dt.datetime.now(dt.UTC).date().isoformat()
    try:
        release(ROOT, given.version, given.output, dry_run=given.dry_run, day=day)
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
