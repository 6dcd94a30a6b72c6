"""The stream: order, overlap, errors, and memory that does not grow with the number of images."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxyclass.model import cutouts as reading
from galaxyclass.model import stream
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.stream import predict_stream
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers.ordered import AHEAD
from tests.support import fake
from tests.support.fake import LaneBackend

SETTINGS = Preprocessing(cutout="centre", size=8)


def options(batch_size: int, workers: int) -> InferenceOptions:
    return InferenceOptions(batch_size=batch_size, workers=workers)


def _means(cutouts: NDArray[Any]) -> ModelOutput:
    means = cutouts.reshape(len(cutouts), -1).mean(axis=1, dtype=np.float32)[:, None]
    return ModelOutput(means, (), means)


@pytest.fixture(params=["lanes", "one at a time"])
def kind(request: pytest.FixtureRequest) -> Callable[..., Any] | type[LaneBackend]:
    """Make of a function a backend that computes in lanes, or leave it as it is."""
    return fake.LaneBackend if request.param == "lanes" else lambda function: function


@pytest.fixture
def numbered(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An "image" is its number; which of them were read."""
    made = []

    def read(path: str, settings: list[Preprocessing], notes: Any) -> list[NDArray[Any]]:
        made.append(int(path))
        return [np.full(one.shape, int(path) % 256, dtype=np.uint8) for one in settings]

    monkeypatch.setattr(reading, "read_cutouts", read)
    return made


def _running() -> list[Any]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ordered-pool")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_order_and_spans(
    numbered: list[Any], kind: Callable[..., Any] | type[LaneBackend], workers: int
) -> None:
    paths = [str(i) for i in range(1000)]
    batches = list(predict_stream(paths, SETTINGS, kind(_means), options(30, workers)))
    assert [path for batch in batches for path in batch.paths] == paths
    assert [batch.start for batch in batches] == list(range(0, 1000, 30))
    assert [len(batch.paths) for batch in batches] == [30] * 33 + [10]
    values = np.concatenate([batch.output.values for batch in batches])[:, 0]
    np.testing.assert_array_equal(values, np.arange(1000) % 256)
    assert sorted(numbered) == list(range(1000))
    assert not _running()


@given(st.integers(0, 2000), st.integers(1, 8), st.integers(1, 70))
def test_turns_hold_each_batch_once_and_end_small(batches: int, most: int, workers: int) -> None:
    turns = list(stream.turn_sizes(batches, most, workers))
    assert [number for turn in turns for number in turn] == list(range(batches))
    assert all(1 <= len(turn) <= most for turn in turns)
    assert all(len(turn) == 1 for turn in turns[-workers:])


@pytest.mark.parametrize("start", [0, 37, 40, 99, 100])
def test_a_later_start_leaves_the_batches_where_they_are(
    numbered: list[Any], kind: Callable[..., Any] | type[LaneBackend], start: int
) -> None:
    """So that images are predicted in the same company after an interruption."""
    paths = [str(i) for i in range(100)]
    whole = list(predict_stream(paths, SETTINGS, kind(_means), options(10, 2)))
    rest = list(predict_stream(paths, SETTINGS, kind(_means), options(10, 2), start=start))
    assert [path for batch in rest for path in batch.paths] == paths[start:]
    begins = {batch.start for batch in whole} | {start}
    assert {batch.start for batch in rest} == {place for place in begins if start <= place < 100}


def test_cutouts_do_not_depend_on_the_number_of_lanes(numbered: list[Any]) -> None:
    """What a backend gets at once is the same however many there are."""
    paths = [str(i) for i in range(200)]
    seen: dict[int, list[Any]] = {}
    for workers in (1, 2, 5):
        together = seen.setdefault(workers, [])

        def note(cutouts: NDArray[Any], together: list[tuple[int, ...]] = together) -> ModelOutput:
            together.append(tuple(cutouts[:, 0, 0, 0].tolist()))
            return _means(cutouts)

        list(
            predict_stream(
                paths,
                SETTINGS,
                fake.LaneBackend(note),
                options(7, workers),
            )
        )
    assert sorted(seen[1]) == sorted(seen[2]) == sorted(seen[5])


