"""The shape of the package: who may import whom, what is public, and that the library is silent."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import galaxyclass

SOURCE = Path(galaxyclass.__file__).parent

#: Rooms from the bottom up; a room imports only from rooms before it. Rooms in one row are
#: neighbours and know nothing of each other.
FLOORS = [
    ["version"],
    ["errors", "progress", "short"],
    ["argument_checks"],
    ["arguments"],
    ["extras"],
    ["workers"],
    ["io"],
    ["trees"],
    ["recipes"],
    ["images"],
    ["simulation"],
    ["tasks"],
    ["data"],
    ["model"],
    ["calibration"],
    ["evaluation"],
    ["plots"],
    ["exploration"],
    ["networks"],
    ["training"],
    ["study"],
    ["cli"],
    ["__main__"],
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

#: The one look upwards: the torch backend builds the network that a bundle describes.
ALLOWED = {("model/backends/torch_backend.py", "networks")}

#: A program of its own, which prints: it fits the parameters that the simulation ships.
PROGRAMS = {"simulation/fit.py"}

#: Libraries that only some rooms may import at all, and that no core room imports when loaded.
HEAVY = {
    *("torch", "lightning", "timm", "safetensors", "torchmetrics", "matplotlib"),
    *("onnx", "onnxscript", "openvino"),
}
CORE = FLOORS[: FLOORS.index(["plots"])]


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path, *, at_load: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body: list[ast.AST] = list(tree.body) if at_load else list(ast.walk(tree))
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            if node.module == "galaxyclass":
                yield from (f"galaxyclass.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_only_downwards(path: Path) -> None:
    room = room_of(path)
    assert room in FLOOR, f"room {room} has no floor: add it to FLOORS and to CONTRIBUTING.md"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "galaxyclass" or len(parts) < 2:
            continue
        other = parts[1]
        if (str(path.relative_to(SOURCE)), other) in ALLOWED or other == room:
            continue
        assert FLOOR[other] < FLOOR[room], f"{room} imports {other}, which is not below it"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_core_loads_nothing_heavy(path: Path) -> None:
    if not any(room_of(path) in rooms for rooms in CORE):
        return
    heavy = {name.split(".")[0] for name in imports(path, at_load=True)} & HEAVY
    assert not heavy


def test_only_training_knows_lightning() -> None:
    knowing = {
        room_of(path)
        for path in modules()
        for name in imports(path)
        if name.split(".")[0] == "lightning"
    }
    assert knowing == {"training"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_command_line_prints(path: Path) -> None:
    if room_of(path) in ("cli", "__main__") or str(path.relative_to(SOURCE)) in PROGRAMS:
        return
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert calls.count("print") == 0


def test_no_room_for_odds_and_ends() -> None:
    names = {path.stem for path in modules()} | {path.parent.name for path in modules()}
    assert not names & {"utils", "util", "helpers", "common", "misc"}


def test_public_namespace_is_what_it_says() -> None:
    for name in galaxyclass.__all__:
        assert getattr(galaxyclass, name) is not None
    assert sorted(galaxyclass.__all__) == galaxyclass.__all__
    assert set(dir(galaxyclass)) == set(galaxyclass.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'clasify'"):
        _ = galaxyclass.clasify


def test_help_and_import_load_nothing_heavy() -> None:
    code = (
        "import sys, galaxyclass, galaxyclass.cli.main as m\n"
        "m.main(['--help'])\n"
        f"print(sorted(set(sys.modules) & {HEAVY | {'numpy', 'cv2', 'pyarrow', 'pydantic'}!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
