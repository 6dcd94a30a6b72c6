"""Wheel and sdist are held to a list: what is missing, too many, too large or misnamed is told."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.scripts.conftest import Load

TRACKED = {
    "pyproject.toml",
    "src/galaxyclass/__init__.py",
    "src/galaxyclass/py.typed",
    "tests/test_a.py",
    "experiments/x.onnx",
    ".ci/run",
    ".gitignore",
}
METADATA = (
    "Metadata-Version: 2.4\nName: galaxyclass\nVersion: 0.2.0\nRequires-Python: >=3.11\n\nText"
)
IN_SDIST = (
    ".gitignore",
    "PKG-INFO",
    "pyproject.toml",
    "src/galaxyclass/__init__.py",
    "src/galaxyclass/_version.py",
    "src/galaxyclass/py.typed",
    "tests/test_a.py",
)
IN_WHEEL = (
    "galaxyclass/__init__.py",
    "galaxyclass/_version.py",
    "galaxyclass/py.typed",
    *(
        f"galaxyclass-0.2.0.dist-info/{name}"
        for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    ),
)


def write_dist(folder: Path, extra: str = "", missing: str = "", metadata: str = METADATA) -> None:
    with zipfile.ZipFile(folder / "galaxyclass-0.2.0-py3-none-any.whl", "w") as wheel:
        for name in (*IN_WHEEL, extra):
            if name and name != missing:
                wheel.writestr(name, metadata if name.endswith("METADATA") else "")
    with tarfile.open(folder / "galaxyclass-0.2.0.tar.gz", "w:gz") as sdist:
        for name in (*IN_SDIST, extra):
            if name and name != missing:
                content = metadata.encode() if name == "PKG-INFO" else b""
                member = tarfile.TarInfo(f"galaxyclass-0.2.0/{name}")
                member.size = len(content)
                sdist.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"extra": "galaxyclass/notes.txt"}, ["must not be there", "must not be there"]),
        ({"missing": "galaxyclass/py.typed"}, ["missing: galaxyclass/py.typed"]),
        ({"missing": "tests/test_a.py"}, ["missing: galaxyclass-0.2.0/tests/test_a.py"]),
        (
            {"metadata": METADATA.replace("0.2.0", "0.1.0")},
            ["Version is '0.1.0', wanted '0.2.0'"] * 2,
        ),
    ],
    ids=["right", "extra", "missing in wheel", "missing in sdist", "version"],
)
def test_what_is_wrong_is_told(
    changes: dict[str, str],
    told: list[str],
    load: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = load("check_dist")
    monkeypatch.setattr(script, "tracked_files", lambda: TRACKED)
    write_dist(tmp_path, **changes)
    assert script.main([str(tmp_path)]) == bool(told)
    faults = [line.strip() for line in capsys.readouterr().out.splitlines() if line[0] == " "]
    assert len(faults) == len(told)
    assert all(start in line for start, line in zip(told, faults, strict=True))


def test_the_version_and_the_number_of_files_are_held(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("check_dist")
    monkeypatch.setattr(script, "tracked_files", lambda: TRACKED)
    assert script.main([str(tmp_path)]) == 1
    assert "0 files *.whl, wanted 1" in capsys.readouterr().out
    write_dist(tmp_path)
    assert script.main([str(tmp_path), "--version", "0.2.0"]) == 0
    assert script.main([str(tmp_path), "--version", "0.2"]) == 1
    assert capsys.readouterr().out.count("not of version 0.2\n") == 2


def test_a_file_above_the_limit_is_told(load: Load, tmp_path: Path) -> None:
    script = load("check_dist")
    (tmp_path / "large.whl").write_bytes(bytes(12_000_001))
    (fault,) = script.faults_of_size(tmp_path / "large.whl", ".whl")
    assert fault == "12,000,001 bytes, at most 12,000,000"
