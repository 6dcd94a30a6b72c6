"""The wheel: what is in it, and that it runs without the extras, as a newcomer would install it."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT],
        check=True,
        timeout=300,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "src/galaxyclass"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert names == {name.removeprefix("src/") for name in tracked}
    assert wheel.stat().st_size < 10e6


def test_the_wheel_alone_runs(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"

    def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=check, timeout=300
        )

    run(programs / "pip", "install", "--quiet", wheel)
    assert "torch" not in run(programs / "pip", "list").stdout
    galaxyclass = programs / "galaxyclass"
    run(galaxyclass, "simulate", "--count", "5", "--size", "64", "--output", "sky")
    given = ("--images", "sky/images", "--table", "sky/votes.csv")
    assert "Class1.1" in (tmp_path / "sky" / "votes.csv").read_text()
    run(galaxyclass, "validate", *given)
    assert "[training]" in run(galaxyclass, "recipes", "fast").stdout
    refused = run(galaxyclass, "train", "fast", *given, "--output", "run", check=False)
    assert refused.returncode == 1
    assert 'pip install "galaxyclass[train]"' in refused.stderr
    assert not (tmp_path / "run").exists()
