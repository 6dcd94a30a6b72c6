"""`Model`: what can be given to it, and that memory and files give the same."""

from __future__ import annotations

import copy
import os
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

import galaxyclass
from galaxyclass.errors import (
    ArgumentError,
    ArgumentTypeError,
    BundleError,
    CatalogError,
    OutputError,
    PredictionInterruptedError,
    RunError,
)
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.load import load_model, open_model
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.stream import TURN_IMAGES
from galaxyclass.workers.ordered import AHEAD
from tests.support import fake

Arrays = list[NDArray[np.uint8]]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    run = fake.save_run(tmp_path / "run")
    return load_model(run, batch_size=4, backend=fake.TreeBackend())


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """PNG files of several sizes, colour and grey, in an order that is not that of their names."""
    rng = np.random.default_rng(0)
    shapes = [(32, 32, 3), (40, 28, 3), (30, 30), (64, 64, 3), (12, 16, 3), (33, 31)]
    (tmp_path / "sky").mkdir()
    paths = []
    for place, shape in enumerate(shapes):
        paths.append(tmp_path / "sky" / f"{900 - place}.png")
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(paths[-1])
    return paths


def _pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.array(image)


@pytest.fixture
def arrays(files: list[Path]) -> Arrays:
    return [_pixels(path) for path in files]


def test_arrays_and_their_files_give_the_same(
    model: Model, files: list[Path], arrays: Arrays
) -> None:
    of_files, of_arrays = model.predict(files), model.predict(arrays)
    np.testing.assert_array_equal(of_arrays.values, of_files.values)
    assert of_files.values.shape == (6, 37)
    assert of_files.ids == [900, 899, 898, 897, 896, 895]
    assert of_arrays.ids == [0, 1, 2, 3, 4, 5]
    assert of_arrays.to_arrow().column_names[0] == "image"
    np.testing.assert_array_equal(model.predict(iter(arrays)).values, of_files.values)
    np.testing.assert_array_equal(model.predict(iter(files)).values, of_files.values)
    assert model.predict(files[0].parent).ids == sorted(of_files.ids)


def test_a_stack_a_single_image_and_floats(model: Model, arrays: Arrays) -> None:
    stack = np.stack([arrays[0], arrays[0][::-1], arrays[0][:, ::-1]])
    several = model.predict(stack)
    assert len(several) == 3
    np.testing.assert_array_equal(model.predict(stack[0]).values, several.values[:1])
    np.testing.assert_array_equal(model.predict(stack / 255).values, several.values)
    np.testing.assert_array_equal(model.predict((stack / 255).astype("f4")).values, several.values)
    grey = model.predict(arrays[2])
    np.testing.assert_array_equal(grey.values, model.predict(arrays[2][..., None]).values)
    assert len(model.predict(stack[:0])) == 0


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((5, 20, 20), np.uint8), "not clear which axis"),
        (np.zeros((5, 20, 20, 4), np.uint8), "4 bands, and it is not clear which of them"),
        (np.full((20, 20, 3), 200.0), "images / 255"),
        ([np.zeros((20, 20, 3)), np.zeros((20, 20, 2))], "image 1: 2 bands, and it is not clear"),
        ([np.zeros((20, 0, 3))], "image 0: not the shape"),
    ],
)
def test_arrays_that_are_no_images(model: Model, images: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        model.predict(images)
    assert caught.value.argument == "images"
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((20, 20, 3), bool),
        [[1, 2], [3, 4]],
        ["a.png", np.zeros((20, 20, 3))],
        5,
    ],
)
def test_other_types(model: Model, images: object) -> None:
    with pytest.raises(ArgumentTypeError):
        model.predict(images)


