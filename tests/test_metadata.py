"""What is said of the package in other files than pyproject.toml says the same."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import galaxyclass

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CODEMETA: dict[str, Any] = json.loads((ROOT / "codemeta.json").read_text("utf-8"))
ZENODO: dict[str, Any] = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
RECIPE: dict[str, Any] = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text("utf-8"))

#: What conda-forge calls otherwise than PyPI does.
CONDA_NAMES = {"opencv-python-headless": "py-opencv"}


def in_conda(requirement: str) -> str:
    parsed = Requirement(requirement)
    return f"{CONDA_NAMES.get(parsed.name, parsed.name)} {parsed.specifier}"


def test_the_version_is_one_that_python_packages_may_have() -> None:
    assert str(Version(galaxyclass.__version__)) == galaxyclass.__version__


def test_the_recipe_of_conda_forge_has_the_dependencies_of_pyproject() -> None:
    run = [line for line in RECIPE["requirements"]["run"] if not line.startswith("python ")]
    assert run == [in_conda(line) for line in PROJECT["project"]["dependencies"]]
    host = [line for line in RECIPE["requirements"]["host"] if "python_min" not in line]
    assert host == ["pip", *map(in_conda, PROJECT["build-system"]["requires"])]
    entries = [f"{name} = {of}" for name, of in PROJECT["project"]["scripts"].items()]
    assert RECIPE["build"]["python"]["entry_points"] == entries
    assert RECIPE["about"]["license"] == PROJECT["project"]["license"]


def test_codemeta_says_what_pyproject_says() -> None:
    project = PROJECT["project"]
    assert CODEMETA["name"] == project["name"]
    assert CODEMETA["description"] == project["description"]
    assert CODEMETA["license"] == f"https://spdx.org/licenses/{project['license']}"
    assert CODEMETA["keywords"] == project["keywords"]
    assert CODEMETA["softwareRequirements"] == project["dependencies"]
    assert CODEMETA["runtimePlatform"] == f"Python {project['requires-python']}"
    assert [author["name"] for author in CODEMETA["author"]] == [
        author["name"] for author in project["authors"]
    ]


def test_citation_and_zenodo_say_what_pyproject_says() -> None:
    project = PROJECT["project"]
    names = [author["name"] for author in project["authors"]]
    assert [author["name"] for author in CITATION["authors"]] == names
    assert [creator["name"] for creator in ZENODO["creators"]] == names
    assert CITATION["title"] == ZENODO["title"] == project["name"]
    assert CITATION["license"] == ZENODO["license"] == project["license"]
    assert CITATION["keywords"] == ZENODO["keywords"] == project["keywords"]
    assert ZENODO["description"] == project["description"]
    assert CITATION.get("version") == CODEMETA.get("version")
    cited = {reference.get("doi") for reference in CITATION["references"]}
    assert {entry["identifier"] for entry in ZENODO["related_identifiers"]} <= cited


def test_each_number_of_the_paper_is_in_the_documents_that_have_its_command() -> None:
    paper = (ROOT / "paper" / "paper.md").read_text("utf-8").split("---\n", 2)[2]
    sources = (
        "docs/results.md",
        "docs/reference-designs.md",
        "benchmarks/README.md",
        "src/galaxyclass/model/galaxy-zoo-2/MODEL_CARD.md",
    )
    known = "".join((ROOT / name).read_text("utf-8") for name in sources)
    numbers = re.findall(r"\d+\.\d+", paper)
    assert len(numbers) > 20
    assert [number for number in numbers if number not in known] == []


def test_what_the_paper_cites_is_in_its_bibliography_and_no_more() -> None:
    paper = (ROOT / "paper" / "paper.md").read_text("utf-8")
    entries = (ROOT / "paper" / "paper.bib").read_text("utf-8")
    cited = set(re.findall(r"@([A-Z]\w+)", paper))
    assert cited == set(re.findall(r"^@\w+\{(\w+),", entries, re.M))
