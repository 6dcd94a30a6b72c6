"""Scoring a run: the figures against plain numpy, and which galaxies they are of."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from galaxyclass.arguments import Part
from galaxyclass.cli.main import main
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import (
    CatalogError,
    ImageError,
    InvalidCatalogError,
    OutputError,
    RunError,
)
from galaxyclass.evaluation.evaluate import evaluate
from galaxyclass.evaluation.score_predictions import score_predictions
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.read import read_image
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.load import load_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.version import __version__
from tests.support import fake
from tests.support.fake import TreeBackend

SETTINGS = Preprocessing(cutout="centre", frame=24, size=12)


def _truth(backend: TreeBackend, paths: list[Path]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Votes on the tree that differ from the backend's, as those of 40 volunteers would."""
    values = backend.values(np.stack([make_cutout(read_image(path), SETTINGS) for path in paths]))
    other = np.roll(values, 1, axis=0)
    return values, np.round(0.7 * values + 0.3 * other, 9).astype(np.float64)


def _write_votes(path: Path, ids: list[str], votes: NDArray[Any]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["GalaxyID", *fake.TREE.layout("challenge").columns])
        for name, row in zip(ids, votes, strict=True):
            writer.writerow([name, *("" if np.isnan(v) else repr(float(v)) for v in row)])
    return path


