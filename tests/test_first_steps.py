"""What the front page, the first steps and the concepts tell people to type works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from galaxyclass.cli.main import main

ROOT = Path(__file__).parent.parent
PAGES = ("index", "start-astronomer", "start-student", "start-survey", "fractions")

#: What is made smaller so that a test may wait for it.
SMALLER = {
    "--count 500": "--count 60 --size 96",
    "--count 200": "--count 60 --size 96",
    "train fast ": "train fast --set training.epochs=1 --set images.size=16 ",
}

_TESTED = re.compile(r"<!-- tested -->\n```(bash|python)\n(.*?)```", re.S)


def smaller(text: str) -> str:
    for large, small in SMALLER.items():
        text = text.replace(large, small)
    return text


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line of a block as the shell takes it, in this process."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALAXYCLASS_CACHE", str(tmp_path / "cache"))
    blocks = _TESTED.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    assert blocks
    for language, text in blocks:
        if language == "python":
            exec(compile(text, f"{page}.md", "exec"), {})
            continue
        for line in smaller(text).replace("\\\n", " ").splitlines():
            program, *arguments = shlex.split(line)
            if program != "pip":
                assert program == "galaxyclass"
                assert main(arguments) == 0, line
