"""What the README tells people to type works, in the order in which it tells them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from galaxyclass.cli.main import main

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
def test_what_the_readme_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of a block as the shell takes it, in this process: torch is imported once."""
    blocks = runnable_blocks()
    assert [language for language, _ in blocks] == ["bash", "python", "bash"]
    (tmp_path / "examples").symlink_to(README.parent / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALAXYCLASS_CACHE", str(tmp_path / "cache"))
    for language, text in blocks:
        if language == "python":
            exec(compile(text, "README.md", "exec"), {})
            continue
        for line in smaller(text).replace("\\\n", " ").splitlines():
            program, *arguments = shlex.split(line)
            assert program == "galaxyclass"
            assert main(arguments) == 0, line
    lines = (tmp_path / "predictions.csv").read_text().splitlines()
    assert lines[0].startswith("GalaxyID,Class1.1,Class1.2")
    assert len(lines) == 9
    assert (tmp_path / "predictions.parquet").exists()
    assert (tmp_path / "scores" / "metrics.json").exists()


def test_every_shrinking_still_finds_its_text() -> None:
    text = "".join(block for _, block in runnable_blocks())
    for large in SMALLER:
        assert large in text
