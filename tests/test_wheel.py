"""The wheel: what is in it, and that it runs without the extras, as a newcomer would install it."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.networks.network import build_network
from galaxyclass.networks.weights import write_weights
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree

ROOT = Path(__file__).parent.parent
BOX = "src/galaxyclass/model/galaxy-zoo-2/"

#: Not the sources of this folder, but what is installed.
ALONE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

pytestmark = pytest.mark.slow


def uv(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


def fill_box(folder: Path, scratch: Path) -> None:
    """An untrained network, where the repository has no pretrained model."""
    spec = importlib.util.spec_from_file_location(
        "make_pretrained", ROOT / "scripts" / "make_pretrained.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tree = load_tree("galaxy_zoo_2")
    task = VoteTask(tree, tree.layout("challenge"), (True,) * 37, (0.5,) * 37)
    model = NetworkSettings(encoder="residual", head="tree")
    manifest = Manifest("fast", Preprocessing(size=16), model, task, "GalaxyID", True, "", "0")
    network = build_network(manifest)
    save_bundle(scratch / "run", manifest, {"weights": lambda path: write_weights(network, path)})
    (scratch / "card.md").write_text("# Untrained\n")
    module.make_pretrained(scratch / "run", folder, card=scratch / "card.md")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tracked, with a pretrained model."""
    folder = tmp_path_factory.mktemp("source")
    for name in tracked():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    if not (folder / BOX / "manifest.json").exists():
        fill_box(folder / BOX, tmp_path_factory.mktemp("run"))
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", folder, source)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    code = {name for name in tracked() if name.startswith("src/") and not name.startswith(BOX)}
    code.add("src/galaxyclass/_version.py")  # written by the build
    boxed = {name for name in names if name.startswith(BOX.removeprefix("src/"))}
    assert names - boxed == {name.removeprefix("src/") for name in code}
    held = " ".join(sorted(Path(name).name for name in boxed))
    assert re.fullmatch(
        r"MODEL_CARD\.md (calibration-[0-9a-f]{12}\.json )?manifest\.json "
        r"network-[0-9a-f]{12}\.onnx",
        held,
    )
    assert wheel.stat().st_size < 12e6


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and what it needs alone."""
    environment = tmp_path_factory.mktemp("light") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    # uv links the files of other environments, and compiles none.
    uv("pip", "install", "--quiet", "--python", environment / "bin" / "python", wheel)
    return environment / "bin"


@pytest.mark.slow
def test_the_wheel_alone_runs(programs: Path, wheel: Path, tmp_path: Path) -> None:
    assert "torch" not in uv("pip", "list", "--python", programs / "python")

    def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=ALONE,
            capture_output=True,
            text=True,
            check=check,
            timeout=300,
        )

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
    run(galaxyclass, "predict", "--images", "sky/images", "--output", "predictions.csv")
    lines = (tmp_path / "predictions.csv").read_text().splitlines()
    assert lines[0].startswith("GalaxyID,Class1.1,Class1.2")
    assert len(lines) == 6
    version = run(programs / "python", "-c", "import galaxyclass as g; print(g.__version__)").stdout
    assert run(galaxyclass, "--version").stdout == f"galaxyclass, version {version}"
    assert wheel.name.split("-")[1] == version.strip()


def test_the_readmes_first_command_gives_what_it_shows(programs: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command, shown = re.findall(r"^```(?:bash|text)\n(.*?)^```$", readme, re.M | re.S)[:2]
    assert shown in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    name, *arguments = shlex.split(command)
    subprocess.run([programs / name, *arguments], cwd=tmp_path, env=ALONE, check=True, timeout=300)
    with (tmp_path / "predictions.csv").open(newline="") as file:
        written = {row[0]: row for row in csv.reader(file)}
    for line in shown.splitlines():
        galaxy, *values = line.removesuffix(",…").split(",")
        if galaxy == "GalaxyID":
            assert written[galaxy][1 : len(values) + 1] == values
            continue
        found = [float(value) for value in written[galaxy][1 : len(values) + 1]]
        # processors differ in how they multiply 8-bit integers
        assert found == pytest.approx([float(value) for value in values], abs=0.05)