def test_an_iterator_is_read_a_bounded_way_ahead(tmp_path: Path) -> None:
    """Twenty thousand arrays, and no more of them in memory than are being predicted."""
    taken = 0

    def images() -> Iterator[NDArray[np.uint8]]:
        nonlocal taken
        for place in range(20_000):
            taken += 1
            yield np.full((8, 8, 3), place % 256, np.uint8)

    most = 0

    def progress(stage: str, done: int, total: int | None, **_: Any) -> None:
        nonlocal most
        assert total is None
        most = max(most, taken - done)

    backend = fake.LaneBackend(fake.TreeBackend())
    model = load_model(fake.save_run(tmp_path / "run"), workers=2, backend=backend)
    summary = model.predict_to_file(images(), output=tmp_path / "p.parquet", progress=progress)
    assert summary.images == summary.predicted == 20_000
    assert pq.read_table(tmp_path / "p.parquet")["image"].to_pylist() == list(range(20_000))
    assert most <= (AHEAD * 2 + 2) * TURN_IMAGES


def _table(files: list[Path]) -> pa.Table:
    return pa.table(
        {
            "redshift": np.linspace(0, 0.1, len(files) + 1),
            "objid": [587722981736579107 + place for place in range(len(files) + 1)],
            "file": [*map(str, files), "gone.png"],
            "Class1.1": [0.5] * (len(files) + 1),
            "note": ["a,b", None, "ü", "", "x", "y", "z"],
        }
    )


def test_a_table_of_paths(model: Model, files: list[Path], tmp_path: Path) -> None:
    table = _table(files)
    predictions = model.predict(table, id_column="objid")
    assert predictions.ids == table["objid"].to_pylist()[:-1]
    names = predictions.to_arrow().column_names
    assert names[0] == "objid"
    assert names[-4:] == ["redshift", "file", "Class1.1_given", "note"]
    np.testing.assert_array_equal(predictions.values, model.predict(files).values)
    (failure,) = predictions.failures
    assert (failure.index, failure.id, failure.path) == (6, "587722981736579113", "gone.png")
    assert "no such file" in failure.error
    for ending in (".csv", ".parquet"):
        memory, file = tmp_path / f"memory{ending}", tmp_path / f"file{ending}"
        predictions.write(memory)
        summary = model.predict_to_file(table, output=file, id_column="objid")
        assert summary.failed == 1
        assert memory.read_bytes() == file.read_bytes()
    failed = [(tmp_path / f"{name}_failed.csv").read_text() for name in ("memory", "file")]
    assert failed[0] == failed[1]
    with pytest.raises(OutputError, match="exists already"):
        predictions.write(tmp_path / "memory.csv")


def test_the_columns_of_a_table_are_found(model: Model, files: list[Path]) -> None:
    stems = pa.table({"name": [path.stem for path in files], "path": list(map(str, files))})
    assert model.predict(stems).to_arrow().column_names[0] == "name"
    own = stems.rename_columns(["GalaxyID", "path"])
    assert model.predict(own).ids == [path.stem for path in files]
    without = model.predict(stems.select(["path"]))
    assert without.to_arrow().column_names[0] == "GalaxyID"
    assert without.ids == [900 - place for place in range(6)]
    with pytest.raises(ArgumentError, match="no column of the table holds the paths"):
        model.predict(stems.select(["name"]))
    with pytest.raises(ArgumentError, match="several columns"):
        model.predict(stems.append_column("other", stems["path"]))
    assert len(model.predict(stems.append_column("other", stems["path"]), path_column="path")) == 6
    with pytest.raises(CatalogError, match="not one of the files"):
        model.predict(pa.table({"path": ["nowhere/1.jpg"]}))
    floats = stems.append_column("id", pa.array(np.arange(6.0)))
    with pytest.raises(ArgumentTypeError, match="cannot hold the ids"):
        model.predict(floats, id_column="id")


