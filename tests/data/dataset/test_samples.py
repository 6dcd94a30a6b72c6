"""Several tables learnt from together: a galaxy is in one part, with all that is known of it."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.data.dataset.parts import read_split, write_split
from galaxyclass.data.dataset.samples import Samples, prepare_all
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.progress import silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import Split
from galaxyclass.simulation.folders import simulate
from galaxyclass.tasks.votes.task import VoteTask

TINY = Preprocessing(size=8)
SHARES = Split(validation=0.25, test=0.0)


@pytest.fixture(scope="module")
def skies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two skies of 40 galaxies; ten pictures of the first stand in the second's folder as well."""
    folder = tmp_path_factory.mktemp("skies")
    for name, seed in (("a", 1), ("b", 2)):
        simulate(40, output=folder / name, size=32, seed=seed, workers=1)
    rows = _rows(folder / "a" / "votes.csv")
    for row in rows[:10]:
        name = row["GalaxyID"]
        shutil.copy(
            folder / "a" / "images" / f"{name}.jpg", folder / "b" / "images" / f"x{name}.jpg"
        )
    with (folder / "b" / "classes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "class"])
        for place, row in enumerate(rows[:10]):
            writer.writerow([f"x{row['GalaxyID']}", "round" if place % 2 else "spiral"])
        for row in _rows(folder / "b" / "votes.csv")[:20]:
            writer.writerow([row["GalaxyID"], "round"])
    return folder


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _prepare(first: Dataset, *others: Dataset, cache: Path) -> Samples:
    return prepare_all(replace(first, also=others), TINY, cache=cache, workers=1, progress=silent)


def _tables_and_rows(samples: Samples, galaxies: Galaxies) -> list[tuple[int, int]]:
    """The table of each galaxy, and its row in that table's pack."""
    firsts = np.cumsum([0, *(len(sample.pack.images) for sample in samples.tables)])
    tables = np.searchsorted(firsts, galaxies.rows, side="right") - 1
    return list(zip(tables.tolist(), (galaxies.rows - firsts[tables]).tolist(), strict=True))


@pytest.fixture
def three(skies: Path) -> Samples:
    return _prepare(
        Dataset(skies / "a" / "images", skies / "a" / "votes.csv"),
        Dataset(skies / "b" / "images", skies / "b" / "votes.csv"),
        Dataset(skies / "b" / "images", skies / "b" / "classes.csv"),
        cache=skies / "cache",
    )


def test_an_image_is_in_one_part_whatever_the_table(three: Samples) -> None:
    parts = three.split(SHARES, seed=0)
    part_of: dict[str, str] = {}
    for sample, drawn in zip(three.tables, parts, strict=True):
        for digest, part in zip(sample.digests, drawn, strict=True):
            assert part_of.setdefault(digest, part) == part
    assert [int((drawn == "validation").sum()) for drawn in parts[:2]] == [10, 10]


def test_equal_images_are_in_one_fold_whatever_the_table(three: Samples) -> None:
    parts = three.split(SHARES, seed=0)
    folds = three.folds(parts, 4, SHARES, seed=0)
    fold_of: dict[bytes, int] = {}
    for sample, drawn, fold in zip(three.tables, parts, folds, strict=True):
        assert fold[drawn != "train"].tolist() == [0] * int((drawn != "train").sum())
        for digest, number in zip(sample.digests, fold.tolist(), strict=True):
            assert fold_of.setdefault(digest, number) == number
    # 60 training galaxies with votes, 15 to a fold; those of the classes are among them.
    assert sorted(fold_of.values()).count(0) == 20
    assert [list(fold_of.values()).count(number) for number in range(1, 5)] == [15] * 4
    again = three.folds(parts, 4, SHARES, seed=0)
    assert all(map(np.array_equal, folds, again))
    assert not np.array_equal(folds[0], three.folds(parts, 4, SHARES, seed=1)[0])


def test_a_fold_is_left_out_of_the_training(three: Samples) -> None:
    whole = three.split(SHARES, seed=0)
    folds = three.folds(whole, 3, SHARES, seed=0)
    left_out = SHARES.model_copy(update={"fold": (2, 3)})
    parts = three.split(left_out, seed=0)
    for before, after, fold in zip(whole, parts, folds, strict=True):
        np.testing.assert_array_equal(after == "out_of_fold", fold == 2)
        np.testing.assert_array_equal(np.where(fold == 2, "train", after), before)
    assert len(three.galaxies(parts, "train")) == 40
    assert len(three.galaxies(parts, "out_of_fold")) == int((folds[0] == 2).sum())


def test_galaxies_without_votes_are_in_no_fold(skies: Path, tmp_path: Path) -> None:
    rows = _rows(skies / "a" / "votes.csv")
    table = tmp_path / "votes.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for number, row in enumerate(rows):
            empty = {name: "" for name in row if name != "GalaxyID"}
            writer.writerow({**row, **(empty if number < 12 else {})})
    samples = _prepare(Dataset(skies / "a" / "images", table), cache=skies / "cache")
    parts = samples.split(SHARES, seed=0)
    (fold,) = samples.folds(parts, 2, SHARES, seed=0)
    np.testing.assert_array_equal(fold > 0, (parts[0] == "train") & samples.first.targets.known)


def test_classes_are_dealt_evenly_to_folds(skies: Path) -> None:
    classes = Dataset(skies / "b" / "images", skies / "b" / "classes.csv")
    samples = _prepare(classes, cache=skies / "cache")
    parts = samples.split(SHARES, seed=0)
    (fold,) = samples.folds(parts, 2, SHARES, seed=0)
    labels = samples.first.values(np.arange(30))
    for label in (0, 1):
        first, second = (((fold == number) & (labels == label)).sum() for number in (1, 2))
        assert abs(first - second) <= 1


def test_a_fold_without_a_galaxy_is_refused(skies: Path) -> None:
    samples = _prepare(
        Dataset(skies / "a" / "images", skies / "a" / "votes.csv"), cache=skies / "cache"
    )
    with pytest.raises(CatalogError, match=r"31 folds: one would have no galaxy(?s:.*)got: +30"):
        samples.folds(samples.split(SHARES, seed=0), 31, SHARES, seed=0)


def test_labels_join_the_votes_of_the_same_image(three: Samples) -> None:
    parts = three.split(SHARES, seed=0)
    assert three.auxiliary == ((2,),)
    chosen = three.galaxies(parts, "train")
    # 30 of each table of votes; each galaxy of the classes is one of them
    assert len(chosen) == 60
    (labels,) = chosen.auxiliary
    assert labels.shape == (60,)
    classes = three.tables[2]
    label_of = dict(zip(classes.digests, classes.values(np.arange(30)), strict=True))
    for (table, row), label in zip(_tables_and_rows(three, chosen), labels, strict=True):
        sample = three.tables[table]
        (place,) = np.flatnonzero(sample.rows == row)
        assert label == label_of.get(sample.digests[place], -1)
    assert (labels >= 0).sum() == (parts[2] == "train").sum()
    held_out = three.galaxies(parts, "validation")
    assert {table for table, _ in _tables_and_rows(three, held_out)} == {0}


def test_tables_of_one_labelling_are_learnt_together(skies: Path) -> None:
    def table(name: str, labelling: str | None) -> Dataset:
        return Dataset(skies / name / "images", skies / name / "votes.csv", labelling=labelling)

    others = [table("b", "zoo"), table("a", "zoo"), table("b", None)]
    samples = _prepare(table("a", None), *others, cache=skies / "cache")
    assert samples.by_task == ((0, 3), (1, 2))
    parts = samples.split(SHARES, seed=0)
    task, (other,) = samples.task(parts), samples.auxiliary_tasks(parts)
    assert (task.labelling, other.labelling) == ("", "zoo")
    chosen = samples.galaxies(parts, "train")
    (labelled,) = chosen.auxiliary
    # Both labellings know the same images, and say the same of them.
    np.testing.assert_allclose(labelled, chosen.targets, atol=1e-6)
    assert len(chosen) == 60
    held_out = samples.galaxies(parts, "validation")
    np.testing.assert_allclose(held_out.auxiliary[0], held_out.targets, atol=1e-6)


def test_cutouts_are_those_of_each_table_s_pack(three: Samples) -> None:
    parts = three.split(SHARES, seed=0)
    chosen = three.galaxies(parts, "train")
    places = np.array([59, 0, 31, 2, 0])
    expected = [three.tables[t].pack.images[row] for t, row in _tables_and_rows(three, chosen)]
    np.testing.assert_array_equal(chosen.cutouts(places), np.stack([expected[i] for i in places]))


def test_an_image_in_two_tables_of_votes_is_learnt_as_their_mean(
    skies: Path, tmp_path: Path
) -> None:
    rows = _rows(skies / "a" / "votes.csv")
    names = list(rows[0])
    for row in rows:
        for column in names[1:]:
            # everybody says the second answer of question 1; of the rest nothing is known
            row[column] = {"Class1.1": "0", "Class1.2": "1", "Class1.3": "0"}.get(column, "")
    with (tmp_path / "other.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows[:20])
    images = skies / "a" / "images"
    samples = _prepare(
        Dataset(images, skies / "a" / "votes.csv"),
        Dataset(images, tmp_path / "other.csv"),
        cache=skies / "cache",
    )
    parts = samples.split(SHARES, seed=0)
    chosen = samples.galaxies(parts, "train")
    assert len(chosen.rows) == 30
    own = {row: sample for sample, row in enumerate(samples.first.rows)}
    twice = {samples.tables[1].digests[i] for i in range(20)}
    for row, values in zip(chosen.rows, chosen.targets, strict=True):
        place = own[row]
        expected = samples.first.values(np.array([place]))[0].copy()
        if samples.first.digests[place] in twice:
            expected[:3] = (expected[:3] + np.array([0, 1, 0])) / 2
        np.testing.assert_allclose(values, expected, rtol=1e-6)
    held_out = samples.galaxies(parts, "validation")
    places = [own[row] for row in held_out.rows]
    np.testing.assert_array_equal(held_out.targets, samples.first.values(np.array(places)))


def test_classes_of_galaxies_without_votes_are_learnt_too(skies: Path) -> None:
    samples = _prepare(
        Dataset(skies / "a" / "images", skies / "a" / "votes.csv"),
        Dataset(skies / "b" / "images", skies / "b" / "classes.csv"),
        cache=skies / "cache",
    )
    parts = samples.split(SHARES, seed=0)
    chosen = samples.galaxies(parts, "train")
    added = np.array([table == 1 for table, _ in _tables_and_rows(samples, chosen)])
    assert added.sum() == 15  # of the 20 that only the classes have
    assert np.isnan(chosen.targets[added]).all()
    assert (chosen.auxiliary[0][added] >= 0).all()
    (auxiliary,) = samples.auxiliary_tasks(parts)
    assert auxiliary.class_names == ("round", "spiral")


def test_answers_are_known_if_any_table_knows_them(skies: Path, tmp_path: Path) -> None:
    rows = _rows(skies / "a" / "votes.csv")
    for row in rows:
        for column in row:
            if column.startswith("Class11."):
                row[column] = ""
    with (tmp_path / "fewer.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    sources = (
        Dataset(skies / "a" / "images", tmp_path / "fewer.csv"),
        Dataset(skies / "b" / "images", skies / "b" / "votes.csv"),
    )
    alone, both = (_prepare(*sources[:n], cache=skies / "cache") for n in (1, 2))
    outputs = [samples.task(samples.split(SHARES, seed=0)) for samples in (alone, both)]
    votes = [task for task in outputs if isinstance(task, VoteTask)]
    assert [sum(task.known) for task in votes] == [31, 37]
    assert votes[0].mean[:31] == votes[1].mean[:31]
    assert not np.isnan(votes[1].mean).any()


def test_the_split_is_read_back_table_by_table(three: Samples, tmp_path: Path) -> None:
    parts = three.split(SHARES, seed=5)
    write_split(tmp_path / "split.csv", three.tables, parts)
    assert _rows(tmp_path / "split.csv")[0].keys() == {"id", "part", "digest", "table"}
    for own, other in zip(read_split(tmp_path / "split.csv", three.tables), parts, strict=True):
        assert own.tolist() == other.tolist()
    with pytest.raises(RunError, match="lists other galaxies"):
        read_split(tmp_path / "split.csv", three.tables[:2])


def test_one_table_is_as_it_always_was(skies: Path) -> None:
    samples = _prepare(
        Dataset(skies / "a" / "images", skies / "a" / "votes.csv"), cache=skies / "cache"
    )
    assert samples.fingerprint == samples.first.fingerprint
    assert samples.auxiliary == ()
    chosen = samples.galaxies(samples.split(SHARES, seed=0), "train")
    assert chosen.auxiliary == ()


def test_votes_after_classes_are_refused(skies: Path) -> None:
    with pytest.raises(CatalogError, match="name the table of votes first"):
        _prepare(
            Dataset(skies / "b" / "images", skies / "b" / "classes.csv"),
            Dataset(skies / "a" / "images", skies / "a" / "votes.csv"),
            cache=skies / "cache",
        )


def test_a_stated_seed_holds_out_the_same_galaxies(three: Samples) -> None:
    stated = Split(validation=0.25, test=0.0, seed=7)
    first, second = (three.split(stated, seed=seed) for seed in (1, 2))
    for own, other in zip(first, second, strict=True):
        assert own.tolist() == other.tolist()
    drawn = three.split(SHARES, seed=7)
    assert [part.tolist() for part in drawn] == [part.tolist() for part in first]


def test_what_is_too_little_to_be_shared_out_is_for_training(skies: Path, tmp_path: Path) -> None:
    rows = _rows(skies / "b" / "votes.csv")
    (tmp_path / "images").mkdir()
    for row in rows[:22]:
        name = f"{row['GalaxyID']}.jpg"
        shutil.copy(skies / "b" / "images" / name, tmp_path / "images" / name)
    samples = _prepare(
        # the classes have 20 of these galaxies already, but for two
        Dataset(skies / "b" / "images", skies / "b" / "classes.csv"),
        Dataset(tmp_path / "images", _classes(tmp_path / "more.csv", rows[:22])),
        cache=skies / "cache",
    )
    first, second = samples.split(SHARES, seed=0)
    part_of = dict(zip(samples.first.digests, first, strict=True))
    for digest, part in zip(samples.tables[1].digests, second, strict=True):
        assert part == part_of.get(digest, "train")


def _classes(path: Path, rows: list[dict[str, str]]) -> Path:
    lines = [f"{row['GalaxyID']},{'spiral' if i % 2 else 'round'}" for i, row in enumerate(rows)]
    path.write_text("\n".join(["id,class", *lines]) + "\n")
    return path
