"""Several networks and several views as one: means worked by hand, and what cannot be averaged."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, BundleError, PredictionInterruptedError
from galaxyclass.images import fast_cutout as straight
from galaxyclass.images.decode import decode_scaled
from galaxyclass.images.decoded import Decoded
from galaxyclass.images.read import FileStatus, read_file
from galaxyclass.model import cutouts as reading
from galaxyclass.model.backends.backend import Backend
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.ensemble import Ensemble, Member
from galaxyclass.model.load import load_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.predict import predict
from galaxyclass.model.views import make_views
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask
from tests.support import fake
from tests.support.sums import broken_sums

NOISE = np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3)).astype(np.uint8)


class CornerBackend:
    """Joint fractions, classes and features that depend on which way up a galaxy is."""

    def __init__(self, seed: int = 1) -> None:
        self.tree = fake.TreeBackend(seed=seed)
        self.classes = fake.ClassBackend(5)

    def __call__(self, cutouts: NDArray[Any]) -> ModelOutput:
        corner = cutouts[:, :6, :4]
        features = corner.reshape(len(cutouts), -1).astype(np.float32)
        classes = self.classes.values(corner)
        return fake.said(self.tree.values(corner), [classes], features)


def bundle_of(folder: Path, task: ClassTask | None = None, **more: Any) -> Bundle:
    return load_bundle(fake.save_run(folder, task, **more))


@pytest.fixture
def auxiliary() -> ClassTask:
    return fake.class_outputs("a", "b", "c", "d", "e", column="kind")


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def values_of(path: Path) -> NDArray[Any]:
    return np.array([row[1:] for row in read(path)[1]], dtype=np.float32)


def test_views_are_averaged(tmp_path: Path, auxiliary: ClassTask) -> None:
    backend = CornerBackend()
    bundle = bundle_of(tmp_path / "run", auxiliary=(auxiliary,))
    said = Ensemble([Member(bundle, backend)], 12).backend(NOISE)
    each = [backend(view) for view in make_views(NOISE, 12)]
    for mine, parts in (
        (said.values, [one.values for one in each]),
        (said.auxiliary[0], [one.auxiliary[0] for one in each]),
        (said.features, [one.features for one in each]),
    ):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, np.mean(parts, axis=0, dtype=np.float64), rtol=1e-6)
        assert np.std(parts, axis=0).max() > 0.01
    assert not broken_sums(fake.TREE, said.values, 1e-6).any()


def test_a_network_that_looks_in_all_orientations_is_shown_other_views(
    tmp_path: Path, auxiliary: ClassTask
) -> None:
    backend = CornerBackend()
    bundle = bundle_of(tmp_path / "run", auxiliary=(auxiliary,))
    manifest = replace(
        bundle.manifest,
        model=NetworkSettings(encoder="equivariant", head="tree"),
        preprocessing=Preprocessing(cutout="centre", frame=24, size=17),
    )
    assert manifest.invariant
    assert not replace(manifest, preprocessing=bundle.manifest.preprocessing).invariant
    member = Member(replace(bundle, manifest=manifest), backend)
    said = Ensemble([member], 5).backend(NOISE)
    each = [backend(view).values for view in make_views(NOISE, 5, invariant=True)]
    np.testing.assert_allclose(said.values, np.mean(each, axis=0), rtol=1e-6)
    mixed = Ensemble([member, Member(bundle, backend)], 3)
    said = mixed.backend(NOISE, NOISE)  # type: ignore[call-arg]
    each = [backend(view).values for view in make_views(NOISE, 3)]
    np.testing.assert_allclose(said.values, np.mean(each, axis=0), rtol=1e-6)


def test_a_network_to_which_all_views_are_the_same_says_the_same(tmp_path: Path) -> None:
    """The mean colour changes in no mirror and no quarter turn."""
    bundle, backend = bundle_of(tmp_path / "run"), fake.TreeBackend()
    for views in (1, 2, 4, 8):
        said = Ensemble([Member(bundle, backend)], views).backend(NOISE)
        np.testing.assert_allclose(said.values, backend.values(NOISE), atol=1e-7)


@pytest.mark.parametrize("mirrors", [True, False])
def test_the_mean_over_all_exact_views_does_not_change_when_galaxies_are_turned(
    tmp_path: Path, auxiliary: ClassTask, mirrors: bool
) -> None:
    bundle = bundle_of(tmp_path / "run", auxiliary=(auxiliary,), mirrors=mirrors)
    ensemble = Ensemble([Member(bundle, CornerBackend())], 8 if mirrors else 4)
    said = ensemble.backend(NOISE)
    for quarters in (1, 2, 3):
        turned = ensemble.backend(np.ascontiguousarray(np.rot90(NOISE, quarters, axes=(1, 2))))
        np.testing.assert_allclose(turned.values, said.values, atol=1e-7)
        np.testing.assert_allclose(turned.features, said.features, atol=1e-4)
    mirrored = ensemble.backend(np.ascontiguousarray(NOISE[:, :, ::-1]))
    assert np.allclose(mirrored.values, said.values, atol=1e-7) == mirrors


def test_one_member_and_one_view_is_the_backend_itself(tmp_path: Path) -> None:
    backend = fake.TreeBackend()
    assert Ensemble([Member(bundle_of(tmp_path / "run"), backend)]).backend is backend


def test_members_are_averaged_whatever_their_cutouts(tmp_path: Path) -> None:
    """From images to a table: the mean of what each predicts alone, on the tree."""
    paths = fake.save_images(tmp_path / "sky", 20)
    gradient = np.arange(32, dtype=np.uint8)[:, None, None] * 8 * np.ones((1, 32, 3), np.uint8)
    for place, path in enumerate(paths):  # so that the frame decides about the colour
        import simplejpeg

        path.write_bytes(simplejpeg.encode_jpeg(np.roll(gradient, place, axis=1) // (1 + place)))
    frames, backends, alone = (24, 16, 24), [fake.TreeBackend(seed=s) for s in (1, 2, 3)], []
    runs = [
        fake.save_run(tmp_path / f"run{place}", frame=frame) for place, frame in enumerate(frames)
    ]
    for place, (run, backend) in enumerate(zip(runs, backends, strict=True)):
        predict(
            load_model(run, backend=backend), tmp_path / "sky", output=tmp_path / f"{place}.csv"
        )
        alone.append(values_of(tmp_path / f"{place}.csv"))
    predict(load_model(runs, backend=backends), tmp_path / "sky", output=tmp_path / "all.csv")
    together = values_of(tmp_path / "all.csv")
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=1e-6)
    assert np.abs(together - alone[0]).max() > 0.01
    assert not broken_sums(fake.TREE, together.astype(np.float64), 1e-5).any()


def test_each_image_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And decoded once, where the members' cutouts are of the same scale."""
    paths = fake.save_images(tmp_path / "sky", 10)
    (tmp_path / "sky" / "bad.jpg").write_text("no image")
    files: list[str] = []
    decoded: list[bytes] = []

    def note_file(path: str) -> tuple[bytes, FileStatus]:
        files.append(path)
        return read_file(path)

    def note_decoded(data: bytes, *arguments: Any) -> Decoded:
        decoded.append(data)
        return decode_scaled(data, *arguments)

    monkeypatch.setattr(straight, "read_file", note_file)
    monkeypatch.setattr(straight, "decode_scaled", note_decoded)
    runs = [fake.save_run(tmp_path / f"run{frame}", frame=frame) for frame in (20, 16)]
    summary = predict(
        load_model(runs, backend=[fake.TreeBackend()] * 2),
        tmp_path / "sky",
        output=tmp_path / "p.csv",
        options=InferenceOptions(views=9),
    )
    assert (summary.predicted, summary.failed) == (10, 1)
    assert sorted(files) == sorted(map(str, [*paths, tmp_path / "sky" / "bad.jpg"]))
    assert len(decoded) == 11


