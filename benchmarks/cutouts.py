"""How fast sources of a tile become a network's input, beside `astropy.nddata.Cutout2D`.

    python benchmarks/cutouts.py [--sources 4000] [--rounds 3]

A made-up tile of 4,000 x 4,000 pixels in three bands lies in the page cache. Both cut fields of
Galaxy Zoo's size out of it, shrink them to 81 x 81 pixels and stretch them by SDSS's formula, in
turns; the time of opening tile and catalogue counts. CPU time tells more than the clock where other
programs run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.table import Table
from astropy.wcs import WCS

import galaxyclass
from galaxyclass.images.stretch import Stretch, stretch_pixels

SIDE, SCALE, BANDS = 4000, 0.396, "gri"
#: Of the pretrained model: the middle 205 of 424 pixels, shrunk to 81.
PREPROCESSING = galaxyclass.Preprocessing(cutout="centre", frame=205, beyond="whole", size=81)


def make(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.0, 2.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [SIDE / 2] * 2, [-SCALE / 3600, SCALE / 3600]
    for band in BANDS:
        pixels = rng.normal(0, 0.02, (SIDE, SIDE)).astype(np.float32)
        fits.writeto(folder / f"tile_{band}.fits", pixels, wcs.to_header())
    ra, dec = wcs.all_pix2world(*rng.uniform(60, SIDE - 60, (2, count)), 0)
    ids, radii = np.arange(count), rng.uniform(3, 8, count)
    Table([ids, ra, dec, radii], names=["id", "ra", "dec", "r90"]).write(folder / "catalogue.csv")


def ours(folder: Path, threads: int) -> Callable[[], np.ndarray]:
    def run() -> np.ndarray:
        tiles = {band: str(folder / f"tile_{band}.fits") for band in BANDS}
        sources = galaxyclass.open_tiles(
            tiles, folder / "catalogue.csv", field="8.48 r90", stretch="sdss"
        )
        cut = np.empty((len(sources), 81, 81, 3), np.uint8)

        def draw(first: int) -> None:
            for index in range(first, min(first + 64, len(sources))):
                cut[index] = sources[index].draw([PREPROCESSING])[0]

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(draw, range(0, len(sources), 64)))
        return cut

    return run


def astropys(folder: Path, count: int) -> Callable[[], np.ndarray]:
    def run() -> np.ndarray:
        table = Table.read(folder / "catalogue.csv")[:count]
        planes = [fits.open(folder / f"tile_{band}.fits")[0] for band in BANDS]
        wcs, stretch = WCS(planes[0].header), Stretch("sdss")
        positions = SkyCoord(table["ra"], table["dec"], unit="deg")
        sides = 8.48 * table["r90"] * 205 / 424 / SCALE
        cut = np.empty((len(table), 81, 81, 3), np.uint8)
        for index, (position, side) in enumerate(zip(positions, sides, strict=True)):
            bands = [
                cv2.resize(
                    Cutout2D(plane.data, position, side, wcs, mode="partial").data.astype("f4"),
                    (81, 81),
                    interpolation=cv2.INTER_AREA,
                )
                for plane in planes
            ]
            cut[index] = stretch_pixels(np.stack(bands, axis=-1)[::-1], stretch, tuple(BANDS))
        return cut

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sources", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, chosen.sources)
        ways = {
            "galaxyclass, 1 thread": ours(folder, 1),
            "Cutout2D, 1 thread": astropys(folder, chosen.sources // 8),
            "galaxyclass, 2 threads": ours(folder, 2),
        }
        for number in range(chosen.rounds + 1):
            for title, run in ways.items():
                clock, processor = time.perf_counter(), time.process_time()
                count = len(run())
                clock, processor = time.perf_counter() - clock, time.process_time() - processor
                if not number:  # this round fills the page cache and loads libraries
                    continue
                rates = f"{count / clock:7,.0f}/s  {count / processor:7,.0f} per CPU second"
                print(f"{title:24} {rates}")


if __name__ == "__main__":
    main()
