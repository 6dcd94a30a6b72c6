"""Batches: every galaxy once, in an order that follows from the seed and the epoch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.training.data import Batches, PackedGalaxies
from galaxyclass.training.device_cache import CachedGalaxies, cached_where_possible, size_of


def galaxies(count: int) -> Galaxies:
    images = np.arange(2 * count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Galaxies(images, np.arange(count)[::-1].copy() * 2, np.arange(count, dtype=np.float32))


@given(
    count=st.integers(1, 60),
    size=st.integers(1, 20),
    buffer=st.integers(0, 70),
    seed=st.integers(0, 9),
)
def test_every_galaxy_once(count: int, size: int, buffer: int, seed: int) -> None:
    batches = Batches(galaxies(count), size, seed=seed, shuffle_buffer=buffer)
    seen = [target for _, targets, _ in batches for target in targets.tolist()]
    assert sorted(seen) == list(range(count))
    assert len(list(batches)) == len(batches)


def test_cutouts_go_with_their_targets() -> None:
    for cutouts, targets, _ in Batches(galaxies(20), 6, seed=1):
        assert (cutouts[:, 0, 0, 0] == 2 * (19 - targets)).all()


def test_order_follows_from_seed_and_epoch() -> None:
    first, second = (Batches(galaxies(50), 10, seed=1) for _ in range(2))
    assert (first.order() == second.order()).all()
    second.epoch = 1
    assert (first.order() != second.order()).any()


@pytest.mark.parametrize("seed", range(3))
def test_a_buffer_draws_from_what_it_has_seen(seed: int) -> None:
    batches = Batches(galaxies(200), 10, seed=seed, shuffle_buffer=20)
    places = np.arange(200)
    # the i-th drawn is among the first i + 20 in line, as with TensorFlow's shuffle
    assert (batches.order() <= places + 20).all()
    assert (batches.order() != places).mean() > 0.8


def test_without_a_seed_the_order_stays() -> None:
    assert (Batches(galaxies(7), 2, seed=None).order() == np.arange(7)).all()


def test_on_a_device_with_room_batches_are_the_same() -> None:
    labels = np.arange(30) % 3
    far = replace(galaxies(30), auxiliary=(labels,))
    assert size_of(far) == 30
    here = torch.device("cpu")
    near = cached_where_possible({"train": far, "test": galaxies(2)}, here, free=1000)
    assert isinstance(near["train"], CachedGalaxies)
    for mine, other in zip(Batches(near["train"], 7, seed=3), Batches(far, 7, seed=3), strict=True):
        assert torch.equal(mine.cutouts, other.cutouts)
        assert torch.equal(mine.targets, other.targets)
        assert torch.equal(mine.auxiliary[0], other.auxiliary[0])


def test_where_there_is_no_room_galaxies_stay_where_they_are() -> None:
    parts = {"train": galaxies(30), "validation": galaxies(3)}
    cpu = torch.device("cpu")
    # on the processor a memory map is as near, whatever there is room for
    for near in (cached_where_possible(parts, cpu, free=100), cached_where_possible(parts, cpu)):
        for part, source in near.items():
            assert isinstance(source, PackedGalaxies)
            assert source.galaxies is parts[part]
