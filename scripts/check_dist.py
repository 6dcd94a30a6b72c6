"""What `make dist` built holds what it must, nothing else, and is not too large.

    python scripts/check_dist.py DIST [--version VERSION] [--strict]

The wheel holds the tracked files of `src/galaxyclass` and the version, the sdist every tracked file
but hidden ones and `experiments/`. With `--version` both are of that version, else of any. With
`--strict` they also pass `twine check --strict` and check-wheel-contents, which uv brings.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: Written when the package is built, and tracked by nobody.
WRITTEN = "src/galaxyclass/_version.py"
#: Beside the package in the wheel, in the folder `galaxyclass-VERSION.dist-info`.
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
#: Not in the sdist: what only a clone can use. hatchling adds .gitignore in any case.
CLONE_ONLY = re.compile(r"\.(?!gitignore$)|experiments/")
LIMITS = {".whl": 12e6, ".tar.gz": 12e6}
#: Which tools of others look at which files.
TOOLS = {
    ("twine@7.0.0", "check", "--strict"): (".whl", ".gz"),
    ("check-wheel-contents@0.6.3",): (".whl",),
}


def tracked_files(root: Path = ROOT) -> set[str]:
    """The files of the repository at `root` as git lists them, without those removed since."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    return {name for name in listed.stdout.split("\0") if name and (root / name).is_file()}


def expected_in_wheel(tracked: Iterable[str], version: str) -> set[str]:
    """The names that a wheel of these tracked files has."""
    code = {name for name in tracked if name.startswith("src/galaxyclass/")} | {WRITTEN}
    beside = {f"galaxyclass-{version}.dist-info/{name}" for name in METADATA}
    return {name.removeprefix("src/") for name in code} | beside


def expected_in_sdist(tracked: Iterable[str], version: str) -> set[str]:
    """The names that an sdist of these tracked files has."""
    kept = {name for name in tracked if not CLONE_ONLY.match(name)}
    return {f"galaxyclass-{version}/{name}" for name in kept | {WRITTEN, "PKG-INFO"}}


def faults_of_names(found: set[str], expected: set[str]) -> list[str]:
    """One line for each name that is missing or too many."""
    return [
        *(f"missing: {name}" for name in sorted(expected - found)),
        *(f"must not be there: {name}" for name in sorted(found - expected)),
    ]


def faults_of_metadata(metadata: str, version: str) -> list[str]:
    """What is wrong with the METADATA of the wheel, or the PKG-INFO of the sdist."""
    fields = HeaderParser().parsestr(metadata)
    wanted = {"Name": "galaxyclass", "Version": version, "Requires-Python": ">=3.11"}
    return [
        f"{name} is {fields[name]!r}, wanted {value!r}"
        for name, value in wanted.items()
        if fields[name] != value
    ]


def wheel_faults(path: Path, tracked: set[str]) -> list[str]:
    """What is wrong with the wheel `path`."""
    version = path.name.split("-")[1]
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        metadata = archive.read(f"galaxyclass-{version}.dist-info/METADATA").decode()
    faults = faults_of_names(names, expected_in_wheel(tracked, version))
    return [*faults, *faults_of_metadata(metadata, version), *faults_of_size(path, ".whl")]


def sdist_faults(path: Path, tracked: set[str]) -> list[str]:
    """What is wrong with the sdist `path`."""
    version = path.name.removeprefix("galaxyclass-").removesuffix(".tar.gz")
    with tarfile.open(path) as archive:
        members = {member.name: member for member in archive.getmembers() if not member.isdir()}
        links = [name for name, member in members.items() if not member.isfile()]
        content = archive.extractfile(f"galaxyclass-{version}/PKG-INFO")
        metadata = content.read().decode() if content else ""
    faults = faults_of_names(set(members), expected_in_sdist(tracked, version))
    faults += [f"a link, not a file: {name}" for name in links]
    return [*faults, *faults_of_metadata(metadata, version), *faults_of_size(path, ".tar.gz")]


def faults_of_size(path: Path, kind: str) -> list[str]:
    """A line when the file is larger than its kind may be."""
    size = path.stat().st_size
    return [f"{size:,} bytes, at most {LIMITS[kind]:,.0f}"] if size > LIMITS[kind] else []


def tools_agree(dist: Path) -> bool:
    """Run the tools of others; they print what they find."""
    status = 0
    for command, kinds in TOOLS.items():
        files = sorted(path for path in dist.iterdir() if path.suffix in kinds)
        uv = [sys.executable, "-m", "uv", "tool", "run", "--quiet"]
        status |= subprocess.run([*uv, *command, *files], check=False).returncode
    return status == 0


def main(arguments: list[str] | None = None) -> int:
    """Print what is there and what is wrong; 1 when anything is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("dist", type=Path, help="the folder with one wheel and one sdist")
    parser.add_argument("--version", help="the version that both must be of")
    parser.add_argument("--strict", action="store_true", help="also twine, check-wheel-contents")
    given = parser.parse_args(arguments)
    tracked = tracked_files()
    wrong = False
    for pattern, check in (("*.whl", wheel_faults), ("*.tar.gz", sdist_faults)):
        found = sorted(given.dist.glob(pattern))
        if len(found) != 1:
            print(f"{given.dist}: {len(found)} files {pattern}, wanted 1: `make dist` makes them")
            wrong = True
            continue
        (path,) = found
        faults = check(path, tracked)
        if given.version and f"galaxyclass-{given.version}" not in (
            path.name.removesuffix(".tar.gz"),
            "-".join(path.name.split("-")[:2]),
        ):
            faults.append(f"not of version {given.version}")
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {len(faults)} faults")
        for fault in faults:
            print(f"  {fault}")
        wrong = wrong or bool(faults)
    if given.strict and not wrong:
        sys.stdout.flush()
        wrong = not tools_agree(given.dist)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
