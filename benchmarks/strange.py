"""How many images that show no galaxy, and how many galaxies, are flagged by `strange`.

    python benchmarks/strange.py DATA --output DIR [--count 40] [--seed 0] [--model MODEL]
        [--table CSV]

Images of 45 kinds are drawn, among them galaxies of DATA that are altered, and predicted with
``strangeness`` by the pretrained model or by MODEL; so are the galaxies of DATA unaltered. The
pretrained model was not trained on the challenge's test galaxies, nor on the rings, which are of
DECaLS, while it learnt from SDSS alone. All others were used for its training, or as
in-distribution images for its calibration.

Last come the 2,360 galaxies of ``galaxy-zoo-challenge-more`` that are a fair sample of the
challenge (or those of --table alone: a table of galaxies that the model was neither trained nor
calibrated on). Volunteers found something odd in some of them (``Class6.1`` above 0.9). The area
under the receiver operating characteristic (AUROC) is the chance that such a galaxy has a higher
score than another.

OUTPUT has pictures/, predictions/ and strange.csv. It needs matplotlib and scikit-learn, whose
sample photographs are used.

One file of 700 lines, as it is one table of kinds with a few lines for each.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

import click
import cv2
import matplotlib as mpl
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from sklearn.datasets import load_sample_images
from sklearn.metrics import roc_auc_score

import galaxyclass
from galaxyclass.images.read import read_image
from galaxyclass.io.atomic import writing
from galaxyclass.simulation.camera import compress, observe, stretch
from galaxyclass.simulation.colours import band_ratios
from galaxyclass.simulation.grid import Light, frame
from galaxyclass.simulation.sky import FRAME, STAR_COLOURS, star

#: (SIDE, SIDE, 3) uint8, RGB; a photograph has any height and width.
Picture = NDArray[np.uint8]
Values = NDArray[np.floating]
Random = np.random.Generator
Draw = Callable[[Random], Picture]
Change = Callable[[Picture, Random], Picture]

SIDE = 424  # the challenge's pictures
Y, X = np.mgrid[:SIDE, :SIDE] - SIDE / 2
RADIUS = np.hypot(X, Y)

GALAXIES = Path("galaxy-zoo-challenge/images_test")
PLATE = Path("fits/wide_field.fits")
#: Galaxies with all 37 votes, and which of them were not chosen for what they look like.
VOTED = Path("galaxy-zoo-challenge-more")
#: Volunteers found something odd where this answer has more than this share of their votes.
ODD, ODD_SHARE = "Class6.1", 0.9
#: AnomalyMatch on odd galaxies of the challenge (Gomez et al. 2025, arXiv:2505.03509), which learns
#: from labelled ones in rounds; the score here has seen no label of an odd galaxy.
PUBLISHED_AUROC = 0.83
#: Folders of real galaxies, and how many of each are predicted (all: None).
REAL: dict[Path, int | None] = {
    GALAXIES: None,
    Path("galaxy-zoo-2/images"): None,
    Path("galaxy-zoo-2-counts/images"): 400,
    Path("rings/images"): None,
}


def picture(values: ArrayLike) -> Picture:
    """(height, width) grey or (height, width, 3) RGB of any type, as one of uint8."""
    shown = np.clip(values, 0, 255).astype(np.uint8)
    return np.repeat(shown[..., None], 3, axis=2) if shown.ndim == 2 else shown


def on_sky(values: Values, rng: Random) -> Picture:
    """What is drawn on black, on a dark noisy sky."""
    return picture(values + rng.normal(10, 3, values.shape))


def ground(value: int) -> Picture:
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def grey(shown: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY), np.uint8)


def resized(shown: Picture, side: int = SIDE) -> Picture:
    return np.asarray(cv2.resize(shown, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def blurred(values: NDArray[np.generic], sigma: float) -> Values:
    return np.asarray(cv2.GaussianBlur(values.astype(np.float32), (0, 0), sigma), np.float32)


def glow(sigma: float) -> Values:
    """(SIDE, SIDE, 1), a Gaussian of height 1."""
    return np.asarray(np.exp(-0.5 * (RADIUS / sigma) ** 2)[..., None])


def colour(rng: Random, low: float, high: float) -> list[float]:
    return [float(value) for value in rng.uniform(low, high, 3)]


def point(rng: Random) -> list[int]:
    return [int(value) for value in rng.integers(0, SIDE, 2)]


# Nothing, noise and patterns


def blank(rng: Random) -> Picture:
    shades = ([0], [255], rng.integers(1, 30, 1), rng.integers(30, 255, 1), rng.integers(0, 256, 3))
    return picture(np.zeros((SIDE, SIDE, 3)) + shades[rng.integers(5)])


def white_noise(rng: Random) -> Picture:
    return picture(rng.normal(rng.uniform(0, 128), rng.uniform(2, 80), (SIDE, SIDE, 3)))


def sky_noise(rng: Random) -> Picture:
    """A sky without anything: dark, grey and smooth."""
    noise = blurred(rng.normal(size=(SIDE, SIDE)), rng.uniform(0.8, 3))
    return picture(rng.uniform(5, 20) + noise / noise.std() * rng.uniform(2, 8))


def clouds(rng: Random) -> Values:
    """(SIDE, SIDE, 3) noise whose amplitude falls as a power of the frequency."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    frequency[0, 0] = 1 / SIDE
    channels = []
    for _ in range(3):
        spectrum = np.fft.fft2(rng.normal(size=(SIDE, SIDE)))
        noise = np.fft.ifft2(spectrum / frequency ** rng.uniform(0.5, 2)).real
        channels.append(rng.uniform(30, 128) + noise / noise.std() * rng.uniform(10, 60))
    return np.stack(channels, axis=2)


