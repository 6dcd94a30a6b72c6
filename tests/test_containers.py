"""The recipes of containers name commands that there are, and the versions of the lock file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from galaxyclass.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
RECIPES = [ROOT / "containers" / name for name in ("Dockerfile", "galaxyclass.def")]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_they_install_the_versions_of_the_lock_file(recipe: Path) -> None:
    text = recipe.read_text(encoding="utf-8")
    command = re.search(r"sed -n '[^']+' requirements/dev\.lock", text)
    assert command is not None
    lines = subprocess.run(
        ["bash", "-c", command[0]], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    locked = {canonicalize_name(Requirement(line).name) for line in lines}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.search(r"\ndependencies = \[(.*?)\n\]", project, re.DOTALL)
    survey = re.search(r"\nsurvey = \[(.*?)\]", project)
    assert wanted is not None
    assert survey is not None
    named = re.findall(r'"([^"]+)"', wanted[1] + survey[1])
    assert {canonicalize_name(Requirement(name).name) for name in named} <= locked
    assert '".[survey]"' in text


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_their_comments_name_commands_that_there_are(recipe: Path) -> None:
    text = recipe.read_text(encoding="utf-8")
    assert f"containers/{recipe.name}" in text
    for name in re.findall(r"\bgalaxyclass (?!\.)([a-z]+)", text):
        assert name in COMMANDS
