"""Sources of tiles straight into a model, without files between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, ImageError, PredictionInterruptedError
from galaxyclass.images.fast_cutout import cut_out_array
from galaxyclass.model.provenance import provenance_of
from galaxyclass.recipes.preprocessing import Preprocessing
from tests.support import fake
from tests.support.tiles import add_source, make_wcs, positions, save_bands, save_tile, sky

COUNT = 60


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("galaxyclass.model.model.open_backend", lambda *_: fake.TreeBackend())
    return fake.save_run(tmp_path / "run")


@pytest.fixture
def survey(tmp_path: Path) -> tuple[list[str], Path]:
    """A tile in three bands with a gap, and a catalogue."""
    rng = np.random.default_rng(5)
    x, y = rng.uniform(20, 220, COUNT), rng.uniform(20, 180, COUNT)
    x[0], y[0] = 10, 10
    planes: dict[str, Any] = {}
    for band, strength in (("g", 0.2), ("r", 0.4), ("i", 0.6)):
        planes[band] = sky(seed=len(planes))
        for column, row, peak in zip(x, y, rng.uniform(0.1, 1, COUNT), strict=True):
            add_source(planes[band], column, row, peak=strength * peak)
        planes[band][:15, :15] = np.nan
    tiles = save_bands(tmp_path / "tiles", "t", planes)
    catalogue = {**positions(make_wcs(), x, y), "mag": rng.uniform(15, 20, COUNT)}
    catalogue["id"] = 587722981736579000 + np.arange(COUNT)
    path = tmp_path / "catalogue.csv"
    Table(catalogue).write(path)
    return tiles, path


def test_in_memory_and_to_a_file_are_the_same_and_positions_come_along(
    run: Path, survey: Any, tmp_path: Path
) -> None:
    model = galaxyclass.load_model(run, batch_size=16)
    cutouts = galaxyclass.open_tiles(*survey, field="20 px", size=32)
    predictions = model.predict(cutouts)
    assert len(predictions) == COUNT - 1
    assert predictions.failures[0].id == "587722981736579000"
    assert "in a gap of the tile" in predictions.failures[0].error
    made = provenance_of(predictions.table.schema)["tiles"]
    assert made == {
        "field": "20 pixels", "bands": ["g", "r", "i"], "stretch": "sdss", "limits": None,
        "size": 32,
    }  # fmt: skip
    names = predictions.table.column_names
    assert names[0] == "id"
    assert names[-8:] == ["ra", "dec", "mag", "tile", "x", "y", "missing", "flags"]
    summary = model.predict_to_file(cutouts, output=tmp_path / "p.parquet")
    assert (summary.predicted, summary.failed) == (COUNT - 1, 1)
    assert pq.read_table(tmp_path / "p.parquet").equals(predictions.table)
    fits = model.predict_to_file(cutouts, output=tmp_path / "p.fits").output
    assert '"field": "20 pixels"' in Table.read(fits).meta["TILES"]
    assert "lupton" not in " ".join(predictions.notes)
    given = Table.read(survey[1])
    table = predictions.to_astropy()
    assert table["id"].tolist() == given["id"].tolist()[1:]
    assert table["ra"].tolist() == given["ra"].tolist()[1:]
    assert predictions[3].plot is not None
    with pytest.raises(ArgumentError, match="`ids`"):
        model.predict(cutouts, ids=["a"])


@pytest.mark.parametrize("cutout", ["centre", "object", "contour"])
@pytest.mark.parametrize("frame", [None, 205])
def test_a_model_sees_what_it_sees_of_the_picture(
    survey: Any, cutout: Any, frame: int | None
) -> None:
    """Straight from the tile it differs little from the middle of the picture."""
    cutouts = galaxyclass.open_tiles(*survey, field="60 px")
    for colour in ("rgb", "grey"):
        settings = Preprocessing(cutout=cutout, frame=frame, beyond="whole", size=48, colour=colour)
        for index in (5, 30):
            straight = cutouts[index].draw([settings])[0]
            through = cut_out_array(cutouts[index].pixels, [settings])[0]
            assert straight.shape == through.shape == settings.shape
            difference = abs(straight.astype(int) - through.astype(int))
            assert difference.mean() < 6  # noise that is shrunk before it is stretched


def test_a_model_of_bands_sees_its_own_bands_and_stretch(survey: Any) -> None:
    cutouts = galaxyclass.open_tiles(*survey, field="20 px", size=32)
    limits = (0.0, 1.0)
    several = Preprocessing(
        colour="bands", bands=("i", "g"), stretch="linear", limits=limits, size=32
    )
    alone = Preprocessing(colour="grey", bands=("r",), stretch="linear", limits=limits, size=32)
    both, grey = cutouts[5].draw([several, alone])
    assert (both.shape, grey.shape) == ((32, 32, 2), (32, 32, 1))
    assert both.max() > 20
    turned, red = cutouts[5].draw(
        [several.model_copy(update={"bands": bands}) for bands in (("g", "i"), ("r", "i"))]
    )
    np.testing.assert_array_equal(turned, both[..., ::-1])
    np.testing.assert_array_equal(red[..., :1], grey)
    three: dict[str, Any] = {
        "bands": ("g", "r", "i"),
        "stretch": "linear",
        "limits": limits,
        "size": 32,
    }
    in_colour, in_bands = cutouts[5].draw(
        [Preprocessing(colour=colour, **three) for colour in ("rgb", "bands")]
    )
    np.testing.assert_array_equal(in_colour, in_bands[..., ::-1])
    with pytest.raises(ImageError, match="z"):
        cutouts[5].draw([Preprocessing(colour="grey", bands=("z",))])


@pytest.mark.usefixtures("small_parts")
def test_a_stopped_prediction_goes_on(run: Path, survey: Any, tmp_path: Path) -> None:
    model = galaxyclass.load_model(run, batch_size=8, workers=1)
    options: dict[str, Any] = {"field": "20 px", "size": 32}
    model.predict_to_file(galaxyclass.open_tiles(*survey, **options), output=tmp_path / "whole.csv")

    def stop(stage: str, done: int, *_: Any, **__: Any) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(PredictionInterruptedError, match="of 60 images are done and kept"):
        model.predict_to_file(
            galaxyclass.open_tiles(*survey, **options),
            output=tmp_path / "p.csv",
            progress=stop,
        )
    summary = model.predict_to_file(
        galaxyclass.open_tiles(*survey, **options), output=tmp_path / "p.csv"
    )
    assert summary.resumed >= 16
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_another_field_is_another_job(run: Path, survey: Any, tmp_path: Path) -> None:
    one, other = (galaxyclass.open_tiles(*survey, field=f"{side} px", size=32) for side in (20, 21))
    assert one.identity != other.identity
    assert one.identity == galaxyclass.open_tiles(*survey, field="20 px", size=32).identity


def test_typed(run: Path, survey: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiles, catalogue = survey
    sources = ["--tiles", *tiles, "--catalogue", catalogue, "--field", "20 px", "--size", 32]

    def type_(*arguments: Any) -> tuple[int, str, str]:
        status = main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    status, out, _ = type_("predict", run, *sources, "--output", tmp_path / "p.csv")
    assert status == 0
    assert f"{COUNT - 1} galaxies in {tmp_path / 'p.csv'}" in out
    assert f"1 source could not be cut out: see {tmp_path / 'p_failed.csv'}" in out
    assert "Stretch sdss (SDSS): i, r, g as red, green, blue." in out
    status, out, _ = type_("cutouts", *sources, "--output", tmp_path / "cut")
    assert status == 0
    assert f"{COUNT - 1} cutouts in {tmp_path / 'cut'}" in out
    assert "1 could not be cut" in out
    assert cv2.imread(str(tmp_path / "cut/t/587722981736579007.jpg")).shape == (32, 32, 3)
    status, _, error = type_("predict", run, "--output", tmp_path / "q.csv")
    assert (status, "'--images' (image files) or '--tiles'" in error) == (2, True)
    status, _, error = type_("predict", run, *sources, "--images", "a.jpg", "--output", "q.csv")
    assert (status, "either --images or --tiles" in error) == (2, True)
    status, _, error = type_(
        "predict", run, "--images", "a", "--field", "9 px", "--output", "q.csv"
    )
    assert (status, "--field: only with --tiles" in error) == (2, True)
    status, _, error = type_("predict", run, *sources[:-4], "--output", tmp_path / "q.csv")
    assert status == 1
    assert "how much of the sky a cutout shows is not stated" in error
    assert "--field" in error
    alone = save_tile(tmp_path / "alone.fits", sky())
    status, _, error = type_("cutouts", "--tiles", alone, "--output", tmp_path / "found")
    assert (status, "lower --threshold" in error) == (1, True)
