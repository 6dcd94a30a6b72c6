"""Splits: exact shares, by galaxy, stratified, and the same whatever the order of the rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.data.catalog.catalog import Catalog, Ids
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.splits import split
from galaxyclass.errors import CatalogError
from galaxyclass.tasks.classes.targets import ClassTargets

THIRDS = {"train": 0.64, "validation": 0.16, "test": 0.2}


def catalog_of(ids: list[str], labels: list[int] | None = None) -> Catalog:
    targets = None
    if labels is not None:
        names = tuple(f"class {n}" for n in range(max(labels) + 1))
        targets = ClassTargets("class", names, np.array(labels, dtype=np.int64))
    return Catalog(
        ids=Ids("id", np.array(ids, dtype=object), False),
        paths=np.array([f"{name}.jpg" for name in ids], dtype=object),
        rows=np.arange(len(ids), dtype=np.int64),
        targets=targets,
        other=None,
        problems=(),
        unlisted=(),
        images=Path("images"),
        table=None,
    )


def by_id(catalog: Catalog, parts: np.ndarray) -> dict[str, str]:
    return dict(zip(catalog.ids.values, parts, strict=True))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (100, {"train": 64, "validation": 16, "test": 20}),
        (10, {"train": 6, "validation": 2, "test": 2}),
        (61_578, {"train": 39_410, "validation": 9_852, "test": 12_316}),
    ],
)
def test_shares_to_the_nearest_galaxy(count: int, expected: dict[str, int]) -> None:
    catalog = catalog_of([str(n) for n in range(count)])
    assert Counter(split(catalog, THIRDS, seed=0).tolist()) == expected


@given(
    labels=st.lists(st.integers(0, 4), min_size=60, max_size=200),
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.05, 0.5),
)
def test_every_class_has_its_share(labels: list[int], seed: int, share: float) -> None:
    catalog = catalog_of([f"g{n}" for n in range(len(labels))], labels)
    parts = split(catalog, {"train": 1 - share, "test": share}, seed)
    for label, count in Counter(labels).items():
        there = int((parts[np.array(labels) == label] == "test").sum())
        assert abs(there - share * count) <= 1.5
    assert abs(int((parts == "test").sum()) - share * len(labels)) <= 0.5 + 1e-6


@given(order=st.permutations(range(30)), seed=st.integers(0, 9))
def test_the_order_of_the_rows_does_not_matter(order: list[int], seed: int) -> None:
    ids = [f"g{n // 2}" if n < 6 else f"g{n}" for n in range(30)]  # three ids stand twice
    labels = [int(name[1:]) % 3 for name in ids]
    digests = ["same" if n in (7, 19, 28) else str(n) for n in range(30)]
    catalog = catalog_of(ids, labels)
    shuffled = catalog.take(np.array(order))
    one = split(catalog, THIRDS, seed, digests)
    two = split(shuffled, THIRDS, seed, [digests[n] for n in order])
    assert by_id(catalog, one) == by_id(shuffled, two)


@given(
    ids=st.lists(st.integers(0, 60), min_size=80, max_size=120),
    digests=st.lists(st.sampled_from([*map(str, range(60)), ""]), min_size=120, max_size=120),
    seed=st.integers(0, 99),
)
def test_one_galaxy_and_one_image_stay_on_one_side(
    ids: list[int], digests: list[str], seed: int
) -> None:
    digests = digests[: len(ids)]
    catalog = catalog_of([str(n) for n in ids])
    try:
        parts = split(catalog, {"a": 0.5, "b": 0.5}, seed, digests)
    except CatalogError:  # chains of shared ids and images may leave one group only
        return
    for keys in (ids, digests):
        sides: dict[object, set[str]] = {}
        for key, part in zip(keys, parts, strict=True):
            if key != "":
                sides.setdefault(key, set()).add(part)
        assert all(len(side) == 1 for side in sides.values())


def test_a_chain_of_shared_ids_and_images_stays_together() -> None:
    catalog = catalog_of(["a", "b", "b", "c", *(f"z{n}" for n in range(40))])
    digests = ["1", "1", "2", "2", *(f"d{n}" for n in range(40))]
    for seed in range(20):
        parts = split(catalog, {"train": 0.5, "test": 0.5}, seed, digests)
        assert len(set(parts[:4])) == 1


def test_unknown_digests_are_not_alike() -> None:
    catalog = catalog_of([str(n) for n in range(10)])
    parts = split(catalog, {"train": 0.5, "test": 0.5}, 0, [""] * 10)
    assert Counter(parts.tolist()) == {"train": 5, "test": 5}


def test_seeds() -> None:
    catalog = catalog_of([str(n) for n in range(200)])
    first = split(catalog, THIRDS, 1)
    np.testing.assert_array_equal(first, split(catalog, THIRDS, 1))
    assert (first != split(catalog, THIRDS, 2)).any()


def test_the_split_is_random_in_the_order_of_ids() -> None:
    catalog = catalog_of([f"{n:05}" for n in range(10_000)])
    parts = split(catalog, {"train": 0.8, "test": 0.2}, 3)
    # Half of the test galaxies have small ids: 1000 +- 27 by chance (hypergeometric).
    assert abs(int((parts[:5000] == "test").sum()) - 1000) < 120


def test_a_part_without_galaxies() -> None:
    with pytest.raises(
        CatalogError, match=r"(?s)part 'validation' would have no galaxy.*got:    2 diff"
    ):
        split(catalog_of(["1", "2"]), THIRDS, 0)


def test_a_share_of_nothing_is_allowed() -> None:
    parts = split(catalog_of(["1", "2"]), {"train": 1.0, "test": 0.0}, 0)
    assert parts.tolist() == ["train", "train"]


@pytest.mark.parametrize("shares", [{"a": 0.5, "b": 0.4}, {"a": 1.5, "b": -0.5}, {}])
def test_shares_that_do_not_sum_to_one(shares: dict[str, float]) -> None:
    with pytest.raises(CatalogError, match="do not sum to 1"):
        split(catalog_of(["1", "2"]), shares, 0)


@pytest.mark.galaxies
def test_five_classes(galaxies: Path) -> None:
    folder = galaxies / "galaxy-zoo-challenge"
    catalog = read_catalog(folder / "images", folder / "five_classes.csv")
    parts = split(catalog, {"train": 0.8, "validation": 0.1, "test": 0.1}, seed=0)
    for label, count in enumerate((86, 806, 369, 942, 1255)):
        there: Counter[str] = Counter(parts[catalog.targets.labels == label].tolist())
        assert abs(there["validation"] - count / 10) <= 1.5
        assert abs(there["test"] - count / 10) <= 1.5
