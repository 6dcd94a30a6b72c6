"""Real tiles: a field of SDSS in three bands, a photographic plate, a field without WCS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import galaxyclass

pytestmark = pytest.mark.galaxies


@pytest.mark.slow
def test_the_galaxies_of_a_field_of_sdss_are_found_whole(galaxies: Path) -> None:
    tiles = {band: str(galaxies / "fits" / f"sdss_{band}.fits.bz2") for band in "gri"}
    cutouts = galaxyclass.open_tiles(tiles, threshold=10)
    assert cutouts.rendering is not None
    assert cutouts.rendering.stretch.name == "sdss"
    assert any("as band r, but its header says FILTER = g" in note for note in cutouts.notes)
    table = cutouts.to_astropy()
    large = table[np.asarray(table["r50"]) > 10]  # arcsec
    # Three galaxies stand out, each once and at its nucleus.
    assert len(large) == 3
    centres = [(279, 187), (164, 132), (79, 96)]
    np.testing.assert_allclose(np.c_[large["x"], large["y"]], centres, atol=3)
    largest = cutouts[int(np.flatnonzero(np.asarray(table["r50"]) > 10)[1])].pixels
    red, _, blue = largest[200:224, 200:224].mean(axis=(0, 1))
    assert red > blue > 50


def test_a_plate_of_whole_numbers_and_a_field_without_wcs(galaxies: Path) -> None:
    plate = galaxyclass.open_tiles(galaxies / "fits" / "wide_field.fits", threshold=5)
    assert plate.bands == ("OG590",)
    assert 100 < len(plate) < 200
    assert all(84 < ra < 87 for ra in plate.to_astropy()["ra"])
    field = galaxyclass.open_tiles(galaxies / "fits" / "sources_no_wcs.fits", field="32 px")
    assert len(field) > 20
    assert field[0].pixels.shape == (424, 424, 1)
