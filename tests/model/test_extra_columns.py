"""Columns that are included on request: what they hold, and what is said where they cannot be."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from galaxyclass.calibration.calibration import Calibration, fit_calibration
from galaxyclass.calibration.files import calibration_json, parse_calibration
from galaxyclass.calibration.image_statistics import image_statistics
from galaxyclass.data.catalog.derive import FIVE
from galaxyclass.errors import ArgumentError, BundleError, GalaxyclassError, OutputError
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.read import read_image
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.columns import PredictionLayout
from galaxyclass.model.image_source import open_images
from galaxyclass.model.job import predict_to_table
from galaxyclass.model.load import load_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.predict import predict
from galaxyclass.model.rows import open_rows
from galaxyclass.recipes.preprocessing import Preprocessing
from tests.support import fake

BATCHES_OF_8 = InferenceOptions(batch_size=8)

FIVE_CLASSES = tuple(FIVE["galaxy_zoo_2"])
SETTINGS = Preprocessing(cutout="centre", frame=24, size=12)


class FullBackend:
    """Everything that a network says: fractions, two auxiliary tables, features."""

    def __init__(self, width: int = 4) -> None:
        self.width = width
        self.tree, self.five, self.two = (
            fake.TreeBackend(),
            fake.ClassBackend(5),
            fake.ClassBackend(2),
        )

    def features(self, cutouts: NDArray[Any]) -> NDArray[Any]:
        return cutouts[:, :, 0, 0].astype(np.float32)[:, : self.width]

    def __call__(self, cutouts: NDArray[Any]) -> ModelOutput:
        auxiliary = [self.two.values(cutouts), self.five.values(cutouts)]
        return fake.said(self.tree.values(cutouts), auxiliary, self.features(cutouts))


@pytest.fixture
def calibration() -> Calibration:
    """Measured of 300 pictures of noise, with votes that are not quite what is predicted."""
    rng = np.random.default_rng(5)
    level = rng.uniform(0, 256, (300, 1, 1, 3))
    cutouts = np.clip(rng.normal(level, 40, (300, 12, 12, 3)), 0, 255).astype(np.uint8)
    said = FullBackend()(cutouts)
    votes = np.clip(rng.normal(said.values, 0.1), 0, 1)
    seen = image_statistics(cutouts)
    return fit_calibration(fake.vote_outputs(), said.values, said.features, votes, seen)


def calibrate(run: Path, calibration: Calibration) -> Calibration:
    """Give a run's bundle that calibration."""
    write = lambda path: path.write_text(calibration_json(calibration))  # noqa: E731
    save_bundle(run, load_bundle(run).manifest, {"calibration": write})
    bundle = load_bundle(run)
    return parse_calibration(bundle.calibration.read_text(), "test")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run on votes that learnt two other tables, the classes in alphabetical order."""
    auxiliary = (
        fake.class_outputs("ring", "no", column="ring"),
        fake.class_outputs(*sorted(FIVE_CLASSES)),
    )
    return fake.save_run(tmp_path / "run", auxiliary=auxiliary)


@pytest.fixture
def sky(tmp_path: Path) -> tuple[Path, NDArray[Any]]:
    paths = fake.save_images(tmp_path / "sky", 12)
    return tmp_path / "sky", np.stack([make_cutout(read_image(path), SETTINGS) for path in paths])


def read(path: Path) -> dict[str, list[str]]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def floats(table: dict[str, list[str]], names: list[str] | tuple[str, ...]) -> NDArray[Any]:
    return np.array([table[name] for name in names], dtype=np.float32).T


def test_five_classes_under_their_names(
    run: Path, sky: tuple[Path, NDArray[Any]], tmp_path: Path
) -> None:
    backend = FullBackend()
    predict(
        load_model(run, backend=backend),
        sky[0],
        output=tmp_path / "p.csv",
        include=["five_classes"],
    )
    table = read(tmp_path / "p.csv")
    assert list(table) == ["GalaxyID", *fake.TREE.layout("challenge").columns, *FIVE_CLASSES]
    given = backend.five.values(sky[1])  # in alphabetical order
    np.testing.assert_array_equal(floats(table, sorted(FIVE_CLASSES)), given)


def test_everything_in_csv_and_parquet(
    run: Path, sky: tuple[Path, NDArray[Any]], tmp_path: Path, calibration: Calibration
) -> None:
    kept = calibrate(run, calibration)
    include = ("embedding", "strangeness", "uncertainty", "five_classes")
    for name in ("p.csv", "p.parquet"):
        predict(
            load_model(run, backend=FullBackend()), sky[0], output=tmp_path / name, include=include
        )
    answers = fake.TREE.layout("challenge").columns
    bounds = [f"{name}_{end}" for name in answers for end in ("lower", "upper")]
    embedding = [f"embedding_{place}" for place in range(4)]
    table = read(tmp_path / "p.csv")
    assert list(table) == [
        "GalaxyID", *answers, *FIVE_CLASSES, *bounds, "strangeness", "strange", *embedding
    ]  # fmt: skip
    values = floats(table, answers)
    lower, upper = floats(table, bounds[::2]), floats(table, bounds[1::2])
    assert (lower <= values).all()
    assert (values <= upper).all()
    np.testing.assert_array_equal(np.stack([lower, upper]), kept.bounds(values))
    features = FullBackend().features(sky[1])
    np.testing.assert_array_equal(floats(table, embedding), features)
    score, flag = kept.score_images(features, image_statistics(sky[1]))
    np.testing.assert_array_equal(floats(table, ["strangeness"])[:, 0], score)
    assert table["strange"] == [str(bool(one)) for one in flag]
    assert flag.all()  # pictures of one colour are not like noise
    parquet = pq.read_table(tmp_path / "p.parquet")
    assert parquet.column_names == list(table)
    for name in parquet.column_names[1:]:
        kind = pa.bool_() if name == "strange" else pa.float32()
        assert parquet.schema.field(name).type == kind
        cells = [str(one) for one in parquet[name].to_pylist()]
        if name == "strange":
            assert cells == table[name]
        else:
            assert np.array_equal(np.array(cells, np.float32), floats(table, [name])[:, 0])


def test_bounds_of_answers_that_are_not_known_are_empty(
    sky: tuple[Path, NDArray[Any]], tmp_path: Path, calibration: Calibration
) -> None:
    run = fake.save_run(tmp_path / "run", fake.vote_outputs(unknown=("11",)))
    calibrate(run, calibration)
    output = tmp_path / "p.parquet"
    predict(
        load_model(run, backend=fake.TreeBackend()), sky[0], output=output, include=["uncertainty"]
    )
    table = pq.read_table(output)
    empty = {name for name in table.column_names if table[name].null_count}
    assert empty == {f"Class11.{i}{end}" for i in range(1, 7) for end in ("", "_lower", "_upper")}


def test_embedding_of_an_ensemble_is_that_of_each_member(
    tmp_path: Path, sky: tuple[Path, NDArray[Any]]
) -> None:
    runs = [fake.save_run(tmp_path / name) for name in "ab"]

    def backend(width: int) -> Callable[..., Any]:
        features = FullBackend(width).features
        return lambda cutouts: fake.said(fake.TreeBackend().values(cutouts), (), features(cutouts))

    backends = [backend(3), backend(2)]
    predict(
        load_model(runs, backend=backends), sky[0], output=tmp_path / "p.csv", include=["embedding"]
    )
    found = floats(read(tmp_path / "p.csv"), [f"embedding_{place}" for place in range(5)])
    expected = sky[1][:, :, 0, 0].astype(np.float32)
    np.testing.assert_array_equal(found, expected[:, [0, 1, 2, 0, 1]])


def test_five_classes_of_an_ensemble_are_those_that_all_have(
    tmp_path: Path, sky: tuple[Path, NDArray[Any]]
) -> None:
    """The second member has them in another place, and no other auxiliary table."""
    five, two = fake.class_outputs(*FIVE_CLASSES), fake.class_outputs("a", "b")
    runs = [
        fake.save_run(tmp_path / "a", auxiliary=(two, five)),
        fake.save_run(tmp_path / "b", auxiliary=(five,)),
    ]
    other = fake.ClassBackend(5)
    other.weights = -other.weights
    first = FullBackend()

    def second(cutouts: NDArray[Any]) -> ModelOutput:
        return fake.said(first.tree.values(cutouts), [other.values(cutouts)])

    predict(
        load_model(runs, backend=[first, second]),
        sky[0],
        output=tmp_path / "p.csv",
        include=["five_classes"],
    )
    expected = (first.five.values(sky[1]) + other.values(sky[1])) / 2
    np.testing.assert_allclose(floats(read(tmp_path / "p.csv"), FIVE_CLASSES), expected, atol=1e-6)


def test_a_model_of_the_five_classes_has_them_already(
    tmp_path: Path, sky: tuple[Path, NDArray[Any]]
) -> None:
    run = fake.save_run(tmp_path / "run", fake.class_outputs(*FIVE_CLASSES))
    for name, include in (("plain.csv", ()), ("asked.csv", ["five_classes"])):
        predict(
            load_model(run, backend=fake.ClassBackend(5)),
            sky[0],
            output=tmp_path / name,
            include=include,
        )
    assert (tmp_path / "plain.csv").read_bytes() == (tmp_path / "asked.csv").read_bytes()


def test_included_columns_of_a_model_of_classes_come_last_and_keep_clear_of_its_names(
    tmp_path: Path, sky: tuple[Path, NDArray[Any]]
) -> None:
    task = fake.class_outputs("spiral", "strange, indeed", column="edge_on")
    run = fake.save_run(tmp_path / "run", task, auxiliary=(fake.class_outputs(*FIVE_CLASSES),))
    backend = fake.ClassBackend(2)
    five = fake.ClassBackend(5)

    def both(cutouts: NDArray[Any]) -> ModelOutput:
        return fake.said(backend.values(cutouts), [five.values(cutouts)])

    predict(
        load_model(run, backend=both), sky[0], output=tmp_path / "p.csv", include=["five_classes"]
    )
    table = read(tmp_path / "p.csv")
    assert list(table) == [
        "GalaxyID", "spiral", "strange, indeed", "edge_on", *FIVE_CLASSES[:3],
        "edge_on_included", "spiral_included",
    ]  # fmt: skip
    assert set(table["edge_on"]) <= {"spiral", "strange, indeed"}
    np.testing.assert_array_equal(
        floats(table, ["spiral_included"])[:, 0], five.values(sky[1])[:, 4]
    )


def test_a_shard_without_images_that_can_be_decoded(run: Path, tmp_path: Path) -> None:
    (tmp_path / "sky").mkdir()
    (tmp_path / "sky" / "1.jpg").write_text("no")
    model = load_model(run, backend=FullBackend())
    source = open_images(tmp_path / "sky", id_column="GalaxyID")
    for name in ("p.csv", "p.parquet"):
        maker = open_rows(
            model.ensemble, source, include=["five_classes", "embedding"], name=model.name
        )
        predict_to_table(maker, tmp_path / name, model.options, may_be_empty=True)
    names = list(pq.read_table(tmp_path / "p.parquet").column_names)
    assert len(names) == 1 + 37 + 5 + 4
    assert (tmp_path / "p.csv").read_text() == ",".join(names) + "\n"


def test_parts_of_wide_rows_join_to_groups_that_fit_in_memory(
    run: Path, sky: tuple[Path, NDArray[Any]], tmp_path: Path
) -> None:
    class WideBackend(FullBackend):
        def features(self, cutouts: NDArray[Any]) -> NDArray[Any]:
            return np.ones((len(cutouts), 2000), np.float32)

    backend = WideBackend()
    predict(
        load_model(run, backend=backend),
        sky[0],
        output=tmp_path / "p.parquet",
        include=["embedding"],
    )
    table = pq.ParquetFile(tmp_path / "p.parquet")
    assert table.metadata.num_columns == 1 + 37 + 2000
    assert table.metadata.num_rows == 12


@pytest.mark.usefixtures("small_parts")
def test_what_is_included_is_part_of_what_is_resumed(run: Path, tmp_path: Path) -> None:
    from galaxyclass.errors import PredictionInterruptedError

    fake.save_images(tmp_path / "many", 60)
    where, full, calls = (tmp_path / "many", tmp_path / "p.csv"), FullBackend(), []

    def stopped(cutouts: NDArray[Any]) -> ModelOutput:
        calls.append(len(cutouts))
        if len(calls) > 6:
            raise KeyboardInterrupt
        return full(cutouts)

    with pytest.raises(PredictionInterruptedError):
        predict(
            load_model(run, backend=stopped),
            where[0],
            output=where[1],
            include=["five_classes"],
            options=BATCHES_OF_8,
        )
    calls.clear()
    with pytest.raises(PredictionInterruptedError):
        predict(
            load_model(run, backend=stopped),
            where[0],
            output=where[1],
            include=["embedding"],
            options=BATCHES_OF_8,
        )
    assert len(calls) == 7
    summary = predict(
        load_model(run, backend=full),
        where[0],
        output=where[1],
        include=["embedding"],
        options=BATCHES_OF_8,
    )
    assert summary.resumed == 32  # one call was to see how wide the embedding is
    assert len(read(where[1])["embedding_3"]) == 60


def _refused(
    run: Path,
    include: list[str],
    words: str,
    *,
    error: type[GalaxyclassError] = BundleError,
    layout: PredictionLayout = "table",
) -> None:
    with pytest.raises(error, match=words):  # before a network is loaded or an image is read
        predict(
            run, run.parent / "sky", output=run.parent / "p.csv", include=include, layout=layout
        )


def test_a_run_that_has_not_got_what_is_asked_for_says_so(
    sky: tuple[Path, NDArray[Any]], tmp_path: Path
) -> None:
    plain = fake.save_run(tmp_path / "plain")
    ring = fake.save_run(tmp_path / "ring", auxiliary=(fake.class_outputs("ring", "no"),))
    _refused(plain, ["five_classes"], r"five classes(?s:.*)votes alone(?s:.*)leave five_classes")
    _refused(ring, ["five_classes"], r"one that learnt votes and ring, no")
    two = fake.save_run(tmp_path / "two", fake.class_outputs("a", "b"))
    _refused(two, ["five_classes"], "2 other classes")
    for name in ("uncertainty", "strangeness"):
        words = rf"does not know(?s:.*)galaxyclass.calibrate(?s:.*)or leave {name} out"
        _refused(plain, [name], words)
    _refused(
        plain, ["colour"], r"'colour' can be incl(?s:.*)five_classes, uncert", error=ArgumentError
    )


def test_columns_say_what_they_are(
    sky: tuple[Path, NDArray[Any]], tmp_path: Path, calibration: Calibration
) -> None:
    run = fake.save_run(tmp_path / "run")
    calibrate(run, calibration)
    model = load_model(run, backend=fake.TreeBackend())
    table = model.predict(sky[0], include=["uncertainty"]).to_astropy()
    assert table["Class4.1"].description.startswith("share of all volunteers who answer 'spiral'")
    assert "end of the 90% prediction interval of Class4.1" in table["Class4.1_upper"].description


def test_a_backend_without_an_embedding(sky: tuple[Path, NDArray[Any]], tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    model = load_model(run, backend=fake.TreeBackend())
    with pytest.raises(BundleError, match="gives no embedding"):
        predict(model, tmp_path / "sky", output=tmp_path / "p.csv", include=["embedding"])


def test_a_calibration_that_has_not_got_it_says_so_before_anything_is_predicted(
    run: Path, sky: tuple[Path, NDArray[Any]], tmp_path: Path, calibration: Calibration
) -> None:
    empty = replace(calibration, intervals=None, out_of_distribution=None, notes=("Too few.",))
    calibrate(run, empty)
    _refused(run, ["uncertainty"], "has no intervals(?s:.*)Too few")
    _refused(run, ["strangeness"], "has no out-of-distribution score(?s:.*)Too few")


def test_what_is_known_of_a_single_model_only(
    run: Path, sky: tuple[Path, NDArray[Any]], tmp_path: Path
) -> None:
    for name in ("uncertainty", "strangeness"):
        with pytest.raises(BundleError, match=f"{name} is known of a single model") as error:
            predict([run, run], sky[0], output=tmp_path / "p.csv", include=[name])
        assert f"name one run, or leave {name} out of `include`" in str(error.value)


@pytest.mark.parametrize("kind", ["classes", "shares of those asked"])
def test_intervals_are_of_joint_fractions(
    sky: tuple[Path, NDArray[Any]], tmp_path: Path, kind: str, calibration: Calibration
) -> None:
    task = fake.vote_outputs("hart16") if "shares" in kind else fake.class_outputs("a", "b")
    run = fake.save_run(tmp_path / "run", task)
    calibrate(run, calibration)
    _refused(run, ["uncertainty"], rf"{kind}(?s:.*)joint vote fractions")


def test_a_contest_has_nothing_besides(sky: tuple[Path, NDArray[Any]], tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run", fake.class_outputs("a", "b"),
                        auxiliary=(fake.class_outputs(*FIVE_CLASSES),))  # fmt: skip
    words = "and nothing else(?s:.*)`include`"
    _refused(run, ["five_classes"], words, error=OutputError, layout="contest")
