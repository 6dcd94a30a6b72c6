"""What the README tells people to type works, in the order in which it tells them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"

#: What is made smaller so that a test may wait for it.
SMALLER = {
    "--count 500": "--count 60 --size 96",
    "train fast ": "train fast --set training.epochs=1 --set images.size=16 ",
}


def runnable_blocks() -> list[tuple[str, str]]:
    return re.findall(
        r"<!-- tested -->\n```(bash|python)\n(.*?)```", README.read_text(encoding="utf-8"), re.S
    )


def smaller(text: str) -> str:
    for large, small in SMALLER.items():
        text = text.replace(large, small)
    return text


@pytest.mark.slow
def test_what_the_readme_says_works(tmp_path: Path) -> None:
    blocks = runnable_blocks()
    assert [language for language, _ in blocks] == ["bash", "python", "bash"]
    (tmp_path / "examples").symlink_to(README.parent / "examples")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GALAXYCLASS_CACHE": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    for language, text in blocks:
        command = ["bash", "-euc"] if language == "bash" else [sys.executable, "-c"]
        done = subprocess.run(
            [*command, smaller(text)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    lines = (tmp_path / "predictions.csv").read_text().splitlines()
    assert lines[0].startswith("GalaxyID,Class1.1,Class1.2")
    assert len(lines) == 9
    assert (tmp_path / "predictions.parquet").exists()
    assert (tmp_path / "scores" / "metrics.json").exists()


def test_every_shrinking_still_finds_its_text() -> None:
    text = "".join(block for _, block in runnable_blocks())
    for large in SMALLER:
        assert large in text
