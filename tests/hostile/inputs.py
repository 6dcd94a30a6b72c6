"""What the killed commands read, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from tests.hostile.jobs import PREDICT, TRAIN
from tests.zooniverse.test_import import LOOK, TREE, row, vote, write


def make_inputs(inputs: Path, give: Callable[[Sequence[str]], None]) -> None:
    """Fill the folder that no command changes.

    Parameters
    ----------
    inputs : Path
    give : callable
        Runs a command, which must end well.
    """
    give(["simulate", "--count", "60", "--size", "32", "--output", "{inputs}/sky"])
    images = shutil.copytree(inputs / "sky" / "images", inputs / "images")
    for leave in sorted(images.iterdir())[20:]:
        leave.unlink()
    (images / "broken.jpg").write_bytes(b"not an image")
    give([*TRAIN[:-3], "{inputs}/run", *TRAIN[-2:]])
    give([*TRAIN[:-3], "{inputs}/other run", *TRAIN[-2:], "--seed", "1"])
    give([*PREDICT, "--include", "embedding", "--output", "{inputs}/known.parquet"])
    galaxies = sorted(images.glob("[0-9]*"))
    (inputs / "one").mkdir()
    shutil.copy(galaxies[0], inputs / "one")
    _write_tile(inputs / "tile.fits")
    _write_survey(inputs, galaxies[:8], give)
    (inputs / "small.toml").write_text(TREE)
    votes = [row(f"p{number}", "1", vote("T0", "smooth", LOOK)) for number in range(5)]
    write(inputs / "classifications.csv", votes)


def _write_survey(
    inputs: Path, galaxies: Sequence[Path], give: Callable[[Sequence[str]], None]
) -> None:
    """A survey that is planned, and one that is done: a list of images with positions."""
    paths = [*galaxies, inputs / "images" / "broken.jpg"]
    rows = [f"{number},{path},{10 * number},2\n" for number, path in enumerate(paths)]
    (inputs / "placed.csv").write_text("id,path,ra,dec\n" + "".join(rows))
    plan = ("survey", "plan", "{inputs}/placed.csv", "--model", "{inputs}/run", "--no-measure")
    for name in ("planned", "night"):
        give([*plan, "--shard-size", "4", "--output", f"{{inputs}}/{name}"])
    give(["survey", "run", "{inputs}/night", "--part", "1/1", "--cores", "1"])


def _write_tile(path: Path) -> None:
    """A tile of the sky with six galaxies, and a catalogue of two of them."""
    rows, columns = np.mgrid[:240, :240]
    light = np.random.default_rng(0).normal(0, 1, (240, 240))
    for y in (60, 170):
        for x in (50, 120, 190):
            light += 300 * np.exp(-np.hypot(rows - y, columns - x) / 5)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [150, 2], [120, 120], [-1e-4, 1e-4]
    fits.PrimaryHDU(light.astype(np.float32), wcs.to_header()).writeto(path)
    (ra, dec), (ra_2, dec_2) = wcs.wcs_pix2world([[50, 60], [120, 170]], 0)
    catalogue = f"id,ra,dec\na,{ra},{dec}\nb,{ra_2},{dec_2}\n"
    path.with_name("sources.csv").write_text(catalogue)