def test_lanes_where_all_members_have_them(tmp_path: Path) -> None:
    lane, plain = fake.LaneBackend(fake.TreeBackend()), fake.TreeBackend()
    bundle = bundle_of(tmp_path / "run")
    assert Ensemble([Member(bundle, lane)] * 2, 3).concurrent
    assert not Ensemble([Member(bundle, lane), Member(bundle, plain)]).concurrent
    fake.save_images(tmp_path / "sky", 70)
    for workers in (1, 3):
        predict(
            load_model(
                [bundle.folder] * 2, backend=[lane, fake.LaneBackend(fake.TreeBackend(seed=2))]
            ),
            tmp_path / "sky",
            output=tmp_path / f"{workers}.csv",
            options=InferenceOptions(views=10, workers=workers),
        )
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()
    assert lane.called <= set(lane.begun)


def test_precision_and_notes_of_all_members(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "run")
    backends = [fake.LaneBackend(fake.TreeBackend()) for _ in range(3)]
    backends[1].precision, backends[1].note, backends[2].note = "bf16", "In bfloat16.", "Warm."
    ensemble = Ensemble([Member(bundle, one) for one in backends])
    assert ensemble.precision == "bf16"
    assert ensemble.note == "In bfloat16. Warm."
    identity = ensemble.identity
    backends[0].precision = "bf16"
    assert Ensemble([Member(bundle, one) for one in backends]).identity != identity