def test_pandas_and_astropy(model: Model, files: list[Path]) -> None:
    pandas = pytest.importorskip("pandas")
    astropy = pytest.importorskip("astropy.table")
    table = _table(files)
    expected = model.predict(table, id_column="objid").to_arrow()
    frame = table.to_pandas()
    assert model.predict(frame, id_column="objid").to_arrow().equals(expected)
    indexed = model.predict(frame.set_index("objid"), id_column="objid").to_pandas()
    assert isinstance(indexed, pandas.DataFrame)
    assert indexed["objid"].tolist() == expected["objid"].to_pylist()
    columns = astropy.Table({name: table[name].to_numpy() for name in ("objid", "redshift")})
    columns["redshift"].unit = "km / s"
    columns["file"] = table["file"].to_pylist()
    back = model.predict(columns, id_column="objid").to_astropy()
    assert back["objid"].tolist() == expected["objid"].to_pylist()
    assert str(back["redshift"].unit) == "km / s"
    assert back["Class1.2"].dtype == np.float32
    flagged = table.append_column("good", pa.array([True, None, *[False] * (len(table) - 2)]))
    good = model.predict(flagged, id_column="objid").to_astropy()["good"]
    assert np.flatnonzero(good.mask).tolist() == [1]
    assert good.dtype == bool


def test_ids_of_arrays(model: Model, arrays: Arrays, files: list[Path]) -> None:
    names = [f"J{place}" for place in range(6)]
    predictions = model.predict(arrays, ids=names)
    assert predictions.ids == names
    assert predictions.to_arrow().column_names[0] == "GalaxyID"
    assert model.predict(arrays, ids=np.arange(6)).ids == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ArgumentError, match="not one for each image"):
        model.predict(arrays, ids=names[:-1])
    with pytest.raises(ArgumentTypeError, match="neither text nor a whole number"):
        model.predict(arrays[:1], ids=[1.5])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match=r"(?s)an id is empty.*for image 1"):
        model.predict(arrays, ids=["a", " ", *names[2:]])
    twice = model.predict(arrays, ids=["a", "a", *names[2:]])
    assert "1 id occurs more than once, such as 'a'" in twice.notes[0]
    table = {"path": [str(path) for path in files], "id": ["a", "a", *" " * (len(files) - 2)]}
    with pytest.raises(ArgumentError, match="empty cells"):
        model.predict(table, id_column="id")
    table["id"][2:] = [str(index) for index in range(2, len(files))]
    assert "1 id occurs more than once" in model.predict(table, id_column="id").notes[0]


def test_what_is_stopped_in_memory_leaves_nothing(tmp_path: Path, arrays: Arrays) -> None:
    def stop(cutouts: NDArray[np.uint8]) -> None:
        raise KeyboardInterrupt

    model = load_model(fake.save_run(tmp_path / "run"), backend=stop)  # type: ignore[arg-type]
    with pytest.raises(PredictionInterruptedError, match="nothing is kept"):
        model.predict_to_file(arrays, output=tmp_path / "p.csv")
    assert [path.name for path in tmp_path.glob("p*")] == []


def test_embedding_keeps_the_order(tmp_path: Path, files: list[Path]) -> None:
    def backend(cutouts: NDArray[np.uint8]) -> object:
        means = cutouts.mean(axis=(1, 2)).astype(np.float32)
        return fake.said(np.full((len(cutouts), 37), 0.1, np.float32), features=means)

    model = load_model(fake.save_run(tmp_path / "run"), backend=backend)  # type: ignore[arg-type]
    features = model.embed([files[0], files[1]])
    files[1].write_text("no image")
    with_gap = model.embed(files[:3])
    assert with_gap.shape == (3, 3)
    assert with_gap.dtype == np.float32
    assert np.isnan(with_gap[1]).all()
    np.testing.assert_array_equal(with_gap[0], features[0])


def test_sources(tmp_path: Path) -> None:
    runs = [fake.save_run(tmp_path / name) for name in "ab"]
    both = galaxyclass.load_model(runs, views=3)
    assert both.name == "a + b"
    assert (both.views, len(both.bundles)) == (3, 2)
    assert galaxyclass.load_model([galaxyclass.load_model(runs[0]), runs[1]]).digest == both.digest
    assert "Not calibrated" in both.card
    with pytest.raises(ArgumentError, match="`model` is empty"):
        galaxyclass.load_model([])
    with pytest.raises(ArgumentTypeError, match="`model` cannot be of type int"):
        galaxyclass.load_model(5)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="several models at once"):
        both.export(output=tmp_path / "m.onnx")


