"""Every public function refuses what it cannot use at the door, in one way."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import galaxyclass
from galaxyclass.arguments import ARGUMENTS, public
from galaxyclass.errors import ArgumentError, ArgumentTypeError, GalaxyclassError
from galaxyclass.wrong_calls import OF_DATASETS, OF_JOINS, OF_MODELS

#: Functions are imported by the tests that need them: some bring torch.
FUNCTIONS = [name for name in galaxyclass.__all__ if name[0].islower()]


def function_named(title: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(galaxyclass, title)
    return function


def parameters_of(title: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function_named(title)).parameters)


#: Arguments of the right type that name nothing: with them, and nothing else wrong, a call comes
#: as far as looking for them.
GIVEN: dict[str, Any] = {
    "model": "nowhere",
    "models": ["nowhere", "neither"],
    "run": "nowhere",
    "recipe": "fast",
    "recipes": ["fast"],
    "images": "nowhere",
    "table": "nowhere.csv",
    "predictions": "nowhere.csv",
    "path": "nowhere",
    "folder": "nowhere",
    "name": "nowhere",
    "output": "out",
    "folds": 2,
    "tree": "galaxy_zoo_2",
    "export": "nowhere.csv",
    "space": {"optimizer.lr": "0.001..0.01"},
    "answer": "4.1",
    "tiles": "nowhere.fits",
    "sources": object.__new__(galaxyclass.TileCutouts),
    "paths": ["nowhere.jpg"],
    "predicted": np.zeros((2, 3)),
    "target": np.zeros((2, 3)),
}

#: What a call names beside what it cannot do without.
NOWHERE: dict[str, dict[str, Any]] = {
    "similar": {"like": ["a"]},
    "serve": {"predictions": "nowhere.parquet", "port": 0},
}

_ENDINGS = {"predict": ".csv", "export": ".onnx", "report": ".html", "explain": ".png"}

#: Of no argument the type.
NO_TYPE: list[Any] = [object(), 1j, b"bytes", {1, 2}, NotImplemented]


def given(function: Callable[..., Any]) -> dict[str, Any]:
    """What a call of the function cannot do without."""
    parameters = inspect.signature(function).parameters
    required = [name for name, each in parameters.items() if each.default is each.empty]
    needed = {name: GIVEN.get(name) for name in required}
    if "preprocessing" in needed:
        needed["preprocessing"] = galaxyclass.Preprocessing()
    if "count" in needed:
        needed["count"] = 3
    if function is galaxyclass.load_model:  # its model is the pretrained one where none is named
        needed["model"] = "nowhere"
    if function.__name__ in _ENDINGS:
        needed["output"] = f"out{_ENDINGS[function.__name__]}"
    return needed


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, in which nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALAXYCLASS_CACHE", str(tmp_path / "cache"))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("title", FUNCTIONS)
def test_a_wrong_type_is_refused_with_its_name(here: Path, title: str) -> None:
    function = function_named(title)
    names = [name for name in parameters_of(title) if name != "backend"]  # it may be any callable
    for name, value in itertools.product(names, NO_TYPE):
        with pytest.raises(ArgumentTypeError) as caught:
            function(**{**given(function), name: value})
        error = caught.value
        assert error.argument == name
        assert isinstance(error, TypeError)
        assert error.wanted
        assert error.got
        assert len(str(error)) < 600


#: Argument -> values of the right type that it cannot have.
IMPOSSIBLE: dict[str, list[Any]] = {
    "batch_size": [0, -1, 10**9],
    "workers": [0, -1, 10**9],
    "views": [0, -3, 10**9],
    "devices": [0],
    "seed": [-1, 2**32],
    "count": [0, -1, 10**12],
    "size": [0, 15, 10**6],
    "folds": [0, 1, 1000],
    "repeats": [0],
    "resamples": [0],
    "false_alarms": [0, 0.5, 1, -0.1, float("nan"), float("inf")],
    "level": [0, 0.5, 1, 1.5, -0.1, float("nan"), float("inf")],
    "votes": [1, 0, -2.0, float("nan")],
    "device": ["gpu", "", "cuda:0"],
    "precision": ["fp16", ""],
    "part": ["some", ""],
    "purity": [0, 1, -0.5, float("nan")],
    "method": ["shap", ""],
    "layout": ["wide"],
    "output": ["", "x\0", "x" * 300, "a/" * 3000],
    "images": ["", "x\0", "x" * 5000],
    "model": ["", "x\0"],
    "run": ["", "x\0"],
    "cache": ["", "x\0"],
    "id_column": ["", "a\0"],
    "target_column": [""],
}


@pytest.mark.parametrize("title", FUNCTIONS)
def test_an_impossible_value_is_refused_with_its_name(here: Path, title: str) -> None:
    function = function_named(title)
    for name, value in [(n, v) for n in parameters_of(title) for v in IMPOSSIBLE.get(n, [])]:
        with pytest.raises(ArgumentError) as caught:
            function(**{**given(function), name: value})
        assert caught.value.argument == name
        assert isinstance(caught.value, ValueError)
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("title", FUNCTIONS)
def test_none_is_right_only_where_the_signature_says_so(here: Path, title: str) -> None:
    function = function_named(title)
    for name, parameter in parameters_of(title).items():
        if "None" not in str(parameter.annotation) and parameter.default is not None:
            with pytest.raises(ArgumentTypeError, match=f"`{name}` cannot be of type NoneType"):
                function(**{**given(function), name: None})


@pytest.mark.parametrize("title", FUNCTIONS)
def test_a_call_that_does_not_fit_is_explained(here: Path, title: str) -> None:
    function = function_named(title)
    with pytest.raises(ArgumentTypeError, match=f"`{title}` has no argument `hue`"):
        function(**given(function), hue=1)
    with pytest.raises(ArgumentTypeError, match="without a name"):
        function(*range(20))
    needed = given(function)
    for name in set(needed) - ({"model"} if title == "load_model" else set()):
        with pytest.raises(ArgumentTypeError, match=f"`{title}` lacks .*`{name}`"):
            function(**{other: value for other, value in needed.items() if other != name})
    if "output" in parameters_of(title):
        with pytest.raises(ArgumentTypeError, match=r"did you mean `output`\?"):
            function(**{**needed, "outptu": "x"})


@pytest.mark.parametrize(
    ("title", "name"),
    [("predict", "model"), ("predict", "images"), ("evaluate", "model"),
     ("combine", "models"),
     ("compare", "recipes"), ("export", "images")],
)  # fmt: skip
def test_an_empty_sequence_is_nothing_to_begin_with(here: Path, title: str, name: str) -> None:
    function = function_named(title)
    with pytest.raises(ArgumentError, match=f"`{name}` is empty"):
        function(**{**given(function), name: []})


def test_the_output_goes_by_its_name() -> None:
    with pytest.raises(ArgumentTypeError, match=r"give the others by name, such as `output=…`"):
        galaxyclass.predict(None, "images", "p.csv")


@pytest.mark.parametrize("title", FUNCTIONS)
def test_what_a_call_names_and_is_not_there_is_told(here: Path, title: str) -> None:
    if title in ("rmse", "simulate", "simulate_hundred", "pack", "benchmark", "explore", "cutouts"):
        return  # they need nothing that could be missing, or more than is installed
    function, begun = function_named(title), time.monotonic()
    with pytest.raises(GalaxyclassError, match="nowhere"):
        function(**given(function), **NOWHERE.get(title, {}))
    assert time.monotonic() - begun < 20  # torch is loaded by some


def test_an_argument_of_another_place_is_shown_there(here: Path) -> None:
    parameters = inspect.signature(galaxyclass.Dataset.__init__).parameters
    assert tuple(name for name in parameters)[3:] == OF_DATASETS
    assert tuple(vars(galaxyclass.InferenceOptions())) == OF_MODELS
    for title in ("validate", "train", "evaluate", "explore"):
        for name in OF_DATASETS:
            if name in OF_MODELS and title == "evaluate":
                continue  # a labelling: of the model that is evaluated
            with pytest.raises(ArgumentTypeError, match=rf"`galaxyclass.Dataset\(.*, {name}=…\)`"):
                function_named(title)(**given(function_named(title)), **{name: "a"})
    for title in ("predict", "evaluate", "calibrate"):
        for name in OF_MODELS:
            with pytest.raises(ArgumentTypeError, match=rf"InferenceOptions\({name}=…\)`"):
                function_named(title)(**given(function_named(title)), **{name: 1})
    assert tuple(vars(galaxyclass.TableJoin("t.csv")))[1:] == OF_JOINS
    with pytest.raises(ArgumentTypeError, match=r"galaxyclass.TableJoin\(table, carry=…\)"):
        galaxyclass.predict(None, "nowhere", output="p.csv", table="t.csv", carry=["z"])
    with pytest.raises(ArgumentTypeError, match=r"galaxyclass.load_model\(model, views=…\)"):
        galaxyclass.load_model().predict("nowhere", views=3)


def test_objects_of_arguments_check_them_as_functions_do() -> None:
    kinds: dict[Any, dict[str, Any]] = {
        galaxyclass.InferenceOptions: {},
        galaxyclass.TableJoin: {"table": "t.csv"},
        galaxyclass.LabelPlan: {"label": "l.jsonl", "label_classes": ["a", "b"]},
    }
    for kind, needed in kinds.items():
        for name in inspect.signature(kind).parameters:
            with pytest.raises(ArgumentTypeError) as refused:
                kind(**{**needed, name: object()})
            assert refused.value.argument == name


@public
def example(count: int, *, seed: int = 0, views: int | None = None, overwrite: bool = False) -> Any:
    """What came through."""
    return count, seed, views, overwrite


def test_numbers_of_numpy_are_numbers() -> None:
    came = example(np.int64(3), seed=np.uint8(2), overwrite=np.True_)
    assert came == (3, 2, None, True)
    assert [type(value) for value in came] == [int, int, type(None), bool]


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", [1]])
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="`count` cannot be of type"):
        example(value)


def test_a_flag_is_no_number() -> None:
    with pytest.raises(ArgumentTypeError, match=r"(?s)`overwrite`.*True or False.*got: +1"):
        example(1, overwrite=1)


def test_the_signature_stays() -> None:
    assert list(inspect.signature(example).parameters) == ["count", "seed", "views", "overwrite"]
    assert (example.__name__, example.__doc__) == ("example", "What came through.")
    assert inspect.signature(galaxyclass.predict).return_annotation == "PredictionSummary"


def test_a_check_costs_microseconds() -> None:
    begun = time.perf_counter()
    for _ in range(1000):
        example(3, seed=4)
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize(
    "settings", ["training.epochs=3", 3, {3: 4}, [3], ["a=1", None], ["a\0=1"], [""]]
)
def test_settings_are_a_mapping_or_texts(settings: Any) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match="`settings`"):
        galaxyclass.load_recipe("fast", settings)


def test_settings_as_a_mapping_and_as_texts_are_one() -> None:
    mapping = {
        "training.epochs": np.int64(3),
        "augmentation.zoom": (0.9, 1.1),
        "model.head": "tree",
    }
    texts = ["training.epochs=3", "augmentation.zoom=[0.9, 1.1]", "model.head=tree"]
    assert galaxyclass.load_recipe("fast", mapping) == galaxyclass.load_recipe("fast", texts)


@pytest.mark.parametrize("also", [["ab"], [("a",)], [("a", "b", "c")], "ab", [("a", 3)], [3]])
def test_further_tables_are_pairs(here: Path, also: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="`also`"):
        galaxyclass.Dataset("images", "t.csv", also=also)


@pytest.mark.parametrize("vary", [["optimizer.lr=1"], {"optimizer.lr": "0.1"}, {3: [1]}, 3])
def test_what_varies_is_a_mapping_of_lists(here: Path, vary: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="`vary`"):
        galaxyclass.compare(["fast"], "images", output="out", vary=vary)


Source = str | Path | list[str] | None


@public
def in_memory(images: Any, run: Source = None) -> Any:
    """What came through."""
    return images


@pytest.mark.parametrize("images", ["sky", Path("sky"), np.zeros((2, 3, 3, 3)), ["a"], iter("ab")])
def test_data_in_memory_is_right_where_the_signature_says_any(images: Any) -> None:
    assert in_memory(images, None) is images


@pytest.mark.parametrize("images", [None, 3, True, b"a", object(), {1}])
def test_what_is_no_data(images: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="`images` cannot be of type"):
        in_memory(images)


def test_every_public_function_is_held_to_it() -> None:
    assert all(hasattr(function_named(title), "__wrapped__") for title in FUNCTIONS)


def methods(kind: type) -> Iterator[tuple[str, inspect.Signature]]:
    """The public methods of a class that take arguments."""
    for name, value in vars(kind).items():
        method = getattr(value, "__func__", value)
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        signature = inspect.signature(method)
        if set(signature.parameters) - {"self", "cls"}:
            yield name, signature


METHODS = [
    (kind, name, signature)
    for kind in (galaxyclass.Model, galaxyclass.Predictions, galaxyclass.Dataset)
    for name, signature in methods(kind)
]


@pytest.fixture(scope="module")
def objects() -> dict[type, Any]:
    model = galaxyclass.load_model(views=1)
    predictions = model.predict(np.zeros((1, 16, 16, 3), np.uint8))
    return {
        galaxyclass.Model: model,
        galaxyclass.Predictions: predictions,
        galaxyclass.Dataset: galaxyclass.Dataset("nowhere"),
    }


@pytest.mark.parametrize(("kind", "name", "signature"), METHODS)
def test_every_public_method_is_held_to_it(
    here: Path, objects: dict[type, Any], kind: type, name: str, signature: inspect.Signature
) -> None:
    method = getattr(objects[kind], name)
    parameters = {
        each.name: each
        for each in signature.parameters.values()
        if each.name not in ("self", "cls") and each.kind is not each.VAR_KEYWORD
    }
    required = [title for title, each in parameters.items() if each.default is each.empty]
    needed = {title: GIVEN.get(title, {}) for title in required}
    for title, value in itertools.product(parameters, NO_TYPE):
        with pytest.raises(ArgumentTypeError) as caught:
            method(**{**needed, title: value})
        assert caught.value.argument == title
    with pytest.raises(ArgumentTypeError, match="has no argument `colour`"):
        method(**needed, colour=1)
    if required:
        with pytest.raises(ArgumentTypeError, match=f"lacks .*`{required[0]}`"):
            method()
    for title in ("output", "settings"):
        if title in parameters:
            assert parameters[title].kind is inspect.Parameter.KEYWORD_ONLY


def test_what_concerns_the_network_stands_in_one_order() -> None:
    order = ["views", "device", "precision", "batch_size", "workers"]
    first = [
        "model",
        "models",
        "run",
        "recipe",
        "recipes",
        "count",
        "predictions",
        "images",
        "table",
    ]
    for title in FUNCTIONS:
        parameters = parameters_of(title)
        names = [name for name in parameters if name in order]
        assert names == [name for name in order if name in names], title
        leading = [
            name
            for name, parameter in parameters.items()
            if name in first and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
        ]
        kinds = [parameters[name].kind for name in parameters if name in ("output", "settings")]
        if title != "load_recipe":
            assert all(kind is inspect.Parameter.KEYWORD_ONLY for kind in kinds), title
        assert leading == sorted(leading, key=first.index), title


def test_one_name_has_one_type() -> None:
    """But for None, and several of it, which the signature adds."""
    types: dict[str, set[str]] = {}
    for title in FUNCTIONS:
        for name, parameter in parameters_of(title).items():
            text = (
                str(parameter.annotation)
                .replace(" | None", "")
                .replace("Dataset | ", "")
                .replace("TableJoin | ", "")
                .replace("ModelSource", "str | Path")
                .replace("str | Path | Model", "str | Path")
            )
            if text == "Any":
                continue  # data in memory too
            text = re.sub(r" \| Sequence\[.*\]$", "", text)
            types.setdefault(name, set()).add(text)
    several = {name: found for name, found in types.items() if len(found) > 1}
    assert not several
    assert set(types) <= set(ARGUMENTS)


COMMANDS = (
    "simulate|validate|explore|recipes|pack|baseline|train|compare|evaluate|combine|"
    "calibrate|predict|export|benchmark|survey"
)


def test_only_the_command_line_speaks_of_options() -> None:
    source = Path(galaxyclass.__file__).parent
    option = re.compile(rf"(?<![\w-])--[a-z]|\bgalaxyclass ({COMMANDS})\b")
    for path in source.rglob("*.py"):
        # A page shows the command that learns from the labels that were given on it.
        room = path.relative_to(source).parts[0]
        if room in ("cli", "__main__.py") or path.name == "label_pages.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value.replace("pip install --upgrade", "")
                text = re.sub(r"var\(--\w+\)|--\w+: ", "", text)  # of a style sheet
                assert not option.search(text), f"{path}:{node.lineno}: {option.search(text)}"


@pytest.mark.parametrize("title", ["read_catalog", "Dataset"])
def test_what_is_no_table_is_refused_before_it_is_read(title: str, tmp_path: Path) -> None:
    rows = np.array([(1, 2)], dtype=[("id", int), ("ring", int)])
    for value in ([{"id": 1}], ["a.csv", "b.csv"], rows, np.zeros((2, 2)), iter("ab"), range(3)):
        with pytest.raises(ArgumentTypeError, match=r"wanted: .*a table in memory"):
            getattr(galaxyclass, title)(tmp_path, value)


def test_arrays_of_scores_keep_what_is_masked_and_refuse_what_is_no_number() -> None:
    predicted = np.ma.masked_array([[0.5, 0.1]], [[True, False]])
    assert np.isnan(galaxyclass.rmse(predicted, [[0.2, 0.1]]))
    truth = np.ma.masked_array([[0.2, 0.1]], [[True, False]])
    assert galaxyclass.rmse([[0.5, 0.1]], truth) == 0
    for values in (np.array([[1j]]), [["a"]], np.array([["0.5"]])):
        with pytest.raises(ArgumentTypeError, match="`predicted` cannot be of type"):
            galaxyclass.rmse(values, [[1.0]])


def test_a_backend_is_called_and_gives_an_output_of_a_model() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(ArgumentTypeError, match="`backend` cannot be of type int"):
        galaxyclass.load_model(backend=1)
    for views in (1, 2):
        model = galaxyclass.load_model(backend=lambda *_: None, views=views)
        with pytest.raises(ArgumentTypeError, match=r"(?s)backend gave nothing.*got: +NoneType"):
            model.predict(image)


def test_a_home_that_only_a_shell_knows_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for output in ("~/sky", Path("~/sky"), "~"):
        with pytest.raises(ArgumentError, match="begins with ~"):
            galaxyclass.simulate(output=output, count=1)
    assert not list(tmp_path.iterdir())


def test_a_data_set_of_a_table_in_memory_says_how_it_becomes_json(tmp_path: Path) -> None:
    dataset = galaxyclass.Dataset(tmp_path, {"id": ["a"], "ring": [1]})
    with pytest.raises(ArgumentTypeError, match=r"no path(?s:.*)with_files\(folder\)") as caught:
        dataset.to_json()
    assert caught.value.argument == "table"
    dataset.save_tables(tmp_path)
    path = dataset.with_files(tmp_path).to_json()["table"]
    assert galaxyclass.Dataset(tmp_path, path).table_path == Path(path)


def test_a_field_is_one_number() -> None:
    units = pytest.importorskip("astropy.units")
    with pytest.raises(ArgumentError, match="`field` is several numbers"):
        galaxyclass.open_tiles("tiles", field=[30, 40] * units.arcsec)


@pytest.mark.parametrize("argument", ["ra_column", "dec_column", "id_column"])
def test_columns_of_no_catalogue_are_refused(argument: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{argument}` is a column of a catalogue"):
        galaxyclass.open_tiles("tiles", field="30 arcsec", **{argument: "x"})