def test_answers_that_one_member_does_not_know_are_empty(tmp_path: Path) -> None:
    """A member that learnt 17 answers, and one that learnt all."""
    runs = [
        fake.save_run(tmp_path / "few", fake.vote_outputs(unknown=("10", "11"))),
        fake.save_run(tmp_path / "all"),
    ]
    fake.save_images(tmp_path / "sky", 4)
    backends = [fake.TreeBackend()] * 2
    for order in (slice(None), slice(None, None, -1)):
        summary = predict(
            load_model(runs[order], backend=backends),
            tmp_path / "sky",
            output=tmp_path / "p.csv",
            overwrite=True,
        )
        assert "9 of 37 answers are left empty" in summary.notes[0]
        header, rows = read(tmp_path / "p.csv")
        empty = {name for row in rows for name, cell in zip(header, row, strict=True) if not cell}
        assert empty == {name for name in header if name.startswith(("Class10.", "Class11."))}


def test_runs_that_do_not_predict_the_same(tmp_path: Path) -> None:
    votes = fake.save_run(tmp_path / "votes")
    conditional = fake.save_run(tmp_path / "hart", fake.vote_outputs("hart16"))
    two = fake.save_run(tmp_path / "two", fake.class_outputs("spiral", "disc"))
    three = fake.save_run(tmp_path / "three", fake.class_outputs("spiral", "disc", "star"))
    turned = fake.save_run(tmp_path / "turned", fake.class_outputs("disc", "spiral"))
    fake.save_images(tmp_path / "sky", 1)
    for runs, words in (
        ((votes, conditional), r"layout challenge, and answers of .* layout hart16"),
        ((votes, two), r"answers of .*, and 2 classes \(spiral, disc\)"),
        ((two, three), r"2 classes \(spiral, disc\), and 3 classes \(star only there\)"),
        ((two, turned), r"2 classes \(spiral, disc\), and 2 classes \(disc, spiral\)"),
    ):
        with pytest.raises(BundleError, match=f"do not predict the same(?s:.*){words}") as error:
            predict(
                runs, tmp_path / "sky", output=tmp_path / "p.csv"
            )  # told before a network is loaded
        assert str(runs[0]) in str(error.value)
        assert str(runs[1]) in str(error.value)


def test_a_backend_that_does_not_fit_its_member(tmp_path: Path) -> None:
    runs = [fake.save_run(tmp_path / name) for name in "ab"]
    fake.save_images(tmp_path / "sky", 4)
    backends: list[Backend] = [fake.TreeBackend(), fake.ClassBackend(5)]
    with pytest.raises(BundleError, match=r"\(4, 37\) \(galaxies, outputs\)(?s:.*)\(4, 5\)"):
        predict(load_model(runs, backend=backends), tmp_path / "sky", output=tmp_path / "p.csv")


def test_further_classes_that_a_backend_does_not_give(tmp_path: Path, auxiliary: ClassTask) -> None:
    run = fake.save_run(tmp_path / "run", auxiliary=(auxiliary,))
    fake.save_images(tmp_path / "sky", 4)
    with pytest.raises(BundleError, match=r"\(4, 37\), \(4, 5\) \(galaxies, outputs\)"):
        predict(
            load_model(run, backend=fake.TreeBackend()), tmp_path / "sky", output=tmp_path / "p.csv"
        )


def test_no_views(tmp_path: Path) -> None:
    run = fake.save_run(tmp_path / "run")
    fake.save_images(tmp_path / "sky", 1)
    with pytest.raises(ArgumentError, match="`views` cannot be 0"):
        predict(
            load_model(run, backend=fake.TreeBackend()),
            tmp_path / "sky",
            output=tmp_path / "p.csv",
            options=InferenceOptions(views=0),
        )


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("change", ["nothing", "views", "members", "order"])
def test_what_is_resumed_depends_on_views_and_members(tmp_path: Path, change: str) -> None:
    runs = [fake.save_run(tmp_path / "a"), fake.save_run(tmp_path / "b", frame=20)]
    fake.save_images(tmp_path / "sky", 60)
    where = (tmp_path / "sky", tmp_path / "p.csv")
    backend, calls = fake.TreeBackend(), []

    def stopped(cutouts: NDArray[Any]) -> ModelOutput:
        calls.append(len(cutouts))
        if len(calls) > 4 * 6:
            raise KeyboardInterrupt
        return backend(cutouts)

    with pytest.raises(PredictionInterruptedError):
        predict(
            load_model(runs, backend=[stopped, fake.TreeBackend()]),
            where[0],
            output=where[1],
            options=InferenceOptions(views=4, batch_size=8),
        )
    views = 5 if change == "views" else 4
    again = {"members": runs[:1], "order": runs[::-1]}.get(change, runs)
    summary = predict(
        load_model(again, backend=[fake.TreeBackend()] * len(again)),
        where[0],
        output=where[1],
        options=InferenceOptions(views=views, batch_size=8),
    )
    assert summary.resumed == (48 if change == "nothing" else 0)
    whole = tmp_path / "whole.csv"
    predict(
        load_model(again, backend=[backend] * len(again)),
        where[0],
        output=whole,
        options=InferenceOptions(views=views, batch_size=8),
    )
    assert where[1].read_bytes() == whole.read_bytes()


