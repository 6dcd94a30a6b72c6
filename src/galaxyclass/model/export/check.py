"""Comparison of an exported network with torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError, ExportError, ImageError
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.images.files import find_images
from galaxyclass.model.backends.open_backend import open_backend
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.onnx_file import INPUT, open_session, output_names
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import counted
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.rendering import render
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    from galaxyclass.networks.network import NetworkOutput
    from galaxyclass.networks.probed import AnyNetwork


@dataclass(frozen=True)
class Tolerance:
    """The differences that are accepted.

    Attributes
    ----------
    largest : float
        Of a fraction or a probability.
    rms : float
        Root mean square of the differences of all fractions or probabilities.
    embedding : float
        Of the embedding, in units of its largest number.
    """

    largest: float
    rms: float
    embedding: float


#: Of the same network, written otherwise.
EXACT = Tolerance(largest=1e-4, rms=1e-4, embedding=1e-4)

#: Of a network in 8-bit integers. Predictions have an RMSE of some 0.08: independent errors of 0.01
#: add less than 1 % to that.
ROUNDED = Tolerance(largest=0.25, rms=0.01, embedding=0.25)

#: Images that are compared: so many simulated galaxies, or at most so many real ones.
SIMULATED = 13
REAL = 200
#: Images at a time; the last batch is smaller, which tests that any number works.
_BATCH = 16

#: Real images on which ranges are measured, at most; and how many real images that needs at least.
MEASURED = 256
FEWEST = 16


@dataclass(frozen=True)
class ExportCheck:
    """The result of comparing an exported network with torch, or with the run.

    Attributes
    ----------
    images : int
        How many were compared.
    difference : float
        The largest absolute difference of a fraction or probability.
    rms : float
        Root mean square of the differences of all fractions or probabilities.
    """

    images: int
    difference: float
    rms: float


@dataclass(frozen=True)
class ExportCutouts:
    """The cutouts that an export needs, each ``(images, height, width, channels)`` uint8.

    Attributes
    ----------
    compared : array
        The exported network is compared with torch on them.
    measured : array or None
        Others, on which the ranges of 8-bit numbers are measured; None where there are none.
    seed : int
        Of the draw of both.
    """

    compared: NDArray[np.uint8]
    measured: NDArray[np.uint8] | None = None
    seed: int = 0


def export_cutouts(
    preprocessing: Preprocessing,
    images: str | Path | Sequence[str | Path] | None = None,
    *,
    measure: bool = False,
    seed: int = 0,
) -> ExportCutouts:
    """Cutouts to compare networks on, and to measure ranges on.

    Parameters
    ----------
    preprocessing : Preprocessing
    images : str, Path or a sequence of them, optional
        A folder or files, of which some are drawn; without it, simulated galaxies, with a black, a
        white and a noisy image.
    measure : bool
        Whether ranges are to be measured, which takes real images: up to 256 of them. Up to 200
        others, a third of fewer images, are to compare on.
    seed : int

    Raises
    ------
    ArgumentError
        Ranges are to be measured, and there are no real images, or fewer than 16.
    CatalogError
        No images there.
    ExportError
        None of them can be decoded.

    Examples
    --------
    >>> export_cutouts(Preprocessing(size=16)).compared.shape
    (16, 16, 16, 3)
    """
    if images is None:
        if measure:
            raise _too_few("none")
        return ExportCutouts(_simulated(preprocessing, seed), seed=seed)
    paths = find_images(images)
    wanted = REAL + MEASURED * measure
    cutouts: list[NDArray[np.uint8]] = []
    problem = ""
    for index in np.random.default_rng(seed).permutation(len(paths)):
        if len(cutouts) == wanted:
            break
        try:
            cutouts.append(read_cutout(paths[index], preprocessing))
        except ImageError as error:
            problem = str(error)
    if measure and len(cutouts) < FEWEST:
        raise _too_few(f"{len(cutouts)} that can be decoded")
    if not cutouts:
        raise ExportError(
            "no images to compare the exported network with torch on",
            wanted="images of galaxies",
            got=problem,
            hint="name others, or leave `images` out: simulated galaxies are taken then",
        )
    stacked = np.stack(cutouts)
    if not measure:
        return ExportCutouts(stacked, seed=seed)
    compared = max(len(stacked) - MEASURED, len(stacked) // 3)
    return ExportCutouts(stacked[:compared], stacked[compared:], seed)


def _too_few(got: str) -> ArgumentError:
    return ArgumentError(
        "8-bit numbers need images of galaxies, on which their ranges are measured",
        argument="images",
        wanted=f"a folder of {FEWEST} images or more, {REAL + MEASURED} at best, like those that "
        "will be predicted",
        got=got,
        hint="`images='FOLDER'`; `bits=16` needs none",
    )


def _simulated(preprocessing: Preprocessing, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    side = max(preprocessing.frame or 0, preprocessing.size)
    drawn = [render(draw_morphology(rng), side) for _ in range(SIMULATED)]
    noise = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    drawn += [np.zeros_like(noise), np.full_like(noise, 255), noise]
    if preprocessing.colour == "bands":
        order = np.arange(preprocessing.channels) % 3
        drawn = [image[..., order] for image in drawn]
    return np.stack([make_cutout(image, preprocessing) for image in drawn])


def compare_outputs(
    network: AnyNetwork,
    path: Path,
    cutouts: NDArray[np.uint8],
    tolerance: Tolerance = EXACT,
    progress: Progress = silent,
    *,
    task: Task | None = None,
) -> ExportCheck:
    """Run a network and its exported file on the same cutouts.

    Parameters
    ----------
    network : Network or EnsembleNetwork
        In evaluation mode, on the CPU.
    path : Path
        The ONNX file.
    cutouts : (images, height, width, channels) uint8
    tolerance : Tolerance
    progress : Progress
    task : Task, optional
        Whose outputs have a unit: numbers are compared in standard deviations, counts by the
        logarithms of their concentrations (`Task.to_linear`).

    Raises
    ------
    ExportError
        They differ by more than is accepted, or one of them gives NaN.
    BundleError
        The file cannot be loaded.
    """
    import torch

    session = open_session(path)
    names = output_names(len(network.auxiliary))
    differences = _Differences()
    for start in range(0, len(cutouts), _BATCH):
        # The first image alone too: some exports run for one batch size only.
        for batch in (cutouts[:1],) * (start == 0) + (cutouts[start : start + _BATCH],):
            exported = session.run(names, {INPUT: batch})
            with torch.inference_mode():
                wanted = network.estimate(torch.from_numpy(batch))
            if task is not None:
                wanted, exported = _on_linear_scale(task, wanted, exported)
            differences.add(wanted, exported)
        done = start + len(batch)
        differences.require(tolerance, done, is_last=done == len(cutouts))
        progress("compare", done, len(cutouts), unit="images")
    return ExportCheck(len(cutouts), differences.largest, differences.rms)


def compare_with_run(run: Bundle, exported: Bundle, cutouts: NDArray[np.uint8]) -> ExportCheck:
    """How the predictions of a run and of its exported file differ, each computed as by default.

    Parameters
    ----------
    run, exported : Bundle
    cutouts : (images, height, width, channels) uint8
    """
    task = run.manifest.task
    outputs = []
    for bundle in (run, exported):
        backend = open_backend(bundle, "cpu")
        values = [
            backend(cutouts[start : start + _BATCH]).values
            for start in range(0, len(cutouts), _BATCH)
        ]
        outputs.append(task.to_linear(np.concatenate(values).astype(np.float64)))
    differences = outputs[0] - outputs[1]
    rms = float(np.sqrt(np.square(differences).mean()))
    return ExportCheck(len(cutouts), float(np.abs(differences).max()), rms)


def _on_linear_scale(
    task: Task, wanted: NetworkOutput, exported: Sequence[NDArray[np.float32]]
) -> tuple[NetworkOutput, list[NDArray[np.float32]]]:
    """Both outputs with values that can be compared, whatever their unit."""
    import torch

    values, *others = exported
    scaled = [
        task.to_linear(each.astype(np.float64)).astype(np.float32)
        for each in (wanted.values.numpy(), values)
    ]
    return wanted._replace(values=torch.from_numpy(scaled[0])), [scaled[1], *others]


class _Differences:
    """The differences between outputs so far; infinite where shapes differ or numbers are NaN."""

    def __init__(self) -> None:
        self.largest = self.embedding = 0.0
        self._squares, self._count = 0.0, 0

    @property
    def rms(self) -> float:
        """Root mean square of the differences of all fractions and probabilities."""
        return math.sqrt(self._squares / max(1, self._count))

    def add(self, wanted: NetworkOutput, exported: Sequence[NDArray[np.float32]]) -> None:
        """Count in the outputs for some images."""
        for tensor, values in zip((wanted.values, *wanted.auxiliary), exported, strict=False):
            self.largest = max(self.largest, _largest(tensor.numpy(), values))
            if np.isfinite(self.largest):
                difference = np.subtract(tensor.numpy(), values, dtype=np.float64)
                self._squares += float(np.square(difference).sum())
                self._count += values.size
        features = wanted.features.numpy()
        scale = max(1.0, float(np.abs(features).max(initial=0)))
        self.embedding = max(self.embedding, _largest(features, exported[-1]) / scale)

    def require(self, tolerance: Tolerance, images: int, *, is_last: bool) -> None:
        """Refuse too large ones; the root mean square only at the end."""
        if (
            self.largest <= tolerance.largest
            and self.embedding <= tolerance.embedding
            and (not is_last or self.rms <= tolerance.rms)
        ):
            return
        raise ExportError(
            "the exported network gives other outputs than the run",
            wanted=f"differences up to {tolerance.largest:g} of a fraction, {tolerance.rms:g} in "
            f"the root mean square, {tolerance.embedding:g} of the embedding",
            got=f"{self.largest:.2g}, {self.rms:.2g} and {self.embedding:.2g}, on "
            f"{counted(images, 'image')}",
            hint="nothing was written; please report the encoder and its settings"
            if tolerance is EXACT
            else "nothing was written: 8 bits are too few for this network; `bits=16` halves the "
            "file all the same",
        )


def _largest(wanted: NDArray[np.float32], exported: NDArray[np.float32]) -> float:
    """The largest difference; infinite where the shapes differ or something is not a number."""
    if wanted.shape != exported.shape:
        return float("inf")
    worst = float(np.abs(wanted - exported).max(initial=0))
    return worst if np.isfinite(worst) else float("inf")
