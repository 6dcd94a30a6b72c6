"""A training on four bands, from files to an exported network: bands and stretch stay with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import galaxyclass
from galaxyclass.errors import ArgumentError
from galaxyclass.training.train import train
from tests.support.sky import TINY, changed

fits = pytest.importorskip("astropy.io.fits")

SETTINGS = changed(
    TINY,
    "training.epochs=1",
    "model.width=1",
    "model.encoder=two_layer_cnn",
    "images.bands=g,r,z,w1",
    "images.stretch=asinh",
    "images.limits=survey",
    "images.pixel_scale=0.5",
)


def flux_of(number: int) -> NDArray[np.float32]:
    """(4, 24, 24): galaxies of one class are bright in the last band, the others in the first."""
    rng = np.random.default_rng(number)
    flux = rng.normal(0, 0.02, (4, 24, 24)).astype(np.float32)
    flux[0 if number % 2 else 3, 8:16, 8:16] += 3
    return flux


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bands")
    for number in range(40):
        kind = folder / "images" / ("blue" if number % 2 else "red")
        kind.mkdir(parents=True, exist_ok=True)
        header = fits.Header({"BAND0": "g", "BAND1": "r", "BAND2": "z", "BAND3": "W1"})
        fits.writeto(kind / f"{number}.fits", flux_of(number), header)
    train(
        "fast",
        galaxyclass.Dataset(folder / "images"),
        output=folder / "run",
        settings=SETTINGS,
        cache=folder / "cache",
        workers=1,
        device="cpu",
        seed=0,
    )
    return folder / "run"


def test_bands_and_stretch_are_part_of_the_model(run: Path) -> None:
    model = galaxyclass.load_model(run, workers=1)
    assert "16 px g r z w1 (asinh)" in repr(model)
    kept = json.loads((run / "bundle" / "manifest.json").read_text())["preprocessing"]
    assert kept["bands"] == ["g", "r", "z", "w1"]
    assert (kept["stretch"], kept["pixel_scale"]) == ("asinh", 0.5)
    # The sky is 0 with a noise of 0.02; half of the galaxies are bright in g, half in w1.
    black, white = np.array(kept["limits"]).T
    assert black == pytest.approx([-0.02] * 4, abs=0.01)
    assert white[1:3] == pytest.approx([0.05, 0.05], abs=0.02)
    assert (white[[0, 3]] > 0.5).all()
    files = sorted((run.parent / "images").rglob("*.fits"))[:4]
    of_files = model.predict(files)
    # FITS counts rows from the bottom
    arrays = [np.moveaxis(np.asarray(fits.getdata(file)), 0, -1)[::-1] for file in files]
    reading = {"bands": "1,2,3,4"}
    of_arrays = model.predict(arrays, reading=reading)
    np.testing.assert_array_equal(of_files.values, of_arrays.values)
    assert any("bands g, r, z, w1, stretch asinh" in note for note in of_files.notes)


def test_pictures_that_cannot_give_the_bands_are_refused(run: Path, tmp_path: Path) -> None:
    model = galaxyclass.load_model(run, workers=1)
    fits.writeto(tmp_path / "three.fits", flux_of(1)[:3], fits.Header({"BANDS": "grz"}))
    (failure,) = model.predict([tmp_path / "three.fits"]).failures
    assert "no band w1" in failure.error
    with pytest.raises(ArgumentError, match="another stretch"):
        model.predict([tmp_path / "three.fits"], reading={"stretch": "sqrt"})
    with pytest.raises(ArgumentError, match="not the bands that the model takes"):
        model.predict([tmp_path / "three.fits"], reading={"bands": "g,r,z"})
    with pytest.raises(ArgumentError, match="no setting 'hdus'"):
        model.predict([tmp_path / "three.fits"], reading={"hdus": 1})


def test_the_exported_network_has_them_too(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    model = galaxyclass.load_model(run, workers=1)
    model.export(output=tmp_path / "m.onnx")
    exported = galaxyclass.load_model(tmp_path / "m.onnx", workers=1)
    assert "g r z w1 (asinh)" in repr(exported)
    files = sorted((run.parent / "images").rglob("*.fits"))[:2]
    np.testing.assert_allclose(
        exported.predict(files).values, model.predict(files).values, atol=1e-5
    )