def test_shares_of_the_training_are_averaged(tmp_path: Path) -> None:
    """What an evaluation holds the ensemble against."""
    task = fake.class_outputs("a", "b")
    runs = [
        bundle_of(tmp_path / str(share), replace(task, shares=(share, 1 - share)))
        for share in (0.75, 0.25)
    ]
    ensemble = Ensemble([Member(run, fake.ClassBackend(2)) for run in runs])
    assert isinstance(ensemble.task, ClassTask)
    assert ensemble.task.shares == (0.5, 0.5)


def test_a_bundle_of_before_there_were_views_takes_mirrors(tmp_path: Path) -> None:
    folder = fake.save_run(tmp_path / "run")
    assert "mirrors" not in (folder / "manifest.json").read_text()
    manifest = replace(load_bundle(folder).manifest, mirrors=False)
    save_bundle(folder, manifest, {})
    assert not load_bundle(folder).manifest.mirrors


def test_memory_of_views_does_not_grow_with_the_images(tmp_path: Path) -> None:
    import tracemalloc

    paths = fake.save_images(tmp_path / "sky", 20)
    bundle = bundle_of(tmp_path / "run")
    ensemble = Ensemble([Member(bundle, fake.TreeBackend())] * 2, 4)

    def peak(times: int) -> int:
        tracemalloc.start()
        images = [str(path) for path in paths] * times
        for _ in predict_all(images, ensemble):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    def predict_all(images: list[str], ensemble: Ensemble) -> Iterator[Any]:
        from galaxyclass.model.stream import predict_stream

        return predict_stream(
            images,
            ensemble.preprocessings,
            ensemble.backend,
            InferenceOptions(batch_size=10, workers=2),
        )

    peak(1)
    few, many = peak(50), peak(100)  # as many as are read ahead at least
    assert many < 1.3 * few + 16 * 100 * 20


def test_cutouts_of_several_settings_are_those_of_each(tmp_path: Path) -> None:
    from galaxyclass.recipes.preprocessing import Preprocessing

    paths = [str(path) for path in fake.save_images(tmp_path / "sky", 5)]
    (tmp_path / "sky" / "bad.jpg").write_text("no image")
    paths.insert(2, str(tmp_path / "sky" / "bad.jpg"))
    settings = [
        Preprocessing(size=12),
        Preprocessing(size=16, frame=16),
        Preprocessing(size=12, colour="grey"),
    ]
    together = reading.Cutouts(paths[:6], 0, settings)
    together.read()
    assert together.decoded.tolist() == [True, True, False, True, True, True]
    for array, one in zip(together.arrays, settings, strict=True):
        alone = reading.Cutouts(paths[:6], 0, [one])
        alone.read()
        np.testing.assert_array_equal(array, alone.arrays[0])
        assert alone.errors == together.errors


def test_a_bundle_says_over_how_many_views_it_is_averaged(
    tmp_path: Path, auxiliary: ClassTask
) -> None:
    fake.save_run(tmp_path / "run", views=8, auxiliary=(auxiliary,))
    (tmp_path / "sky").mkdir()
    half = np.zeros((32, 32, 3), np.uint8)
    half[:16] = 200  # looks another way when it is turned
    cv2.imwrite(str(tmp_path / "sky" / "1.png"), half)
    one, own, eight = (
        predict(
            load_model(tmp_path / "run", backend=CornerBackend()),
            tmp_path / "sky",
            output=tmp_path / f"{views}.csv",
            options=InferenceOptions(views=views),
        )
        for views in (1, None, 8)
    )
    assert own.output.read_bytes() == eight.output.read_bytes() != one.output.read_bytes()
    assert any("The mean of 8 views" in note for note in own.notes)
    assert not any("views" in note for note in (*one.notes, *eight.notes))
