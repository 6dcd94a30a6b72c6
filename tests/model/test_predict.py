"""From images to a table: layout, ids, what cannot be decoded, what is said."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from galaxyclass.data.checks.validate import validate
from galaxyclass.errors import BundleError, CatalogError, ImageError, OutputError
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.read import read_image
from galaxyclass.model.load import load_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.predict import predict
from galaxyclass.recipes.preprocessing import Preprocessing
from tests.support import fake
from tests.support.sums import broken_sums


def _read(path: Path) -> tuple[Any, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def test_the_challenges_submission(tmp_path: Path, small_parts: None) -> None:
    run = fake.save_run(tmp_path / "run")
    images = fake.save_images(tmp_path / "sky", 50)
    steps = []
    summary = predict(
        load_model(run, backend=fake.TreeBackend()),
        tmp_path / "sky",
        output=tmp_path / "out" / "p.csv",
        options=InferenceOptions(batch_size=8),
        progress=lambda stage, done, total, **_: steps.append((stage, done, total)),
    )
    header, rows = _read(tmp_path / "out" / "p.csv")
    assert header == ["GalaxyID", *fake.TREE.layout("challenge").columns]
    assert [row[0] for row in rows] == [path.stem for path in images]
    values = np.array([row[1:] for row in rows], dtype=float)
    cutouts = np.stack([make_cutout(read_image(path), _settings()) for path in images])
    np.testing.assert_array_equal(values.astype(np.float32), fake.TreeBackend().values(cutouts))
    assert not broken_sums(fake.TREE, values, 1e-6).any()
    assert (summary.images, summary.predicted, summary.failed, summary.resumed) == (50, 50, 0, 0)
    nothing = "All 50 pictures: nothing to see: all pixels of the cutout are the same."
    assert (summary.warnings, summary.notes, summary.failed_file) == ((), (nothing,), None)
    assert steps[0] == ("predict", 0, 50)
    assert steps[-1] == ("predict", 50, 50)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["p.csv", "p_provenance.json"]


def _settings() -> Preprocessing:
    from galaxyclass.recipes.preprocessing import Preprocessing

    return Preprocessing(cutout="centre", frame=24, size=12)


def test_csv_and_parquet_hold_the_same(tmp_path: Path, small_parts: None) -> None:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 40)
    for name in ("p.csv", "p.parquet"):
        predict(
            load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / name
        )
    _, rows = _read(tmp_path / "p.csv")
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.schema.field("GalaxyID").type == pa.int64()
    assert [str(i) for i in table["GalaxyID"].to_pylist()] == [row[0] for row in rows]
    for column in range(1, 38):
        np.testing.assert_array_equal(
            table.column(column).to_numpy(), np.array([row[column] for row in rows], np.float32)
        )


def test_what_cannot_be_decoded_is_listed_and_stops_nothing(
    tmp_path: Path, small_parts: None
) -> None:
    run = fake.save_run(tmp_path / "run")
    good = fake.save_images(tmp_path / "sky", 20)
    cut = tmp_path / "sky" / "0_cut, off.jpg"
    cut.write_bytes(good[0].read_bytes()[:200])
    text = tmp_path / "sky" / "587722981736579010x.jpg"
    text.write_text("not an image")
    (tmp_path / "sky" / "empty.png").write_bytes(b"")
    summary = predict(
        load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / "p.csv"
    )
    assert (summary.images, summary.predicted, summary.failed) == (23, 20, 3)
    assert summary.failed_file == tmp_path / "p_failed.csv"
    header, failures = _read(tmp_path / "p_failed.csv")
    assert header == ["path", "error"]
    assert [row[0] for row in failures] == [
        str(cut),
        str(text),
        str(tmp_path / "sky" / "empty.png"),
    ]
    assert "truncated" in failures[0][1]
    assert "not an image" in failures[1][1]
    assert "empty" in failures[2][1]
    _, rows = _read(tmp_path / "p.csv")
    assert [row[0] for row in rows] == [path.stem for path in good]
    assert "whole numbers" in summary.notes[0]


def test_a_side_file_of_an_earlier_job_does_not_stay(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 3)
    bad = tmp_path / "sky" / "bad.jpg"
    bad.write_text("no")
    predict(
        load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / "p.csv"
    )
    assert (tmp_path / "p_failed.csv").exists()
    bad.unlink()
    predict(
        load_model(run, backend=fake.TreeBackend()),
        tmp_path / "sky",
        output=tmp_path / "p.csv",
        overwrite=True,
    )
    assert not (tmp_path / "p_failed.csv").exists()


def test_a_file_of_the_users_called_as_the_side_file_is_kept(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 3)
    (tmp_path / "p_failed.csv").write_text("id,why\n1,clouds\n")
    with pytest.raises(OutputError, match=r"p_failed\.csv: .* something else is there"):
        predict(
            load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / "p.csv"
        )
    assert (tmp_path / "p_failed.csv").read_text() == "id,why\n1,clouds\n"


def test_nothing_can_be_decoded(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    (tmp_path / "sky").mkdir()
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / "sky" / name).write_text("no")
    (tmp_path / "before.csv").write_text("of other images")
    for output in ("p.csv", "p.parquet", "before.csv"):
        with pytest.raises(ImageError, match=r"nothing could be predicted(?s:.*)1\.jpg") as caught:
            predict(
                load_model(run, backend=fake.TreeBackend()),
                tmp_path / "sky",
                output=tmp_path / output,
                overwrite=True,
            )
        assert f"{output} was not written" in str(caught.value)
    assert (tmp_path / "before.csv").read_text() == "of other images"
    left = {path.name for path in tmp_path.iterdir()} - {"run", "sky", "before.csv"}
    assert left == {"before_failed.csv", "p_failed.csv"}
    assert len(_read(tmp_path / "p_failed.csv")[1]) == 2


def test_answers_that_were_never_seen_are_empty_and_that_is_said(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run", fake.vote_outputs(unknown=("10", "11")))
    fake.save_images(tmp_path / "sky", 5)
    for output in ("p.csv", "p.parquet"):
        summary = predict(
            load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / output
        )
        assert "9 of 37 answers are left empty" in summary.notes[0]
        assert "Class10.1, Class10.2" in summary.notes[0]
    header, rows = _read(tmp_path / "p.csv")
    empty = {name for row in rows for name, cell in zip(header, row, strict=True) if not cell}
    assert empty == {name for name in header if name.startswith(("Class10.", "Class11."))}
    assert pq.read_table(tmp_path / "p.parquet")["Class11.6"].null_count == 5


def test_conditional_layout_for_a_model_that_was_trained_on_one(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run", fake.vote_outputs("hart16"), id_column="dr7objid")
    fake.save_images(tmp_path / "sky", 5)
    predict(
        load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / "p.csv"
    )
    header, rows = _read(tmp_path / "p.csv")
    assert header[0] == "dr7objid"
    values = np.array([row[1:] for row in rows], dtype=float)
    for where in fake.TREE.slices:  # shares of those who were asked sum to 1 in every question
        np.testing.assert_allclose(values[:, where].sum(axis=1), 1, atol=1e-6)


def test_classes(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run", fake.class_outputs("edge, on", "spirale é", 'the "x"'))
    fake.save_images(tmp_path / "sky", 30)
    predict(
        load_model(run, backend=fake.ClassBackend(3)), tmp_path / "sky", output=tmp_path / "p.csv"
    )
    header, rows = _read(tmp_path / "p.csv")
    assert header == ["GalaxyID", "edge, on", "spirale é", 'the "x"', "class"]
    for row in rows:
        assert row[4] == header[1 + int(np.argmax([float(cell) for cell in row[1:4]]))]
    assert len({row[4] for row in rows}) > 1


def test_numbered_classes_stay_numbers_in_parquet(tmp_path: Path) -> None:
    task = fake.class_outputs("0", "1", "2", column="label")
    run = fake.save_run(tmp_path / "run", task, id_column="image")
    fake.save_images(tmp_path / "sky", 4)
    predict(
        load_model(run, backend=fake.ClassBackend(3)),
        tmp_path / "sky",
        output=tmp_path / "p.parquet",
    )
    schema = pq.read_table(tmp_path / "p.parquet").schema
    assert schema.names == ["image", "0", "1", "2", "label"]
    assert schema.field("label").type == pa.int64()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_awkward_names(tmp_path: Path, suffix: str) -> None:
    run = fake.save_run(tmp_path / "run")
    source = fake.save_images(tmp_path / "one", 1)[0]
    names = ['a,b "c"', "J0.8121-0.0383", "007", "Ωé", " x ", "587722981736579107", "#1", "=1+1"]
    (tmp_path / "sky").mkdir()
    for name in names:
        (tmp_path / "sky" / f"{name}.jpg").write_bytes(source.read_bytes())
    output = tmp_path / f"p.{suffix}"
    predict(load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=output)
    if suffix == "csv":
        found = [row[0] for row in _read(output)[1]]
    else:
        found = pq.read_table(output)["GalaxyID"].to_pylist()
    assert sorted(found) == sorted(names)


def test_stems_that_repeat_are_told_apart_by_folder(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    for folder in ("a", "b"):
        fake.save_images(tmp_path / "sky" / folder, 2, start=1)
    fake.save_images(tmp_path / "sky", 1, start=9)
    summary = predict(
        load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / "p.csv"
    )
    ids = [row[0] for row in _read(tmp_path / "p.csv")[1]]
    assert ids == ["9", "a/1", "a/2", "b/1", "b/2"]
    assert "2 file names occur more than once" in summary.notes[0]


def test_single_files(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    images = fake.save_images(tmp_path / "sky", 3)
    predict(load_model(run, backend=fake.TreeBackend()), images[:2], output=tmp_path / "p.csv")
    assert len(_read(tmp_path / "p.csv")[1]) == 2


def test_output_exists(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 3)
    (tmp_path / "p.csv").write_text("precious")
    backend = fake.TreeBackend()
    with pytest.raises(OutputError, match=r"exists already(?s:.*)`overwrite=True`"):
        predict(load_model(run, backend=backend), tmp_path / "sky", output=tmp_path / "p.csv")
    assert backend.seen == 0
    assert (tmp_path / "p.csv").read_text() == "precious"
    predict(
        load_model(run, backend=backend),
        tmp_path / "sky",
        output=tmp_path / "p.csv",
        overwrite=True,
    )
    assert len(_read(tmp_path / "p.csv")[1]) == 3


@pytest.mark.parametrize("name", ["p.txt", "p", "p.csv.gz", "p.hdf5"])
def test_an_unknown_ending_is_never_taken_for_csv(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"ends in \.csv or \.parquet"):
        predict(
            tmp_path / "no run",
            tmp_path,
            output=tmp_path / name,
        )


def test_output_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "p.csv").mkdir()
    with pytest.raises(OutputError, match="a folder"):
        predict(tmp_path, tmp_path, output=tmp_path / "p.csv")


def test_not_a_run(tmp_path: Path) -> None:
    fake.save_images(tmp_path / "sky", 1)
    with pytest.raises(BundleError, match="not a run or a bundle"):
        predict(
            load_model(tmp_path / "sky", backend=fake.TreeBackend()),
            tmp_path / "sky",
            output=tmp_path / "p.csv",
        )


def test_no_images(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    (tmp_path / "sky").mkdir()
    with pytest.raises(CatalogError, match="no images"):
        predict(
            load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / "p.csv"
        )


def test_a_backend_that_does_not_fit_the_manifest(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 4)
    with pytest.raises(BundleError, match=r"\(4, 37\) \(galaxies, outputs\)(?s:.*)\(4, 5\)"):
        predict(
            load_model(run, backend=fake.ClassBackend(5)),
            tmp_path / "sky",
            output=tmp_path / "p.csv",
        )


def test_a_collapsed_model_is_announced(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 40)
    rng = np.random.default_rng(0)

    def collapsed(cutouts: NDArray[Any]) -> ModelOutput:
        return fake.said(rng.normal(1e-4, 1e-5, (len(cutouts), 37)).astype(np.float32))

    summary = predict(
        load_model(run, backend=collapsed),
        tmp_path / "sky",
        output=tmp_path / "p.csv",
        options=InferenceOptions(batch_size=7),
    )
    assert len(summary.warnings) == 1
    assert "every value is close to 0" in summary.warnings[0]


@pytest.mark.parametrize("layout", ["challenge", "hart16"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_validate_accepts_predictions_on_the_tree(tmp_path: Path, layout: str, suffix: str) -> None:
    run = fake.save_run(tmp_path / "run", fake.vote_outputs(layout, unknown=("11",)))
    fake.save_images(tmp_path / "sky", 30)
    output = tmp_path / f"p.{suffix}"
    predict(load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=output)
    report = validate(tmp_path / "sky", output)
    assert report.errors == ()
    assert report.target()["layout"] == layout
    assert report.catalog.ids.column == "GalaxyID"