def coloured_noise(rng: Random) -> Picture:
    return picture(clouds(rng))


def salt(rng: Random) -> Picture:
    return picture(255 * (rng.random((SIDE, SIDE)) < rng.uniform(0.01, 0.3)))


def gradient(rng: Random) -> Picture:
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * X + np.sin(angle) * Y
    along = (along - along.min()) / np.ptp(along)
    start, end = rng.uniform(0, 255, (2, 3))
    return picture(start + (end - start) * along[..., None])


def checker(rng: Random) -> Picture:
    squares = np.arange(SIDE) // rng.integers(2, 60)
    return picture(255 * ((squares + squares[:, None]) % 2))


def stripes(rng: Random) -> Picture:
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * X + np.sin(angle) * Y
    return picture(128 + 127 * np.sin(along / rng.uniform(2, 40)))


# Drawings


def diagram(rng: Random) -> Picture:
    back, fore = (0, 255) if rng.random() < 0.3 else (255, 0)
    drawn = ground(back)
    for _ in range(rng.integers(3, 12)):
        ink = colour(rng, 0, 256) if rng.random() < 0.5 else [float(fore)] * 3
        start, end, width = point(rng), point(rng), int(rng.integers(1, 5))
        shape = rng.choice(["line", "rectangle", "circle", "word"])
        if shape == "line":
            cv2.line(drawn, start, end, ink, width)
        elif shape == "rectangle":
            cv2.rectangle(drawn, start, end, ink, width)
        elif shape == "circle":
            cv2.circle(drawn, start, int(rng.integers(5, 120)), ink, width)
        else:
            word, size = "".join(rng.choice(list(ascii_uppercase), 6)), rng.uniform(0.5, 3)
            cv2.putText(drawn, word, start, cv2.FONT_HERSHEY_SIMPLEX, size, ink, width)
    return drawn


def text(rng: Random) -> Picture:
    back, fore = (0, 255) if rng.random() < 0.3 else (255, 0)
    drawn, size = ground(back), rng.uniform(0.4, 1.2)
    for row in range(20, SIDE, int(28 * size) + 6):
        letters = np.where(rng.random(60) < 0.85, rng.choice(list(ascii_lowercase), 60), " ")
        line = "".join(letters)
        cv2.putText(drawn, line, (5, row), cv2.FONT_HERSHEY_SIMPLEX, size, [float(fore)] * 3, 1)
    return drawn


def plot(rng: Random) -> Picture:
    drawn, low, high = ground(255), 50, SIDE - 20
    corner = (low, SIDE - 50)
    cv2.line(drawn, corner, (high, SIDE - 50), [0.0] * 3, 2)
    cv2.line(drawn, corner, (low, 20), [0.0] * 3, 2)
    for _ in range(rng.integers(1, 4)):
        rows = SIDE - 50 - np.abs(np.cumsum(rng.normal(0, 12, 100)))
        curve = np.stack([np.linspace(low, high, 100), np.maximum(rows, 20)], axis=1)
        cv2.polylines(drawn, [curve.astype(np.int32)], False, colour(rng, 0, 200), 2)
    return drawn