@pytest.mark.parametrize(
    "wrong",
    [
        {"views": 0}, {"views": 10**9}, {"workers": 0}, {"batch_size": -1},
        {"device": "tpu"}, {"precision": "fp8"},
    ],
)  # fmt: skip
def test_options_that_are_not_possible(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as caught:
        galaxyclass.load_model(**wrong)
    assert caught.value.argument == next(iter(wrong))


def test_options_of_other_types() -> None:
    with pytest.raises(ArgumentTypeError):
        InferenceOptions(views=2.5)  # type: ignore[arg-type]


def test_a_model_stands_where_a_run_does(model: Model, files: list[Path], tmp_path: Path) -> None:
    galaxyclass.predict(model, files, output=tmp_path / "p.csv")
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 7
    with pytest.raises(ArgumentTypeError, match="`include` cannot be of type str"):
        model.predict(files, include="embedding")


@pytest.fixture(scope="module")
def pretrained() -> Model:
    return galaxyclass.load_model(views=1, precision="fp32", workers=1)


def test_the_pretrained_model(pretrained: Model, tmp_path: Path) -> None:
    assert repr(pretrained) == (
        "<Model galaxy-zoo-2 · 37 answers · 1 network · 97 px RGB · onnxruntime>"
    )
    assert pretrained.labellings == ("galaxy-zoo-2",)
    manifest = galaxyclass.load_bundle("pretrained").manifest
    # FITS cutouts are brought to the size of Galaxy Zoo's pictures.
    assert (manifest.members, manifest.preprocessing.picture_size) == (1, 424)
    assert "Galaxy Zoo" in pretrained.card
    where = (tmp_path, None)
    with pytest.raises(RunError, match="does not say which galaxies it was trained on"):
        pretrained.evaluate(*where, output=tmp_path / "out")
    with pytest.raises(RunError, match="part of the package, and stays as it is"):
        pretrained.calibrate(*where, part="all")


def test_what_predictions_show(pretrained: Model, files: list[Path], tmp_path: Path) -> None:
    table = pa.table({"path": list(map(str, files[:3])), "<b>": [1, 2, 3]})
    predictions = pretrained.predict(table, include=["uncertainty", "strangeness"])
    assert repr(predictions).startswith("<Predictions of 3 galaxies · 37 answers · 76 included")
    assert "flagged as strange" in repr(predictions)
    page = predictions._repr_html_()
    assert "<th>GalaxyID</th>" in page
    assert "<th>… " in page
    galaxy = predictions[-1]
    assert re.search(r"Class\d+\.\d \([a-z ,/'-]+\) 0\.\d+", repr(galaxy))
    assert galaxy.id == int(files[2].stem)
    assert galaxy["<b>"] == 3
    assert galaxy["Class1.1_lower"] <= galaxy["Class1.1"] <= galaxy["Class1.1_upper"]
    assert sum(galaxy[f"Class1.{answer}"] for answer in (1, 2, 3)) == pytest.approx(1, abs=1e-5)
    assert len(predictions[1:]) == 2
    assert predictions[1:].ids == predictions.ids[1:]
    with pytest.raises(IndexError):
        predictions[3]
    with pytest.raises(ArgumentTypeError):
        predictions["900"]  # type: ignore[call-overload]
    pytest.importorskip("matplotlib")
    figure = predictions.plot(0)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "1 smooth or features" in texts
    figure.savefig(tmp_path / "galaxy.png")


def test_html_is_escaped(model: Model, files: list[Path]) -> None:
    table = pa.table({"path": list(map(str, files)), "GalaxyID": ["<script>"] * 6})
    page = model.predict(table)._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_calibrated_copy(tmp_path: Path, simulated: Callable[[int], tuple[Path, Path]]) -> None:
    images, table = simulated(120)
    run = fake.save_run(tmp_path / "run" / "bundle")

    def backend(cutouts: NDArray[np.uint8]) -> object:
        means = cutouts.mean(axis=(1, 2)).astype(np.float32)
        return fake.said(fake.TreeBackend().values(cutouts), features=means)

    model = load_model(run.parent, backend=backend)  # type: ignore[arg-type]
    before = load_bundle(run)
    output = tmp_path / "calibrated"
    data = galaxyclass.Dataset(images, table, skip_invalid=True)
    made = model.calibrate(data, part="all", output=output)
    assert load_bundle(run).manifest == before.manifest
    copy = load_bundle(output)
    assert copy.has("calibration")
    assert copy.weights.read_bytes() == before.weights.read_bytes()
    assert made.bundle.manifest == copy.manifest
    with pytest.raises(OutputError, match="something here already"):
        model.calibrate(data, part="all", output=output)
    model.calibrate(data, part="all")
    assert model.bundles[0].has("calibration")
    assert len(model.predict(images, include=["strangeness"])) == 120


@pytest.fixture
def simulated(tmp_path: Path) -> Callable[[int], tuple[Path, Path]]:
    def make(count: int) -> tuple[Path, Path]:
        made = galaxyclass.simulate(
            count, output=tmp_path / "simulated", size=32, seed=1, workers=1
        )
        return made.images, made.table

    return make


def test_models_in_a_list_keep_their_options() -> None:
    one = galaxyclass.load_model(views=1, precision="fp32", batch_size=3)
    assert galaxyclass.load_model([one]).options == one.options
    assert galaxyclass.load_model([one, one], batch_size=4).options == InferenceOptions(
        views=1, precision="fp32", batch_size=4
    )
    with pytest.raises(ArgumentError, match="different options"):
        galaxyclass.load_model([one, galaxyclass.load_model(views=2)])


def test_an_option_that_is_stated_is_applied_and_others_stay() -> None:
    exact = galaxyclass.load_model(views=1, device="cpu", precision="fp32", batch_size=3)
    assert galaxyclass.load_model(exact) is exact
    assert galaxyclass.load_model(exact, precision="auto").options == InferenceOptions(
        views=1, device="cpu", precision="auto", batch_size=3
    )
    assert galaxyclass.load_model([exact], device="auto").options == InferenceOptions(
        views=1, device="auto", precision="fp32", batch_size=3
    )
    assert open_model(exact, InferenceOptions()).options == InferenceOptions()
    assert load_model(exact).options == exact.options


def test_without_rows_there_is_nothing_to_plot_and_the_reason_is_told(
    model: Model, tmp_path: Path
) -> None:
    paths = fake.save_images(tmp_path / "sky", 2)
    for path in paths:
        path.write_text("not an image")
    predictions = model.predict(paths)
    with pytest.raises(ArgumentError, match="row 0 of 0; 2 images could not be decoded") as caught:
        predictions.plot()
    assert (caught.value.argument, caught.value.got) == (
        "index",
        f"the first of them: {predictions.failures[0].error}",
    )
    none = model.predict(np.zeros((2, 8, 8, 3), np.uint8))[:0]
    with pytest.raises(ArgumentError, match=r"row 0 of 0\n"):
        none.plot()


def test_paths_of_any_kind_may_stand_in_tables_and_lists(model: Model, tmp_path: Path) -> None:
    paths = fake.save_images(tmp_path / "sky", 3)
    expected = model.predict(paths).values
    entries = sorted(os.scandir(tmp_path / "sky"), key=lambda entry: entry.name)
    for images in (entries, iter(entries), pd.Series(paths), pd.DataFrame({"file": paths}),
                   {"file": entries}):  # fmt: skip
        assert (model.predict(images).values == expected).all()


@pytest.mark.parametrize("empty", ["", " ", None])
def test_an_empty_path_of_a_table_is_told_with_its_row(
    model: Model, tmp_path: Path, empty: str | None
) -> None:
    paths = [str(path) for path in fake.save_images(tmp_path / "sky", 2)]
    table = pa.table({"file": [paths[0], empty, paths[1]]})
    predictions = model.predict(table, path_column="file")
    failure = predictions.failures[0]
    assert (failure.index, failure.path) == (1, "")
    assert failure.error == "row 2 of the table: the path is empty"
    with pytest.raises(CatalogError, match=r"(?s)not one of the files.*empty cells"):
        model.predict(pa.table({"file": pa.array([empty, empty], pa.string())}), path_column="file")


def test_an_empty_path_in_a_list_is_refused(model: Model, tmp_path: Path) -> None:
    paths = [str(path) for path in fake.save_images(tmp_path / "sky", 2)]
    with pytest.raises(CatalogError, match="path number 2 is empty"):
        model.predict([paths[0], "", paths[1]])


def test_a_slice_keeps_failures_and_notes(model: Model, tmp_path: Path) -> None:
    paths = fake.save_images(tmp_path / "sky", 3)
    paths[1].write_text("not an image")
    predictions = model.predict(paths)
    assert len(predictions.failures) == 1
    assert predictions[:1].failures == predictions.failures
    assert predictions[:1].notes == predictions.notes


def test_an_id_column_that_cannot_hold_ids_is_named(model: Model, tmp_path: Path) -> None:
    paths = [str(path) for path in fake.save_images(tmp_path / "sky", 2)]
    table = pa.table({"file": paths, "GalaxyID": pa.array([7, None])})
    predictions = model.predict(table)
    assert list(map(str, predictions.ids)) == [Path(path).stem for path in paths]
    assert "'GalaxyID' cannot hold the ids" in " ".join(predictions.notes)


def test_paths_and_arrays_in_one_generator_are_refused(model: Model, tmp_path: Path) -> None:
    path = fake.save_images(tmp_path / "sky", 1)[0]
    with pytest.raises(ArgumentTypeError, match="image 0: not an array"):
        model.predict(image for image in [path, np.zeros((30, 30, 3), np.uint8)])


def test_a_model_is_pickled_and_copied_without_its_loaded_networks(
    model: Model, arrays: Arrays
) -> None:
    truth = model.predict(arrays)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert (other.predict(arrays).values == truth.values).all()
    with pytest.raises(ArgumentTypeError, match="bool: not the index"):
        truth[truth.ids[0] == 0]


def test_predictions_are_a_table_and_an_array_to_other_libraries(
    model: Model, arrays: Arrays
) -> None:
    predictions = model.predict(arrays)
    assert pa.table(predictions).equals(predictions.table)
    assert (np.asarray(predictions) == predictions.values).all()
    scores = galaxyclass.score_predictions(predictions, predictions.to_pandas())
    assert scores.matched == len(predictions)


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        (Image.new("P", (8, 8)), r"convert\('RGB'\)"),
        (Image.new("F", (8, 8)), r"`numpy.asarray\(image\)`"),
        (b"\xff\xd8", "io.BytesIO"),
        ("a.jpg", "in another"),
        ([np.zeros((8, 8))], "for image in batch"),
    ],
)
def test_how_an_image_becomes_an_array(model: Model, image: object, hint: str) -> None:
    with pytest.raises(ArgumentTypeError, match=f"hint: .*{hint}"):
        model.predict([np.zeros((8, 8)), image])


def test_a_memory_view_is_an_array(model: Model) -> None:
    content = bytes(range(192))
    pixels = np.frombuffer(content, np.uint8).reshape(8, 8, 3)
    assert (
        model.predict(memoryview(content).cast("B", (8, 8, 3))).values
        == model.predict(pixels).values
    ).all()


def test_a_model_that_is_named_twice_is_noted(model: Model, files: list[Path]) -> None:
    backends = [fake.TreeBackend(), fake.TreeBackend()]
    twins = load_model([model, model], backend=backends)
    assert any(
        "is named 2 times, and counts 2 times in the mean" in note
        for note in twins.predict(files).notes
    )
    assert not any("is named" in note for note in model.predict(files).notes)


def test_the_pretrained_model_is_called_by_its_word(pretrained: Model, files: list[Path]) -> None:
    with pytest.raises(BundleError, match=r"^pretrained: does not say how sure"):
        pretrained.predict(files, include=["posterior"])