def _write_split(run: Path, parts: dict[str, str], digests: dict[str, str] | None = None) -> None:
    lines = ["id,part,digest"]
    lines += [f"{name},{part},{(digests or {}).get(name, '')}" for name, part in parts.items()]
    (run / "split.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def sky(tmp_path: Path) -> tuple[Any, ...]:
    run = tmp_path / "run"
    fake.save_run(run / "bundle")
    paths = fake.save_images(tmp_path / "sky", 60)
    predicted, votes = _truth(fake.TreeBackend(), paths)
    ids = [path.stem for path in paths]
    table = _write_votes(tmp_path / "votes.csv", ids, votes)
    return run, tmp_path / "sky", table, ids, predicted, votes


def test_against_plain_numpy(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, ids, predicted, votes = sky
    _write_split(run, {name: "train" if i < 30 else "validation" for i, name in enumerate(ids)})
    result = evaluate(
        load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
    )
    difference = predicted[30:].astype(float) - votes[30:]
    assert result.scores.overall.value == pytest.approx(np.sqrt(np.mean(difference**2)), abs=1e-7)
    mean = np.sqrt(np.mean((0.1 - votes[30:]) ** 2))
    assert result.reference.overall.value == pytest.approx(mean, abs=1e-7)
    assert result.galaxies_by_part == {"validation": 30}
    assert result.notes == ("Not scored, since part of the training: 30 galaxies.",)
    data = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert data["scored"] == {
        "models": [str(run)],
        "digests": [load_bundle(run).manifest.digest],
        "views": 1,
        "precision": "fp32",
        "images": str(images),
        "table": str(table),
        "version": __version__,
    }
    assert data["rmse"]["value"] == pytest.approx(result.scores.overall.value)
    assert data["mean_vector_rmse"]["value"] == pytest.approx(mean, abs=1e-7)
    floor = np.sqrt(np.mean(votes[30:] * (1 - votes[30:]) / 39))
    assert data["noise_floor"]["value"] == pytest.approx(floor, rel=1e-5)
    assert (data["noise_floor"]["votes"], data["noise_floor"]["counted"]) == (40, False)
    assert len(data["questions"]) == 11
    assert len(data["answers"]) == 37
    with (tmp_path / "out" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["all"] + ["question"] * 11 + ["answer"] * 37
    by_answer = np.sqrt(np.mean(difference**2, axis=0))
    np.testing.assert_allclose([float(row["rmse"]) for row in rows[12:]], by_answer, atol=1e-6)
    floors = np.sqrt(np.mean(votes[30:] * (1 - votes[30:]) / 39, axis=0))
    found = [float(row["noise_floor"]) for row in rows[12:]]
    np.testing.assert_allclose(found, floors, atol=1e-6)
    same = score_predictions(tmp_path / "out" / "predictions.csv", table)
    assert same.matched == 30
    assert same.scores.overall.value == pytest.approx(result.scores.overall.value)


def test_fractions_that_are_not_known_are_counted(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, _, ids, _, votes = sky
    gaps = votes.copy()
    gaps[:3, 3:5] = np.nan
    table = _write_votes(tmp_path / "gaps.csv", ids, gaps)
    result = evaluate(
        load_model(run, backend=fake.TreeBackend()),
        images,
        table,
        part="all",
        output=tmp_path / "o",
    )
    entries = len(ids) * 37
    assert result.scores.entries == entries - 6
    assert any(f"unknown: 6 of {entries:,} vote fractions" in note for note in result.notes)


def test_an_image_that_was_trained_on_under_another_id_is_left_out(
    sky: tuple[Any, ...], tmp_path: Path
) -> None:
    run, images, table, ids, *_ = sky
    bytes_of = (images / f"{ids[0]}.jpg").read_bytes()
    digest = hashlib.blake2b(bytes_of, digest_size=16).hexdigest()
    _write_split(run, {"another": "train", ids[1]: "train"}, {"another": digest})
    result = evaluate(
        load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
    )
    assert result.scores.galaxies == 58
    assert result.galaxies_by_part == {"new": 58}
    assert result.notes == (
        "Not scored, since part of the training: 2 galaxies, 1 of them by the image alone.",
    )


@pytest.mark.parametrize(("part", "count"), [("train", 20), ("validation", 10), ("all", 60)])
def test_other_parts(sky: tuple[Any, ...], tmp_path: Path, part: Part, count: int) -> None:
    run, images, table, ids, *_ = sky
    _write_split(
        run, {name: "train" if i < 20 else "validation" for i, name in enumerate(ids[:30])}
    )
    out = tmp_path / "out"
    result = evaluate(
        load_model(run, backend=fake.TreeBackend()), images, table, output=out, part=part
    )
    assert result.scores.galaxies == count
    if part == "all":
        assert result.galaxies_by_part == {"train": 20, "validation": 10, "new": 30}


def test_nothing_unseen(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, ids, *_ = sky
    _write_split(run, dict.fromkeys(ids, "train"))
    with pytest.raises(RunError, match="trained on all 60 galaxies with an image"):
        evaluate(
            load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
        )


def test_a_bundle_does_not_say_what_it_was_trained_on(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, *_ = sky
    with pytest.raises(RunError, match="does not say which galaxies it was trained on"):
        evaluate(
            load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
        )
    result = evaluate(
        load_model(run, backend=fake.TreeBackend()),
        images,
        table,
        output=tmp_path / "out",
        part="all",
    )
    assert result.galaxies_by_part == {"unknown": 60}


def test_the_runs_split_is_found_from_its_bundle(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, ids, *_ = sky
    _write_split(run, {ids[0]: "train"})
    result = evaluate(
        load_model(run / "bundle", backend=fake.TreeBackend()), images, table, output=tmp_path / "o"
    )
    assert result.scores.galaxies == 59


def test_a_damaged_split(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, *_ = sky
    (run / "split.csv").write_text("id,part\n1,train\n")
    with pytest.raises(RunError, match="not a list of a run's galaxies"):
        evaluate(
            load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
        )


def test_unknown_votes_answers_and_images(sky: tuple[Any, ...], tmp_path: Path) -> None:
    """Rows without an image, undecodable images, unknown votes, answers never seen."""
    run, images, _, ids, predicted, votes = sky
    fake.save_run(run / "bundle", fake.vote_outputs(unknown=("10",)))
    votes = votes.copy()
    votes[:20, 25:] = np.nan
    (images / f"{ids[5]}.jpg").write_text("not an image")
    table = _write_votes(tmp_path / "v.csv", [*ids, "999"], np.vstack([votes, votes[-1:]]))
    _write_split(run, {})
    result = evaluate(
        load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
    )
    assert result.notes[0] == "Not scored, for want of an image: 1 row of the table."
    assert result.notes[1] == "Not scored, since not decodable: 1 image."
    assert result.notes[2].startswith("3 answers are not predicted and do not count: Class10.1")
    target = votes.copy()
    target[:, fake.TREE.slices[9]] = np.nan
    target[5] = np.nan
    difference = predicted.astype(float) - target
    assert result.scores.overall.value == pytest.approx(
        np.sqrt(np.nanmean(difference**2)), abs=1e-7
    )
    assert result.scores.galaxies == 59


def test_a_table_with_gaps_is_scored_apart(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, _, ids, predicted, votes = sky
    votes = votes.copy()
    votes[:20, 25:] = np.nan
    table = _write_votes(tmp_path / "v.csv", ids, votes)
    _write_split(run, {})
    result = evaluate(
        load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
    )
    (shared, shared_score, _), (complete, complete_score, _) = result.report.subsets
    assert shared.name == "25 answers known of every galaxy"
    assert complete.name == "37 answers, on the 40 galaxies that know all"
    difference = predicted.astype(float) - votes
    expected = np.sqrt(np.mean(difference[:, :25] ** 2))
    assert shared_score.value == pytest.approx(expected, abs=1e-7)
    expected = np.sqrt(np.mean(difference[20:] ** 2))
    assert complete_score.value == pytest.approx(expected, abs=1e-7)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["complete_galaxies"]["rmse"]["value"] == complete_score.value
    assert metrics["shared_answers"]["answers"] == 25
    with (tmp_path / "out" / "scores.csv").open() as file:
        rows = {row["kind"]: row for row in csv.DictReader(file)}
    assert rows["shared_answers"]["name"] == shared.name
    assert rows["shared_answers"]["entries"] == str(60 * 25)


def test_a_table_with_errors_is_refused_or_thinned(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, _, ids, _, votes = sky
    votes = votes.copy()
    votes[3, 0] = 7.0
    table = _write_votes(tmp_path / "v.csv", ids, votes)
    _write_split(run, {})
    with pytest.raises(InvalidCatalogError, match="`skip_invalid=True`"):
        evaluate(
            load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
        )
    thinned = Dataset(images, table, skip_invalid=True)
    result = evaluate(load_model(run, backend=fake.TreeBackend()), thinned, output=tmp_path / "out")
    assert result.scores.galaxies == 59
    assert (
        "Not scored, because of errors (`galaxyclass.validate` lists them): 1 galaxy."
        in result.notes[0]
    )


def test_a_table_in_memory_scores_as_its_file_does(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, ids, *_ = sky
    _write_split(run, dict.fromkeys(ids[:20], "train"))
    backend = fake.TreeBackend()
    by_file = evaluate(load_model(run, backend=backend), images, table, output=tmp_path / "file")
    frame = pd.read_csv(table)
    in_memory = evaluate(
        load_model(run, backend=backend), images, frame, output=tmp_path / "memory"
    )
    assert in_memory.scores.overall == by_file.scores.overall
    assert in_memory.galaxies_by_part == by_file.galaxies_by_part == {"new": 40}
    scored = json.loads((tmp_path / "memory" / "metrics.json").read_text())["scored"]
    assert scored["table"] == "<table in memory>"
    frame.loc[50, "Class1.1"] = 7.0
    with pytest.raises(InvalidCatalogError, match="<table in memory>, row 51"):
        evaluate(load_model(run, backend=backend), images, frame, output=tmp_path / "wrong")


def test_a_rule_that_is_not_the_model_s_is_refused(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, *_ = sky
    _write_split(run, {})
    dataset = Dataset(images, table, classes="five")
    with pytest.raises(CatalogError, match="derived by another rule") as caught:
        evaluate(load_model(run, backend=fake.TreeBackend()), dataset, output=tmp_path / "out")
    assert caught.value.got == "the rule 'five'"


def test_a_table_of_something_else(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, _, ids, *_ = sky
    _write_split(run, {})
    (tmp_path / "c.csv").write_text(
        "GalaxyID,class\n" + "".join(f"{name},{i % 2}\n" for i, name in enumerate(ids))
    )
    with pytest.raises(CatalogError, match="does not have what the run predicts"):
        evaluate(
            load_model(run, backend=fake.TreeBackend()),
            images,
            tmp_path / "c.csv",
            output=tmp_path / "out",
        )


def test_nothing_can_be_decoded(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, *_ = sky
    _write_split(run, {})
    for path in images.iterdir():
        path.write_text("no")
    with pytest.raises(ImageError, match="nothing could be predicted"):
        evaluate(
            load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
        )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["predictions_failed.csv"]


def test_output_exists(sky: tuple[Any, ...], tmp_path: Path) -> None:
    run, images, table, *_ = sky
    _write_split(run, {})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "predictions.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"predictions\.csv exists already"):
        evaluate(
            load_model(run, backend=fake.TreeBackend()), images, table, output=tmp_path / "out"
        )
    assert (tmp_path / "out" / "predictions.csv").read_text() == "mine"
    evaluate(
        load_model(run, backend=fake.TreeBackend()),
        images,
        table,
        output=tmp_path / "out",
        overwrite=True,
    )


def test_classes_by_hand(tmp_path: Path) -> None:
    """A class that the run does not know, one that never occurs, and the largest of training."""
    run = tmp_path / "run"
    fake.save_run(run / "bundle", fake.class_outputs("0", "1", "2", column="label"))
    paths = fake.save_images(tmp_path / "sky", 40)
    _write_split(run, {})
    backend = fake.ClassBackend(3)
    cutouts = np.stack([make_cutout(read_image(path), SETTINGS) for path in paths])
    called = backend.values(cutouts).argmax(axis=1)
    labels = np.where(np.arange(40) % 4 == 0, (called + 1) % 3, called).astype(str)
    labels[:2] = "9"
    rows = "".join(f"{path.stem},{label}\n" for path, label in zip(paths, labels, strict=True))
    (tmp_path / "t.csv").write_text("image,label\n" + rows)
    result = evaluate(
        load_model(run, backend=backend),
        tmp_path / "sky",
        tmp_path / "t.csv",
        output=tmp_path / "out",
    )
    assert result.scores.galaxies == 38
    right = (called.astype(str) == labels)[2:]
    assert result.scores.accuracy.value == pytest.approx(right.mean())
    assert result.reference.accuracy.value == pytest.approx((labels[2:] == "0").mean())
    assert (
        "Not scored, since of classes that the run does not know: 2 galaxies (9)." in result.notes
    )
    data = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert np.array(data["confusion"]).sum() == 38
    assert data["classes"] == ["0", "1", "2"]


def test_ragged_lines_of_classes_are_thinned_too(tmp_path: Path) -> None:
    run = tmp_path / "run"
    fake.save_run(run / "bundle", fake.class_outputs("0", "1", column="label"))
    paths = fake.save_images(tmp_path / "sky", 6)
    _write_split(run, {})
    rows = "".join(f"{path.stem},{i % 2}\n" for i, path in enumerate(paths))
    (tmp_path / "t.csv").write_text("image,label\n" + rows + "7,1,0\n")
    backend = fake.ClassBackend(2)
    where, output = (tmp_path / "sky", tmp_path / "t.csv"), tmp_path / "out"
    with pytest.raises(InvalidCatalogError, match="more or fewer cells"):
        evaluate(load_model(run, backend=backend), *where, output=output)
    thinned = Dataset(*where, skip_invalid=True)
    assert evaluate(load_model(run, backend=backend), thinned, output=output).scores.galaxies == 6


def test_folders_as_classes(tmp_path: Path) -> None:
    run = tmp_path / "run"
    fake.save_run(run / "bundle", fake.class_outputs("disc", "star"))
    _write_split(run, {})
    for place, name in enumerate(("disc", "star")):
        fake.save_images(tmp_path / "sky" / name, 12, start=100 * place)
    result = evaluate(
        load_model(run, backend=fake.ClassBackend(2)),
        tmp_path / "sky",
        None,
        output=tmp_path / "out",
    )
    assert result.scores.confusion.sum(axis=1).tolist() == [12, 12]


def test_views_and_several_runs(
    sky: tuple[Any, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The score of the mean, on galaxies that no member was trained on."""
    run, images, table, ids, predicted, votes = sky
    other = tmp_path / "other"
    fake.save_run(other / "bundle")
    _write_split(run, {name: "train" if i < 20 else "validation" for i, name in enumerate(ids)})
    _write_split(other, {name: "train" if 15 <= i < 35 else "test" for i, name in enumerate(ids)})
    backend = fake.TreeBackend(seed=2)
    cutouts = np.stack([make_cutout(read_image(images / f"{n}.jpg"), SETTINGS) for n in ids[35:]])
    mean = (predicted[35:] + backend.values(cutouts)) / 2
    expected = np.sqrt(np.mean((mean - votes[35:]) ** 2))
    where = {"images": images, "table": table, "output": tmp_path / "out"}
    result = evaluate(
        load_model([run, other], backend=[fake.TreeBackend(), backend]),
        **where,
        options=InferenceOptions(views=8),
    )
    assert result.scores.galaxies == 25
    assert result.scores.overall.value == pytest.approx(expected, rel=1e-4)
    assert result.galaxies_by_part == {"validation": 25}
    (other / "split.csv").unlink()
    with pytest.raises(RunError, match=f"{other}: does not say which"):
        evaluate(load_model([run, other], backend=[backend] * 2), **where, overwrite=True)
    module = sys.modules["galaxyclass.model.model"]
    monkeypatch.setattr(module, "open_backend", lambda *_: fake.TreeBackend())
    command = ["evaluate", run, run, "--views", "4", "--images", images, "--table", table]
    assert main([*map(str, command), "--output", str(tmp_path / "two")]) == 0
    assert "40 galaxies of its validation part" in capsys.readouterr().out


def test_the_command(
    sky: tuple[Any, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, images, table, ids, *_ = sky
    _write_split(run, {name: "train" if i < 30 else "validation" for i, name in enumerate(ids)})
    module = sys.modules["galaxyclass.model.model"]
    monkeypatch.setattr(module, "open_backend", lambda *_: fake.TreeBackend())
    arguments = ["evaluate", run, "--images", images, "--table", table, "--output"]
    assert main([*map(str, arguments), str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "30 galaxies of its validation part (if the recipe keeps the best epoch" in printed
    assert "1 smooth or features" in printed
    figures = json.loads((tmp_path / "out" / "metrics.json").read_text())
    last = printed.strip().splitlines()[-1]
    assert last == (
        f"RMSE {figures['rmse']['value']:.4f} "
        f"(mean vector {figures['mean_vector_rmse']['value']:.4f}, "
        f"floor {figures['noise_floor']['value']:.4f})"
    )
    assert main([*map(str, arguments), str(tmp_path / "json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures


def test_the_command_for_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    fake.save_run(run / "bundle", fake.class_outputs("disc", "star"))
    _write_split(run, {})
    for place, name in enumerate(("disc", "star")):
        fake.save_images(tmp_path / "sky" / name, 12, start=100 * place)
    module = sys.modules["galaxyclass.model.model"]
    monkeypatch.setattr(module, "open_backend", lambda *_: fake.ClassBackend(2))
    arguments = ["evaluate", run, "--images", tmp_path / "sky", "--output", tmp_path / "out"]
    assert main(list(map(str, arguments))) == 0
    printed = capsys.readouterr().out
    assert "balanced accuracy 0." in printed
    assert printed.strip().splitlines()[-1].startswith("accuracy 0.")
    assert printed.strip().splitlines()[-1].endswith("(largest class 0.5000)")


def test_classes_learnt_beside_the_votes_are_scored(tmp_path: Path) -> None:
    """A table of those classes is about the auxiliary output, not about the votes."""
    run, kinds = tmp_path / "run", ("disc", "ball", "ring")
    fake.save_run(run / "bundle", auxiliary=(fake.class_outputs(*kinds, column="kind"),))
    paths = fake.save_images(tmp_path / "sky", 40)
    _write_split(run, {"nothing": "train"})
    votes, classes = fake.TreeBackend(), fake.ClassBackend(3)

    def both(cutouts: NDArray[Any]) -> ModelOutput:
        return fake.said(votes.values(cutouts), [classes.values(cutouts)])

    cutouts = np.stack([make_cutout(read_image(path), SETTINGS) for path in paths])
    called = classes.values(cutouts).argmax(axis=1)
    true = np.where(np.arange(40) % 4 == 0, (called + 1) % 3, called)
    lines = [f"{path.stem},{kinds[label]}" for path, label in zip(paths, true, strict=True)]
    (tmp_path / "kinds.csv").write_text("\n".join(["id,kind", *lines]) + "\n")
    result = evaluate(
        load_model(run, backend=both),
        tmp_path / "sky",
        tmp_path / "kinds.csv",
        output=tmp_path / "out",
    )
    assert result.scores.accuracy.value == pytest.approx(0.75)
    assert result.task.names == kinds
    assert any("an auxiliary task of the run, beside its votes" in note for note in result.notes)
