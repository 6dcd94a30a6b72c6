"""JPEGs that are decoded at a smaller scale: the same pixels whichever way they are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.images.inspect import inspect_image
from galaxyclass.images.packs import layout
from galaxyclass.images.packs.write import pack
from galaxyclass.images.read import read_image
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.stream import predict_stream
from galaxyclass.recipes.preprocessing import Preprocessing

SETTINGS = Preprocessing(cutout="centre", frame=212, size=64)


@pytest.fixture
def jpegs(tmp_path: Path) -> list[str]:
    """Noise of 424 and 423 pixels, so that every decoded pixel counts; the last is cut off."""
    folder = tmp_path / "jpegs"
    folder.mkdir()
    rng = np.random.default_rng(8)
    paths = []
    for number, side in enumerate([424, 423, 424, 640, 424]):
        paths.append(str(folder / f"{number}.jpg"))
        pixels = rng.integers(0, 256, (424, side, 3), np.uint8)
        Image.fromarray(pixels).save(paths[-1], quality=85, progressive=number == 2)
    Path(paths[-1]).write_bytes(Path(paths[-1]).read_bytes()[:-400])
    return paths


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "settings",
    [SETTINGS, Preprocessing(size=32, colour="grey"), Preprocessing(cutout="object", size=48)],
    ids=str,
)
def test_pack_and_prediction_see_the_same_pixels(
    jpegs: list[str], tmp_path: Path, settings: Preprocessing, workers: int
) -> None:
    made = pack(jpegs, settings, output=tmp_path / "pack", workers=workers)
    assert made.valid.tolist() == [True] * 4 + [False]

    def flat(cutouts: NDArray[Any]) -> NDArray[Any]:
        return cutouts.reshape(len(cutouts), -1).astype(np.float32)

    def backend(cutouts: NDArray[Any]) -> ModelOutput:
        return ModelOutput(flat(cutouts), (), flat(cutouts))

    batches = list(
        predict_stream(jpegs, settings, backend, InferenceOptions(batch_size=2, workers=2))
    )
    said = [batch.output for batch in batches if batch.decoded.any()]
    predicted = np.concatenate([estimates.values for estimates in said])
    assert np.array_equal(predicted, flat(made.images[:4]))
    assert np.array_equal(np.stack([read_cutout(path, settings) for path in jpegs[:4]]),
                          made.images[:4])  # fmt: skip


@pytest.mark.usefixtures("in_processes")
def test_processes_see_the_same_pixels(jpegs: list[str], tmp_path: Path) -> None:
    made = pack(jpegs * 30, SETTINGS, output=tmp_path / "pack", workers=2)
    expected = np.stack([read_cutout(path, SETTINGS) for path in jpegs[:4]])
    assert np.array_equal(made.images.reshape(30, 5, 64, 64, 3)[:, :4], [expected] * 30)


def test_they_are_those_of_the_scaled_image(jpegs: list[str], tmp_path: Path) -> None:
    made = pack(jpegs, SETTINGS, output=tmp_path / "pack")
    whole = [np.array_equal(made.images[row], make_cutout(read_image(jpegs[row]), SETTINGS))
             for row in range(4)]  # fmt: skip
    assert whole == [False, True, False, False]  # 423 pixels wide: not on the grid


def test_records_tell_the_size_of_the_image_itself(jpegs: list[str], tmp_path: Path) -> None:
    made = pack(jpegs, SETTINGS, output=tmp_path / "pack")
    sizes = [(record.height, record.width) for record in made.records]
    assert sizes == [(424, 424), (424, 423), (424, 424), (424, 640), (0, 0)]
    assert list(made.records) == [inspect_image(path) for path in jpegs]
    assert str(made.records[4].error).startswith(f"{jpegs[4]}: the image is truncated or corrupt")


def test_a_pack_of_before_there_were_scales_is_not_used(
    jpegs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(layout, "PACK_FORMAT", 1)
        old = pack(jpegs[:2], SETTINGS, cache=tmp_path)
    new = pack(jpegs[:2], SETTINGS, cache=tmp_path)
    assert layout.PACK_FORMAT > 1
    assert new.folder != old.folder
