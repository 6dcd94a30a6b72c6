"""The stream: order, overlap, and memory that does not grow with the number of images."""

from __future__ import annotations

import threading
import time
import tracemalloc

import numpy as np
import pytest

from galaxyclass.prediction import predict_stream, stream
from galaxyclass.recipes import Preprocessing

SETTINGS = Preprocessing(cutout="centre", size=64)


def _means(cutouts):
    return cutouts.reshape(len(cutouts), -1).mean(axis=1, dtype=np.float32)[:, None]


@pytest.fixture
def numbered(monkeypatch):
    """An "image" is its number; counts the cutouts that were made and are still alive."""
    made, alive, lock = [], set(), threading.Lock()

    class Cutout(np.ndarray):
        def __del__(self):
            with lock:
                alive.discard(getattr(self, "number", None))

    def read(path, colour):
        return int(path)

    def prepare(number, settings):
        cutout = np.full((8, 8, 3), number % 256, dtype=np.uint8).view(Cutout)
        cutout.number = number
        with lock:
            alive.add(number)
            made.append(number)
        return cutout

    monkeypatch.setattr(stream, "read_image", read)
    monkeypatch.setattr(stream, "prepare", prepare)
    return made, alive


def test_order_and_spans(numbered):
    paths = [str(i) for i in range(1000)]
    batches = list(predict_stream(paths, SETTINGS, _means, 30, 4))
    assert [path for batch in batches for path in batch.paths] == paths
    assert [len(batch.paths) for batch in batches] == [30] * 33 + [10]
    values = np.concatenate([batch.values for batch in batches])[:, 0]
    np.testing.assert_array_equal(values, np.arange(1000) % 256)


@pytest.mark.parametrize("count", [500, 5000])
def test_a_bounded_number_of_cutouts_is_alive(numbered, count):
    made, alive = numbered
    most = 0
    for batch in predict_stream([str(i) for i in range(count)], SETTINGS, _means, 20, 2):
        time.sleep(0.0005)  # a slow consumer: the decoders must wait for it
        most = max(most, len(alive))
        assert len(made) <= batch.start + (stream.LOOKAHEAD + 1) * 20
    assert len(made) == count
    assert most <= (stream.LOOKAHEAD + 1) * 20


def test_memory_of_real_images_does_not_grow(fake, tmp_path):
    paths = [str(path) for path in fake.save_images(tmp_path, 20)]

    def peak(times):
        tracemalloc.start()
        for _ in predict_stream(paths * times, SETTINGS, _means, 10, 2):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    few, many = peak(5), peak(80)
    assert many < 1.3 * few + 16 * 80 * 20


def test_decoding_goes_on_while_the_network_runs(monkeypatch):
    """0.5 s of decoding and 0.5 s of network take little more than the longer of them."""

    def read(path, colour):
        time.sleep(0.002)
        return np.zeros((8, 8, 3), np.uint8)

    def slow(cutouts):
        time.sleep(0.02)
        return _means(cutouts)

    monkeypatch.setattr(stream, "read_image", read)
    begun = time.monotonic()
    for _ in predict_stream(["x"] * 250, SETTINGS, slow, 10, 1):
        pass
    assert time.monotonic() - begun < 0.85


def test_a_consumer_that_stops_early_stops_the_decoders(numbered):
    made, _ = numbered
    batches = predict_stream([str(i) for i in range(100_000)], SETTINGS, _means, 10, 2)
    next(batches)
    batches.close()
    done = len(made)
    time.sleep(0.05)
    assert len(made) == done <= 40
    assert not [t for t in threading.enumerate() if t.name.startswith("prepare")]


def test_an_error_of_ours_is_not_taken_for_a_bad_image(monkeypatch):
    def read(path, colour):
        raise MemoryError("no memory")

    monkeypatch.setattr(stream, "read_image", read)
    with pytest.raises(MemoryError):
        list(predict_stream(["a"], SETTINGS, _means, 10, 1))


def test_no_images():
    assert list(predict_stream([], SETTINGS, _means, 10, 1)) == []
