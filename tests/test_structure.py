"""The shape of the package: who may import whom, what is public, and that the library is silent."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

import galaxyclass

SOURCE = Path(galaxyclass.__file__).parent

#: Rooms from the bottom up; a room imports only from rooms before it. Rooms in one row are
#: neighbours and know nothing of each other.
FLOORS = [
    ["version"],
    ["arrays"],
    ["errors", "progress", "short"],
    ["argument_checks", "wrong_calls"],
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
    ["tiles"],
    ["calibration"],
    ["model"],
    ["survey"],
    ["evaluation"],
    ["zooniverse"],
    ["plots"],
    ["exploration", "reports"],
    ["similarity"],
    ["selection"],
    ["networks"],
    ["explanation"],
    ["serving"],
    ["model/export"],
    ["training"],
    ["finetuning"],
    ["study"],
    ["cli"],
    ["__main__"],
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

#: Imports upwards, from a room or a file: the torch backend builds the network that a bundle
#: describes, and a user's objects have methods for what the rooms above do with them; each is
#: imported when it is called.
ALLOWED = {
    ("model.backends.torch_backend", "networks"),
    ("model.model", "evaluation"),
    ("model.model", "explanation"),
    ("model.model", "finetuning"),
    ("model.model", "reports"),
    ("reports.explained", "explanation"),
    ("model.model", "model.export.export"),
    ("data.dataset.dataset", "data.checks.validate"),
    ("model.predictions", "plots"),
    ("survey.survey", "survey.merge"),
    ("survey.survey", "survey.on_ray"),
    ("survey.survey", "survey.slurm"),
}

#: A program of its own, which prints: it fits the parameters that the simulation ships.
PROGRAMS = {"simulation.fit"}

#: Libraries that only some rooms may import at all, and that no core room imports when loaded.
HEAVY = {
    *("torch", "lightning", "timm", "safetensors", "torchmetrics", "matplotlib"),
    *("onnx", "onnxscript", "openvino", "jinja2", "captum"),
}
CORE = {room for rooms in FLOORS[: FLOORS.index(["plots"])] for room in rooms}

#: Names that every file of a kind defines, as its caller expects.
EXPECTED = {"main", "command", "EPILOG", "log"}


@functools.cache
def modules() -> dict[str, Path]:
    """Each module's name below ``galaxyclass`` and its file, but for the package's own."""
    names = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name and name != "_version":  # written when the package is built, and in no clone
            names[name] = path
    return names


@functools.cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room_of(name: str) -> str:
    """The room of a module (``model.export.graph``): the longest of its folders with a floor."""
    parts = name.split(".")
    rooms = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((room for room in rooms if room in FLOOR), parts[0])


@functools.cache
def imports(path: Path, *, at_load: bool = False) -> tuple[str, ...]:
    """What a file imports: each module's name, and each name from it behind a full stop."""
    tree = syntax(path)
    names: list[str] = []
    for node in tree.body if at_load else ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def own_imports(path: Path) -> Iterator[str]:
    """The package's modules that a file imports anywhere, as `modules` names them."""
    known = modules()
    for name in imports(path):
        first, _, rest = name.partition(".")
        if first == "galaxyclass" and rest:
            module = rest if rest in known else rest.rpartition(".")[0]
            if module:
                yield module


def test_every_room_has_its_floor() -> None:
    assert {room_of(name) for name in modules()} == set(FLOOR)


def test_imports_go_only_downwards() -> None:
    upwards = [
        f"{name} imports {other}"
        for name, path in modules().items()
        for other in own_imports(path)
        if room_of(other) != room_of(name)
        and FLOOR[room_of(other)] >= FLOOR[room_of(name)]
        and not ALLOWED & {(name, room_of(other)), (name, other)}
    ]
    assert upwards == []


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: set(own_imports(path)) - {name} for name, path in modules().items()}
    for name, above in ALLOWED:
        graph[name] = {other for other in graph[name] if above not in (other, room_of(other))}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_core_loads_nothing_heavy() -> None:
    loads = {
        name: heavy
        for name, path in modules().items()
        if room_of(name) in CORE
        and (heavy := {other.split(".")[0] for other in imports(path, at_load=True)} & HEAVY)
    }
    assert loads == {}