def test_lanes_compute_at_the_same_time(numbered: list[Any]) -> None:
    """Four lanes meet inside the backend; one alone would wait for the others in vain."""
    meeting = threading.Barrier(4)

    def wait(cutouts: NDArray[Any]) -> ModelOutput:
        meeting.wait(timeout=20)
        return _means(cutouts)

    backend = fake.LaneBackend(wait)
    list(
        predict_stream(
            [str(i) for i in range(80)],
            SETTINGS,
            backend,
            options(10, 4),
        )
    )
    assert len(backend.called) == 4
    assert backend.called == set(backend.begun)
    assert len(backend.begun) == 4


@pytest.mark.parametrize("concurrent", [None, False])
def test_any_other_backend_is_called_from_this_thread_alone(
    numbered: list[Any], concurrent: bool | None
) -> None:
    callers = set()

    def note(cutouts: NDArray[Any]) -> ModelOutput:
        callers.add(threading.get_ident())
        return _means(cutouts)

    backend = note
    if concurrent is False:
        backend = fake.LaneBackend(note)
        backend.concurrent = False
    list(
        predict_stream(
            [str(i) for i in range(200)],
            SETTINGS,
            backend,
            options(10, 4),
        )
    )
    assert callers == {threading.get_ident()}


@pytest.mark.parametrize("count", [500, 5000])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_slow_consumer_is_waited_for(
    numbered: list[Any], kind: Callable[..., Any] | type[LaneBackend], count: int, workers: int
) -> None:
    """How many images are read before their turn is bounded, however many there are."""
    backend = kind(_means)
    size = 20
    if backend is _means:
        chunks = max(AHEAD * workers, stream.LOOKAHEAD * 2)
        most = (chunks + 1) * stream.CHUNK
    else:
        most = (AHEAD * workers + 1) * min(stream.TURN_IMAGES, stream.TURN_BATCHES * size)
    for batch in predict_stream(
        [str(i) for i in range(count)],
        SETTINGS,
        backend,
        options(size, workers),
    ):
        time.sleep(0.0002)
        assert len(numbered) <= batch.start + size + most
    assert len(numbered) == count


def test_memory_of_real_images_does_not_grow(
    tmp_path: Path, kind: Callable[..., Any] | type[LaneBackend]
) -> None:
    paths = [str(path) for path in fake.save_images(tmp_path, 20)]
    settings = Preprocessing(cutout="centre", size=64)

    def peak(times: int) -> int:
        tracemalloc.start()
        for _ in predict_stream(paths * times, settings, kind(_means), options(10, 2)):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    few, many = peak(30), peak(150)
    assert many < 1.3 * few + 16 * 150 * 20


def test_images_are_read_while_the_network_runs(
    numbered: list[Any], kind: Callable[..., Any] | type[LaneBackend]
) -> None:
    """The network's first batch is not done before later images are read."""
    first = threading.Event()

    def waits(cutouts: NDArray[Any]) -> ModelOutput:
        if not first.is_set():
            first.set()
            end = time.monotonic() + 20
            while len(numbered) <= stream.TURN_BATCHES * 10:
                assert time.monotonic() < end, "nothing is read meanwhile"
                time.sleep(0.001)
        return _means(cutouts)

    for _ in predict_stream(
        [str(i) for i in range(500)],
        SETTINGS,
        kind(waits),
        options(10, 2),
    ):
        pass


def test_a_consumer_that_stops_early_stops_the_threads(
    numbered: list[Any], kind: Callable[..., Any] | type[LaneBackend]
) -> None:
    batches = predict_stream(
        [str(i) for i in range(100_000)],
        SETTINGS,
        kind(_means),
        options(10, 2),
    )
    next(batches)
    batches.close()
    done = len(numbered)
    time.sleep(0.05)
    assert len(numbered) == done <= 2000
    assert not _running()


