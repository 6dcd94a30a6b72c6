"""Comparison of an exported network with torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from galaxyclass.errors import ExportError, ImageError
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.images.files import find_images
from galaxyclass.model.bundle.onnx_file import INPUT, open_session, output_names
from galaxyclass.networks.network import EnsembleNetwork, Network
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.rendering import render

#: The largest difference that is accepted: of a fraction or a probability; of the embedding, in
#: units of its largest number.
TOLERANCE = 1e-4

#: Images that are compared: so many simulated galaxies, or at most so many real ones.
SIMULATED = 13
REAL = 200
#: Images at a time; the last batch is smaller, which tests that any number works.
_BATCH = 16


@dataclass(frozen=True)
class ExportCheck:
    """The result of comparing an exported network with torch.

    Attributes
    ----------
    images : int
        How many were compared.
    difference : float
        The largest absolute difference of a fraction or probability.
    """

    images: int
    difference: float


def comparison_cutouts(
    preprocessing: Preprocessing, images: str | Path | Sequence[str | Path] | None = None
) -> NDArray[np.uint8]:
    """Cutouts to compare networks on.

    Parameters
    ----------
    preprocessing : Preprocessing
    images : str, Path or a sequence of them, optional
        A folder or files, of which 200 at most are taken, evenly spread; without it, simulated
        galaxies, with a black, a white and a noisy image.

    Returns
    -------
    (images, height, width, channels) uint8

    Raises
    ------
    CatalogError
        No images there.
    ExportError
        None of them can be decoded.

    Examples
    --------
    >>> comparison_cutouts(Preprocessing(size=16)).shape
    (16, 16, 16, 3)
    """
    if images is None:
        return _simulated(preprocessing)
    paths = find_images(images)
    indices = np.unique(np.linspace(0, len(paths) - 1, min(REAL, len(paths))).round().astype(int))
    cutouts = []
    problem = ""
    for index in indices:
        try:
            cutouts.append(read_cutout(paths[index], preprocessing))
        except ImageError as error:
            problem = str(error)
    if not cutouts:
        raise ExportError(
            "no images to compare the exported network with torch on",
            wanted="images of galaxies",
            got=problem,
            hint="name others, or leave `images` out: simulated galaxies are taken then",
        )
    return np.stack(cutouts)


def _simulated(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    side = max(preprocessing.frame or 0, preprocessing.size)
    drawn = [render(draw_morphology(rng), side) for _ in range(SIMULATED)]
    noise = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    drawn += [np.zeros_like(noise), np.full_like(noise, 255), noise]
    if preprocessing.colour == "bands":
        order = np.arange(preprocessing.channels) % 3
        drawn = [image[..., order] for image in drawn]
    return np.stack([make_cutout(image, preprocessing) for image in drawn])


def compare_outputs(
    network: Network | EnsembleNetwork,
    path: Path,
    cutouts: NDArray[np.uint8],
    progress: Progress = silent,
) -> ExportCheck:
    """Run a network and its exported file on the same cutouts.

    Parameters
    ----------
    network : Network or EnsembleNetwork
        In evaluation mode, on the CPU.
    path : Path
        The ONNX file.
    cutouts : (images, height, width, channels) uint8
    progress : Progress

    Raises
    ------
    ExportError
        They differ by more than 1e-4, or one of them gives NaN.
    BundleError
        The file cannot be loaded.
    """
    session = open_session(path)
    names = output_names(len(network.auxiliary))
    largest = 0.0
    for start in range(0, len(cutouts), _BATCH):
        # The first image alone too: some exports run for one batch size only.
        for batch in (cutouts[:1],) * (start == 0) + (cutouts[start : start + _BATCH],):
            got = session.run(names, {INPUT: batch})
            with torch.inference_mode():
                wanted = network.estimate(torch.from_numpy(batch))
            values = (wanted.values, *wanted.auxiliary)
            largest = max(
                largest, *(_difference(a.numpy(), b) for a, b in zip(values, got, strict=False))
            )
            embedding = wanted.features.numpy()
            scale = max(1.0, float(np.abs(embedding).max(initial=0)))
            apart = _difference(embedding, got[-1]) / scale
            if not max(largest, apart) <= TOLERANCE:
                raise ExportError(
                    "the exported network gives other outputs than the run",
                    wanted=f"differences up to {TOLERANCE:g}",
                    got=f"{largest:.2g} of a fraction, {apart:.2g} of the embedding, on "
                    f"{start + len(batch)} images",
                    hint="nothing was written; please report the encoder and its settings",
                )
        progress("compare", start + len(batch), len(cutouts), unit="images")
    return ExportCheck(len(cutouts), largest)


def _difference(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """The largest difference; infinite where the shapes differ or something is not a number."""
    if wanted.shape != got.shape:
        return float("inf")
    worst = float(np.abs(wanted - got).max(initial=0))
    return worst if np.isfinite(worst) else float("inf")