def test_only_training_knows_lightning() -> None:
    knowing = {
        room_of(name)
        for name, path in modules().items()
        for other in imports(path)
        if other.split(".")[0] == "lightning"
    }
    assert knowing == {"training"}


def test_lightning_is_imported_when_a_training_begins() -> None:
    """What is wrong with a table or a recipe is told before: it takes as long as torch itself."""
    known, seen, waiting = modules(), set[str](), ["training.train"]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        loaded = imports(known[name], at_load=True)
        assert not {other.split(".")[0] for other in loaded} & {"lightning", "torchmetrics"}, name
        below = {other.removeprefix("galaxyclass.") for other in loaded}
        below |= {other.rpartition(".")[0] for other in below}
        waiting += sorted((below & set(known)) - seen - set(waiting))
    assert len(seen) > 50


def test_only_the_command_line_prints() -> None:
    printing = {
        name
        for name, path in modules().items()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and room_of(name) not in ("cli", "__main__")
    }
    assert printing <= PROGRAMS


def test_csv_is_written_where_formulas_are_thought_of() -> None:
    """`io.csv_text` asks each caller whether cells that are formulas are quoted."""
    writing = {
        name
        for name, path in modules().items()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Attribute)
        and (node.attr in ("write_csv", "to_csv", "DictWriter", "CSVWriter")
             or (node.attr == "writer" and getattr(node.value, "id", "") == "csv"))
    }  # fmt: skip
    # Both of them quote the whole table before, where that is asked for.
    tables = {"model.csv_writer", "zooniverse.import_classifications"}
    assert writing == {"io.csv_text", *tables}


def test_parquet_has_checksums_that_are_checked() -> None:
    wanted = {
        **dict.fromkeys(("write_table", "ParquetWriter"), "write_page_checksum"),
        **dict.fromkeys(("read_table", "ParquetFile"), "page_checksum_verification"),
    }
    unchecked = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) in ("pq", "pa.parquet")
        and node.func.attr in wanted
        and wanted[node.func.attr] not in [keyword.arg for keyword in node.keywords]
    ]
    assert not unchecked


def test_no_room_for_odds_and_ends() -> None:
    names = {part for name in modules() for part in name.split(".")}
    assert not names & {"utils", "util", "helpers", "common", "misc"}


def public_names(path: Path) -> Iterator[str]:
    """The functions, classes and constants that a file defines for others."""
    for node in syntax(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_a_public_name_is_defined_once() -> None:
    where = defaultdict(list)
    for module, path in modules().items():
        for name in public_names(path):
            where[name].append(module)
    assert {n: rooms for n, rooms in where.items() if len(rooms) > 1 and n not in EXPECTED} == {}


def test_only_tasks_tells_one_kind_of_target_from_another() -> None:
    """A new kind is one file: nobody else asks which kind it is, by its type or by its name."""
    types = {"Task", "VoteTask", "ClassTask", "Targets", "VoteTargets", "ClassTargets"}
    types |= {"Scores", "VoteScores", "ClassScores"}
    names = {"votes", "classes", "rmse", "accuracy"}
    found = []
    for name, path in modules().items():
        if room_of(name).partition("/")[0] == "tasks":
            continue
        for node in ast.walk(syntax(path)):
            if not isinstance(node, ast.Call | ast.Compare):
                continue
            asked: set[Any] = set()
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "isinstance",
                "issubclass",
            ):
                asked = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} & types
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                asked = {side.value for side in sides if isinstance(side, ast.Constant)} & names
            if asked:
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {sorted(asked)}")
    assert not found


def test_tests_import_no_private_names() -> None:
    private = [
        f"{path.name}: {name.name}"
        for path in Path(__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("galaxyclass")
        for name in node.names
        if name.name.startswith("_") and not name.name.endswith("__")
    ]
    assert private == []


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