def drawn_cat(rng: Random) -> Picture:
    """A cat's head on a plain ground, dark or bright."""
    dark = rng.random() < 0.4
    drawn = ground(int(rng.integers(0, 40) if dark else rng.integers(120, 256)))
    fur, whiskers = colour(rng, 60, 230), [240.0 if dark else 20.0] * 3
    middle, size = rng.normal(SIDE / 2, 20, 2), rng.uniform(60, 130)

    def place(x: float, y: float) -> list[int]:
        """The pixel at so many radii of the head from its middle."""
        return [int(value) for value in middle + size * np.array([x, y])]

    cv2.circle(drawn, place(0, 0), int(size), fur, -1)
    for side in (-1, 1):
        ear = [place(side, -0.2), place(0.9 * side, -1.4), place(0.2 * side, -0.9)]
        cv2.fillPoly(drawn, [np.array(ear, np.int32)], fur)
        eye, axes = place(0.4 * side, -0.2), (int(0.18 * size), int(0.12 * size))
        cv2.ellipse(drawn, eye, axes, 0, 0, 360, [200.0, 230.0, 60.0], -1)
        cv2.circle(drawn, eye, int(0.08 * size), [0.0] * 3, -1)
        for slope in (-0.2, 0, 0.2):
            start, end = place(0.2 * side, 0.3), place(1.2 * side, 0.3 + slope)
            cv2.line(drawn, start, end, whiskers, 2)
    cv2.circle(drawn, place(0, 0.25), int(0.1 * size), [200.0, 100.0, 120.0], -1)
    return picture(drawn + rng.normal(0, 5, drawn.shape))


# Shapes that stand in the middle of a dark sky, as a galaxy does


