"""The two halves of a prediction by themselves do the whole of their work, and nothing else."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galaxyclass.model import cutouts as reading
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.study.benchmark.standalone import network_alone, prepare_alone
from tests.support import fake


def test_every_image_is_prepared_once_by_as_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    threads: set[int] = set()
    meeting = threading.Barrier(3)

    def note(path: str, settings: list[Preprocessing], *_: Any) -> list[NDArray[Any]]:
        if threading.get_ident() not in threads:
            threads.add(threading.get_ident())
            meeting.wait(timeout=20)
        read[path] += 1
        return [np.zeros(each.shape, np.uint8) for each in settings]

    monkeypatch.setattr(reading, "read_cutouts", note)
    paths = [str(i) for i in range(1001)]
    assert prepare_alone(paths, Preprocessing(size=8), workers=3) > 0
    assert read == Counter(paths)
    assert len(threads) == 3


def test_images_that_cannot_be_decoded_are_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no image")
    assert prepare_alone([str(tmp_path / "bad.jpg")], Preprocessing(size=8)) > 0


@pytest.mark.parametrize("lanes", [False, True])
def test_every_cutout_goes_through_the_network_once(lanes: bool) -> None:
    cutouts = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
    seen, threads = [], set()

    def note(batch: NDArray[Any]) -> NDArray[Any]:
        seen.append(batch.ravel().tolist())
        threads.add(threading.get_ident())
        return batch.reshape(-1, 1).astype(np.float32)

    backend: Any = fake.LaneBackend(note) if lanes else note
    assert network_alone(backend, cutouts, 8, workers=2) > 0
    assert sorted(number for batch in seen for number in batch) == list(range(100))
    assert sorted(map(len, seen)) == [4] + [8] * 12
    assert (threading.get_ident() in threads) == (not lanes)
    assert not lanes or threads <= set(backend.begun)


def test_a_network_that_fails_is_told() -> None:
    def fails(cutouts: NDArray[Any]) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        network_alone(fake.LaneBackend(fails), np.zeros((9, 1, 1, 1), np.uint8), 2)