@pytest.mark.parametrize("how", ["closed", "failed"])
def test_lanes_that_are_stopped_begin_no_other_batch(numbered: list[Any], how: str) -> None:
    """Ctrl-C waits for the batches that the lanes are at, and not for all of their turns."""
    called, slow_began, give_up = [], threading.Event(), threading.Event()

    def run(cutouts: NDArray[Any]) -> ModelOutput | None:
        called.append(int(cutouts[0, 0, 0, 0]))
        if called[-1] == 0 and how == "failed":
            assert slow_began.wait(timeout=20)
            raise KeyboardInterrupt
        if called[-1] >= 16:  # the second lane's turn, or one after it
            slow_began.set()
            give_up.wait(timeout=2)
        return _means(cutouts)

    paths = [str(i) for i in range(256)]
    batches = predict_stream(paths, SETTINGS, fake.LaneBackend(run), options(2, 2))
    if how == "closed":
        next(batches)
        assert slow_began.wait(timeout=20)
        batches.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            next(batches)
    late = [number for number in called if number >= 16]
    assert len(late) <= 2  # of eight in a turn: one for each lane
    assert not _running()


def test_an_error_in_the_middle_comes_in_its_turn(
    numbered: list[Any], kind: Callable[..., Any] | type[LaneBackend]
) -> None:
    """Not before the batches that precede it, in the caller's thread, and no thread stays."""

    def fails(cutouts: NDArray[Any]) -> ModelOutput | None:
        if 500 % 256 in cutouts[:, 0, 0, 0]:
            raise ValueError("the network is broken")
        return _means(cutouts)

    batches = predict_stream(
        [str(i) for i in range(700)],
        SETTINGS,
        kind(fails),
        options(10, 3),
    )
    assert [next(batches).start for _ in range(24)] == list(range(0, 240, 10))
    with pytest.raises(ValueError, match="the network is broken"):
        next(batches)
    assert not _running()


def test_an_error_of_ours_is_not_taken_for_a_bad_image(
    monkeypatch: pytest.MonkeyPatch, kind: Callable[..., Any] | type[LaneBackend]
) -> None:
    def read(path: str, settings: list[Preprocessing], notes: Any) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr(reading, "read_cutouts", read)
    with pytest.raises(MemoryError):
        list(predict_stream(["a"], SETTINGS, kind(_means), options(10, 1)))


def test_images_that_cannot_be_decoded(
    tmp_path: Path, kind: Callable[..., Any] | type[LaneBackend]
) -> None:
    """First, last and alone in a batch: the others keep their values."""
    paths = [str(path) for path in fake.save_images(tmp_path, 9)]
    (tmp_path / "bad.jpg").write_text("no\nimage")
    bad = str(tmp_path / "bad.jpg")
    mixed = [bad, *paths[:2], *paths[2:4], bad, bad, bad, bad, *paths[4:]]
    fine = list(predict_stream(paths, SETTINGS, kind(_means), options(3, 2)))
    batches = list(predict_stream(mixed, SETTINGS, kind(_means), options(3, 2)))
    assert [batch.decoded.tolist() for batch in batches] == [
        [False, True, True],
        [True, True, False],
        [False, False, False],
        [True, True, True],
        [True, True],
    ]
    assert batches[2].output is None
    assert [len(batch.errors) for batch in batches] == [1, 1, 3, 0, 0]
    assert all("not an image" in error and "\n" not in error for error in batches[2].errors)
    np.testing.assert_array_equal(
        np.concatenate([batch.output.values for batch in batches if batch.output]),
        np.concatenate([batch.output.values for batch in fine]),
    )


def test_no_images(kind: Callable[..., Any] | type[LaneBackend]) -> None:
    assert list(predict_stream([], SETTINGS, kind(_means), options(10, 1))) == []
    assert list(predict_stream(["a"], SETTINGS, kind(_means), options(10, 1), start=1)) == []


@pytest.mark.parametrize(
    ("images", "any_thread", "here"), [(10, True, True), (11, True, False), (10, False, False)]
)
def test_a_single_batch_is_predicted_in_the_callers_thread(
    numbered: list[Any], images: int, any_thread: bool, here: bool
) -> None:
    """Where the backend needs no prepared thread; its predictions are those of a thread."""
    backend, paths = fake.LaneBackend(_means), [str(i) for i in range(images)]
    (expected, *_) = predict_stream(paths, SETTINGS, fake.LaneBackend(_means), options(10, 4))
    backend.any_thread = any_thread
    first, *others = predict_stream(paths, SETTINGS, backend, options(10, 4))
    assert (backend.called == {threading.get_ident()}) is here
    assert (not backend.begun) is here
    assert len(others) == (images > 10)
    assert first.output is not None
    assert expected.output is not None
    np.testing.assert_array_equal(first.output.values, expected.output.values)