def disc(rng: Random) -> Picture:
    drawn = ground(0)
    middle, radius = (SIDE // 2, SIDE // 2), int(rng.uniform(20, 90))
    cv2.circle(drawn, middle, radius, colour(rng, 60, 255), -1, cv2.LINE_AA)
    return on_sky(blurred(drawn, rng.uniform(0.5, 3)), rng)


def ring(rng: Random) -> Picture:
    drawn = ground(0)
    middle, radius, width = (SIDE // 2, SIDE // 2), int(rng.uniform(30, 90)), rng.integers(2, 20)
    cv2.circle(drawn, middle, radius, colour(rng, 80, 255), int(width), cv2.LINE_AA)
    return on_sky(blurred(drawn, rng.uniform(0.5, 5)), rng)


def letter(rng: Random) -> Picture:
    drawn, font = ground(0), cv2.FONT_HERSHEY_DUPLEX
    name, size = str(rng.choice(list(ascii_uppercase))), rng.uniform(2, 6)
    (width, height), _ = cv2.getTextSize(name, font, size, 8)
    start = ((SIDE - width) // 2, (SIDE + height) // 2)
    cv2.putText(drawn, name, start, font, size, colour(rng, 80, 255), 8, cv2.LINE_AA)
    return on_sky(blurred(drawn, rng.uniform(0.5, 8)), rng)


def drawn_spiral(rng: Random) -> Picture:
    """One arm, logarithmic."""
    drawn, angle = ground(0), np.linspace(0, rng.uniform(6, 20), 400)
    radius = np.exp(0.15 * angle) * rng.uniform(3, 8)
    arm = SIDE / 2 + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ink, width = colour(rng, 100, 255), int(rng.integers(2, 8))
    cv2.polylines(drawn, [arm.astype(np.int32)], False, ink, width, cv2.LINE_AA)
    return on_sky(blurred(drawn, rng.uniform(0.5, 4)), rng)


def gauss_blob(rng: Random) -> Picture:
    blob = glow(rng.uniform(10, 60)) * rng.uniform(100, 255)
    return on_sky(blob * rng.uniform(0.2, 1, 3), rng)


def planet(rng: Random) -> Picture:
    """A ball with bands, lit from one side."""
    size = rng.uniform(40, 120)
    height = np.sqrt(np.maximum(1 - (RADIUS / size) ** 2, 0))
    light = rng.normal(size=3)
    light /= np.linalg.norm(light)
    lit = np.maximum((light[0] * X + light[1] * Y) / size + abs(light[2]) * height, 0)
    bands = 1 + 0.2 * np.sin(Y / size * rng.uniform(4, 20))
    return on_sky((lit * bands * (height > 0))[..., None] * rng.uniform(120, 255, 3), rng)


def cells(rng: Random) -> Picture:
    drawn = ground(0)
    for _ in range(rng.integers(5, 25)):
        axes, angle = [int(value) for value in rng.uniform(10, 40, 2)], rng.uniform(0, 180)
        cv2.ellipse(drawn, point(rng), axes, angle, 0, 360, colour(rng, 60, 200), -1)
    return on_sky(blurred(drawn, rng.uniform(1, 6)), rng)


def nebula(rng: Random) -> Picture:
    return on_sky(picture(clouds(rng)) * glow(rng.uniform(60, 150)), rng)


# Stars


def shot(light: Light, seeing: float, pixel: float, rng: Random) -> Picture:
    """Nanomaggies per square arcsec as the survey would show them, ``pixel`` in arcsec."""
    return picture(np.rint(compress(stretch(observe(light, seeing, pixel, rng)))))


def stars(rng: Random, count: int, brightest: float, faintest: float) -> Picture:
    pixel = FRAME * 10 / SIDE
    light = np.zeros((SIDE, SIDE, 3), np.float32)
    rows, columns = rng.integers(2, SIDE - 2, (2, count))
    flux = 10 ** (0.4 * (22.5 - rng.uniform(brightest, faintest, count)))
    bands = np.array([band_ratios(*colours) for colours in STAR_COLOURS])
    shown = flux[:, None] * bands[rng.integers(len(bands), size=count)] / pixel**2
    np.add.at(light, (rows, columns), shown.astype(np.float32))
    return shot(light, rng.uniform(1, 1.6), pixel, rng)


def saturated_star(rng: Random) -> Picture:
    radius = rng.uniform(4, 14)
    light = star(frame(SIDE, FRAME), radius, rng) * np.float32(rng.uniform(3, 20))
    return shot(light, 1.3, FRAME * radius / SIDE, rng)


def star_with_bleed(rng: Random) -> Picture:
    """A star with spikes, and often a column of spilt charge."""
    angle = np.radians(rng.uniform(0, 90))
    along, across = np.cos(angle) * X + np.sin(angle) * Y, np.cos(angle) * Y - np.sin(angle) * X
    light = 255 * 3 / (1 + (RADIUS / rng.uniform(15, 40)) ** 2) ** 1.5
    for u, v in ((along, across), (across, along)):
        thin = np.exp(-np.abs(v) / rng.uniform(2, 5))
        light += 255 * thin / (1 + np.abs(u) / rng.uniform(40, 120)) ** 2
    if rng.random() < 0.6:
        light += 400 * ((np.abs(X) < rng.uniform(2, 6)) & (np.abs(Y) < rng.uniform(60, 200)))
    light += rng.normal(12, 4, light.shape)
    return picture(light[..., None] * rng.uniform(0.8, 1.1, 3))


DRAWN: dict[str, Draw] = {
    "blank": blank,
    "white_noise": white_noise,
    "sky_noise": sky_noise,
    "coloured_noise": coloured_noise,
    "salt": salt,
    "gradient": gradient,
    "checker": checker,
    "stripes": stripes,
    "diagram": diagram,
    "text": text,
    "plot": plot,
    "drawn_cat": drawn_cat,
    "disc": disc,
    "ring": ring,
    "letter": letter,
    "drawn_spiral": drawn_spiral,
    "gauss_blob": gauss_blob,
    "planet": planet,
    "cells": cells,
    "nebula": nebula,
    "star_field": lambda rng: stars(rng, int(rng.integers(40, 120)), 15, 21),
    "crowded_stars": lambda rng: stars(rng, int(rng.integers(300, 1500)), 15, 22),
    "empty_sky": lambda rng: stars(rng, int(rng.integers(0, 4)), 19, 22),
    "saturated_star": saturated_star,
    "star_with_bleed": star_with_bleed,
}


# Photographs


def window(values: NDArray[np.generic], side: int, rng: Random) -> tuple[slice, slice]:
    """Rows and columns of a square, anywhere in them."""
    row, column = (int(rng.integers(0, length - side + 1)) for length in values.shape[:2])
    return slice(row, row + side), slice(column, column + side)


def photo(photograph: Picture, rng: Random) -> Picture:
    """Most of a photograph's middle, or its mirror image."""
    side = min(photograph.shape[:2])
    row, column = ((length - side) // 2 for length in photograph.shape[:2])
    middle = photograph[row : row + side, column : column + side]
    part = resized(middle[window(middle, int(side * rng.uniform(0.7, 1)), rng)])
    return part[:, ::-1] if rng.random() < 0.5 else part


def photo_crop(photograph: Picture, rng: Random) -> Picture:
    return resized(photograph[window(photograph, int(rng.integers(60, 220)), rng)])


def dark_photo(photograph: Picture, rng: Random) -> Picture:
    return picture(photo(photograph, rng) * rng.uniform(0.1, 0.35))


def vignetted_photo(photograph: Picture, rng: Random) -> Picture:
    return on_sky(photo(photograph, rng) * glow(rng.uniform(40, 110)), rng)


def blurred_vignette(photograph: Picture, rng: Random) -> Picture:
    soft = blurred(photo(photograph, rng), rng.uniform(3, 15))
    return on_sky(soft * glow(rng.uniform(40, 110)), rng)


OF_PHOTOGRAPHS: dict[str, Change] = {
    "photo": photo,
    "photo_crop": photo_crop,
    "dark_photo": dark_photo,
    "grey_photo": lambda photograph, rng: picture(grey(photo(photograph, rng))),
    "vignetted_photo": vignetted_photo,
    "blurred_vignette": blurred_vignette,
}


# Galaxies that something was done to


def shuffled_galaxy(galaxy: Picture, rng: Random) -> Picture:
    """Its 8 x 8 tiles in another order."""
    side = SIDE // 8
    tiles = galaxy.reshape(8, side, 8, side, 3).swapaxes(1, 2).reshape(64, side, side, 3)
    tiles = tiles[rng.permutation(64)].reshape(8, 8, side, side, 3)
    return tiles.swapaxes(1, 2).reshape(SIDE, SIDE, 3)


def half_lost(galaxy: Picture, rng: Random) -> Picture:
    """As a file that breaks off: below some row all is black, grey or white."""
    lost = galaxy.copy()
    lost[int(SIDE * rng.uniform(0.35, 0.6)) :] = rng.choice([0, 128, 255])
    return lost


def zoomed_in(galaxy: Picture, rng: Random) -> Picture:
    side = int(SIDE / rng.uniform(5, 10))
    start = (SIDE - side) // 2
    return resized(galaxy[start : start + side, start : start + side])


def tiny(galaxy: Picture, rng: Random) -> Picture:
    side = int(SIDE / rng.uniform(5, 8))
    start = (SIDE - side) // 2
    shown = picture(np.zeros(galaxy.shape) + np.median(galaxy, axis=(0, 1)))
    shown[start : start + side, start : start + side] = resized(galaxy, side)
    return shown


def colour_map(galaxy: Picture, rng: Random) -> Picture:
    maps = (cv2.COLORMAP_VIRIDIS, cv2.COLORMAP_JET, cv2.COLORMAP_INFERNO, cv2.COLORMAP_HOT)
    return picture(cv2.applyColorMap(grey(galaxy), maps[rng.integers(len(maps))]))[..., ::-1]


def noisy_galaxy(galaxy: Picture, rng: Random) -> Picture:
    return picture(galaxy + rng.normal(0, rng.uniform(20, 60), galaxy.shape))


def scratched(galaxy: Picture, rng: Random) -> Picture:
    """White lines across it."""
    drawn = galaxy.copy()
    for _ in range(rng.integers(1, 4)):
        cv2.line(drawn, point(rng), point(rng), [255.0] * 3, int(rng.integers(2, 8)))
    return drawn


OF_GALAXIES: dict[str, Change] = {
    "inverted_galaxy": lambda galaxy, _: 255 - galaxy,
    "negative": lambda galaxy, _: picture(255 - grey(galaxy)),
    "grey_galaxy": lambda galaxy, _: picture(grey(galaxy)),
    "swapped_colours": lambda galaxy, _: galaxy[..., [1, 2, 0]],
    "colour_map": colour_map,
    "shuffled_galaxy": shuffled_galaxy,
    "half_lost": half_lost,
    # Its middle comes to lie in the corners.
    "off_centre": lambda galaxy, _: np.roll(galaxy, (SIDE // 2, SIDE // 2), axis=(0, 1)),
    "zoomed_in": zoomed_in,
    "tiny": tiny,
    "noisy_galaxy": noisy_galaxy,
    "blurred_galaxy": lambda galaxy, rng: picture(blurred(galaxy, rng.uniform(8, 25))),
    "scratched": scratched,
}


# A photographic plate


def read_plate(path: Path) -> Values:
    """The first image of a FITS file of 16-bit integers; its scale and zero are left out."""
    data = path.read_bytes()
    end = next(at for at in range(0, len(data), 80) if data[at : at + 8] == b"END     ")
    cards = [data[at : at + 80].decode("ascii") for at in range(0, end, 80)]
    header = {card[:8].strip(): card[10:].split("/")[0].strip() for card in cards}
    if header["BITPIX"] != "16":
        raise click.ClickException(f"{path}: wanted 16-bit integers, got {header['BITPIX']} bits")
    shape = int(header["NAXIS2"]), int(header["NAXIS1"])
    start = -(-(end + 80) // 2880) * 2880
    pixels = np.frombuffer(data, ">i2", shape[0] * shape[1], start)
    return pixels.reshape(shape).astype(np.float32)


def wide_field(plate: Values, rng: Random) -> Picture:
    """Part of the plate, stretched."""
    part = plate[window(plate, int(rng.integers(150, SIDE)), rng)]
    low, high = np.percentile(part, [5, 99.7])
    return resized(picture(255 * np.sqrt(np.clip((part - low) / (high - low), 0, 1))))


# All of them


def kinds(data: Path) -> dict[str, Draw]:
    """What draws a picture of each kind."""
    galaxies = sorted((data / GALAXIES).glob("*.jpg"))
    samples = Path(mpl.get_data_path()) / "sample_data"
    photographs = [*load_sample_images().images, read_image(samples / "grace_hopper.jpg")]
    plate = read_plate(data / PLATE)

    def of_galaxies(change: Change) -> Draw:
        return lambda rng: change(read_image(galaxies[rng.integers(len(galaxies))]), rng)

    def of_photographs(change: Change) -> Draw:
        return lambda rng: change(photographs[rng.integers(len(photographs))], rng)

    return {
        **DRAWN,
        "wide_field": lambda rng: wide_field(plate, rng),
        **{name: of_photographs(change) for name, change in OF_PHOTOGRAPHS.items()},
        **{name: of_galaxies(change) for name, change in OF_GALAXIES.items()},
    }


def draw(drawers: Mapping[str, Draw], folder: Path, *, count: int, seed: int) -> None:
    """Write ``<folder>/<kind>/<kind>-<number>.png``, each kind by a random stream of its own."""
    for kind, drawer in drawers.items():
        rng = np.random.default_rng((seed, zlib.crc32(kind.encode())))
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(np.ascontiguousarray(drawer(rng))).save(
                folder / kind / f"{kind}-{number:04}.png"
            )


# The measurement


class Predicted(NamedTuple):
    """Predictions for some images: ids, scores and flags, one of each for an image."""

    ids: list[str]
    scores: Values
    flags: NDArray[np.bool_]

    def part(self, where: NDArray[np.bool_]) -> Predicted:
        ids = [name for name, wanted in zip(self.ids, where, strict=True) if wanted]
        return Predicted(ids, self.scores[where], self.flags[where])


class Row(NamedTuple):
    """A row of the table: how many images, the share that is flagged, the median score."""

    kind: str
    pictures: int
    flagged: float
    median: float


def predict(model: Path | None, images: Path | Sequence[Path], output: Path) -> Predicted:
    galaxyclass.predict(model, images, output=output, include=["strangeness"])
    table = pq.read_table(output)
    return Predicted(
        [str(name) for name in table.column(0).to_pylist()],
        table["strangeness"].to_numpy(),
        table["strange"].to_numpy(),
    )


def row(kind: str, predicted: Predicted) -> Row:
    return Row(
        kind, len(predicted.ids), float(predicted.flags.mean()), float(np.median(predicted.scores))
    )


def measure(
    model: Path | None, data: Path, output: Path, *, count: int, seed: int
) -> Iterator[Row]:
    """The kinds by name, their mean, the real galaxies."""
    drawers = kinds(data)
    draw(drawers, output / "pictures", count=count, seed=seed)
    predicted = predict(
        model, output / "pictures", output=output / "predictions" / "pictures.parquet"
    )
    of = np.array([Path(name).stem.rpartition("-")[0] for name in predicted.ids])
    rows = [row(kind, predicted.part(of == kind)) for kind in sorted(drawers)]
    yield from rows
    mean = float(np.mean([measured.flagged for measured in rows]))
    yield Row(
        f"mean of {len(rows)} kinds", len(predicted.ids), mean, float(np.median(predicted.scores))
    )
    for folder, most in REAL.items():
        images = sorted(path for path in (data / folder).iterdir() if path.is_file())
        if most is not None and most < len(images):
            chosen = np.random.default_rng(seed).choice(len(images), most, replace=False)
            images = [images[index] for index in sorted(chosen)]
        name = folder.parts[0]
        yield row(
            str(folder), predict(model, images, output=output / "predictions" / f"{name}.parquet")
        )


class Odd(NamedTuple):
    """How the scores tell odd galaxies from others."""

    odd: int
    others: int
    auroc: float


def odd_galaxies(
    model: Path | None, data: Path, table: Path | None, output: Path
) -> tuple[Row, Odd]:
    """Unselected galaxies with votes: how many are flagged, and the AUROC of the odd among them."""
    with (data / VOTED / "selection.csv").open(newline="") as file:
        ids = {row["GalaxyID"] for row in csv.DictReader(file) if row["unselected"] == "1"}
    with (table or data / VOTED / "votes.csv").open(newline="") as file:
        shares = {row["GalaxyID"]: float(row[ODD]) for row in csv.DictReader(file) if row.get(ODD)}
    ids &= shares.keys()
    images = [data / VOTED / "images" / f"{name}.jpg" for name in sorted(ids)]
    predicted = predict(model, images, output=output / "predictions" / "unselected.parquet")
    odd = np.array([shares[name] > ODD_SHARE for name in predicted.ids])
    # A network that gives no finite features is as strange as can be.
    auroc = float(roc_auc_score(odd, np.nan_to_num(predicted.scores, posinf=1e9)))
    return row(f"{VOTED}, unselected", predicted), Odd(int(odd.sum()), int((~odd).sum()), auroc)


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--count", type=click.IntRange(1), default=40, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--model", type=click.Path(path_type=Path, exists=True), help="Not the pretrained model."
)
@click.option(
    "--table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Of the unselected galaxies only those of this table, with its votes.",
)
def command(
    *, data: Path, output: Path, count: int, seed: int, model: Path | None, table: Path | None
) -> None:
    """Draw --count images of each kind, and count how many are flagged."""
    if output.is_dir() and any(output.iterdir()):
        raise click.ClickException(
            f"{output}: not empty; wanted a new or an empty folder: name another, or empty this one"
        )
    missing = [str(data / name) for name in (*REAL, PLATE, VOTED) if not (data / name).exists()]
    if missing:
        raise click.ClickException(f"{data}: not the folder of data: it lacks {', '.join(missing)}")
    with writing(output / "strange.csv") as path, path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        click.echo(f"{'kind':<34} {'pictures':>8} {'flagged':>8} {'median':>8}")

        def show(measured: Row) -> None:
            kind, images, flagged, median = measured
            writer.writerow([kind, images, f"{flagged:.4f}", f"{median:.3f}"])
            click.echo(f"{kind:<34} {images:>8} {flagged:>8.1%} {median:>8.2f}")

        for measured in measure(model, data, output, count=count, seed=seed):
            show(measured)
        unselected, odd = odd_galaxies(model, data, table, output)
        show(unselected)
    click.echo(
        f"{odd.odd} odd galaxies ({ODD} above {ODD_SHARE}) among {odd.others:,} others: AUROC of "
        f"the score {odd.auroc:.3f} (published: {PUBLISHED_AUROC})"
    )


if __name__ == "__main__":
    command()
