"""`explain`: maps of what an answer rests on, each with a test of whether it can be believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ExplanationMethod, public
from galaxyclass.arrays import Doubles
from galaxyclass.errors import BundleError, OutputError, ScoreError
from galaxyclass.explanation.answer_of import (
    AnswerOf,
    ExplainedOutput,
    answer_of,
    find_answer,
)
from galaxyclass.explanation.faithfulness import measure_faithfulness
from galaxyclass.explanation.galaxy import ExplainedGalaxy
from galaxyclass.explanation.grid import grid_image
from galaxyclass.explanation.judge import MeanDifference, above_chance, judge
from galaxyclass.explanation.occlusion import occlusion_map
from galaxyclass.explanation.orientations import QUARTERS, averaged
from galaxyclass.explanation.sky import sky_like
from galaxyclass.extras import require_installed
from galaxyclass.io.atomic import write_text, writing
from galaxyclass.io.csv_text import csv_text
from galaxyclass.io.journal import job_key
from galaxyclass.io.output import FilesOutput, require_apart, with_ending
from galaxyclass.model.cutouts import Cutouts
from galaxyclass.model.ensemble import Ensemble
from galaxyclass.model.image_source import open_images
from galaxyclass.model.load import ModelSource, open_model
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary, verb
from galaxyclass.workers.processes import core_count

#: Galaxies whose maps are compared with those of random weights.
_SANITY = 4


@dataclass(frozen=True)
class Explanation:
    """The result of `explain`.

    Attributes
    ----------
    output : Path
        The picture.
    answer : str
        What was explained.
    method : str
    galaxies : tuple of ExplainedGalaxy
    above_random, above_central : MeanDifference
        How much more faithful the maps are than random ones, and than a central blob.
    sanity : float or None
        The mean rank correlation of maps with those of random weights; None where it was not
        measured (torch is not installed).
    verdict : tuple of str
        What that means: a sentence for anybody, and one of numbers.
    notes : tuple of str
        What was left out.
    """

    output: Path
    answer: str
    method: str
    galaxies: tuple[ExplainedGalaxy, ...]
    above_random: MeanDifference
    above_central: MeanDifference
    sanity: float | None
    verdict: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(
            f"Explanation of {self.answer}: {counted(len(self.galaxies), 'map')} in "
            f"{short_path(self.output)}; {self.verdict[0]}"
        )


@public
def explain(
    model: ModelSource,
    images: Any,
    *,
    answer: str,
    output: str | Path,
    method: ExplanationMethod = "occlusion",
    count: int = 12,
    options: InferenceOptions | None = None,
    seed: int = 0,
    overwrite: bool = False,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Explanation:
    """Map the parts of an image that an answer rests on, and test whether the maps can be believed.

    Writes a picture of all maps, ``explained.png``, and beside it ``explained.csv`` (how faithful
    each map is), ``explained_curves.csv`` and ``explained_maps.npz`` (the maps by id).

    Each map is tested by hiding the galaxy bit by bit in the order of the map (deletion), and by
    showing it bit by bit (insertion): the answer should fall fast, and rise fast. The same is done
    in a random order and from the centre outwards. A map that is no better than these says nothing
    about the galaxy, however convincing it looks.

    Parameters
    ----------
    model : str, Path, Model or a sequence of them
        The model, as for `galaxyclass.load_model`.
    images : array, list, paths, folder or table
        As for `galaxyclass.Model.predict`.
    answer : str
        The code, the column or the name of an answer; or a class.
    output : str or Path
        The picture, a file that ends in ``.png``.
    method : {"occlusion", "gradients", "cam"}
        occlusion: how much the answer falls where a square is replaced by sky; runs wherever the
        model does. gradients: integrated gradients; cam: a class activation map of the last layer
        with a map: both need torch and captum, and a single model.
    count : int
        Galaxies that are explained at most; of more, this many are drawn at random.
    options, progress
        As for `galaxyclass.predict`.
    seed : int
        Of the galaxies that are drawn, the sky, the random maps, and the random weights.
    overwrite : bool
        Replace the files where they exist.
    quote_formulas : bool
        As for `galaxyclass.predict`, of every CSV that is written.

    Returns
    -------
    Explanation

    Raises
    ------
    ArgumentError
        The model has no such answer.
    OutputError
        A file exists already, or cannot be written; the picture is not called ``.png``.
    ScoreError
        None of the images could be decoded.
    BundleError
        Several models with different cutouts; a method that this network does not allow.
    MissingExtraError
        torch or captum is not installed, and the method needs them.
    CatalogError, ArgumentTypeError, DeviceError
        As for `galaxyclass.Model.predict`.
    """
    files = output_files(Path(output))
    require_apart(files[0], images)
    key = job_key(
        "explain",
        model=model,
        images=images,
        answer=answer,
        method=method,
        seed=seed,
        count=count,
        quote_formulas=quote_formulas,
    )
    results = FilesOutput(files, key, overwrite)
    results.require_free()
    if method != "occlusion":
        require_installed("captum", "torch")
    model = open_model(model, options)
    index, words = find_answer(model.task, answer)
    explainer = Explainer(model, index, method, seed)
    cutouts, notes = _read(model, images, count, seed)
    galaxies = []
    for done, (name, cutout) in enumerate(cutouts, 1):
        galaxies.append(explainer.explain(name, cutout))
        progress("explain", done, len(cutouts))
    sanity = explainer.sanity(galaxies[:_SANITY])
    above_random, above_central = above_chance([each.faithfulness for each in galaxies], seed)
    explanation = Explanation(
        files[0],
        words,
        method,
        tuple(galaxies),
        above_random,
        above_central,
        sanity,
        tuple(judge(above_random, above_central, sanity)),
        tuple(notes),
    )
    with results.claim():
        write_explanation(explanation, files, quote_formulas=quote_formulas)
    return explanation


class Explainer:
    """Makes the map of a cutout, and tests it.

    Parameters
    ----------
    model : Model
    index : int
        Of the output that is explained.
    method : {"occlusion", "gradients", "cam"}
    seed : int
        Of the sky, the random maps, and the random weights.

    Raises
    ------
    BundleError
        As for `explain`.
    """

    def __init__(self, model: Model, index: int, method: str, seed: int) -> None:
        explained = ExplainedOutput(index, model.task.shown_beside(index))
        ensemble: Ensemble = model.ensemble
        if len(ensemble.preprocessings) > 1:
            raise BundleError(
                "these models see different cutouts, which cannot be explained together",
                wanted="one model, or several with the same cutouts",
                got=f"{len(ensemble.preprocessings)} kinds of cutouts",
                hint="explain one after the other",
            )
        self.method, self.explained, self.seed = method, explained, seed
        self.outputs_are_shares = model.task.outputs_are_shares
        self.bundle = model.bundles[0]
        self.several = len(model.bundles) > 1
        self.preprocessing = ensemble.preprocessings[0]
        self.workers = model.options.workers or core_count()
        self.shares = answer_of(ensemble.backend, self.preprocessing, explained, self.workers)
        invariant = all(bundle.manifest.invariant for bundle in model.bundles)
        self.quarters = QUARTERS[:1] if invariant else QUARTERS
        if method != "occlusion":
            from galaxyclass.explanation.gradients import GradientMaps

            if self.several:
                raise BundleError(
                    f"{method} explains a single model",
                    wanted="one run",
                    got=f"{len(model.bundles)} of them",
                    hint="explain one after the other, or by `method='occlusion'`",
                )
            self.gradients = GradientMaps(self.bundle, method, explained)

    def explain(self, name: str, cutout: NDArray[np.uint8]) -> ExplainedGalaxy:
        """The map of a (side, side, channels) uint8 cutout, and its test."""
        sky = sky_like(cutout, self.seed)
        sense = self.sense(cutout, sky)
        relevance = sense * self.map(cutout, sky, self.shares)
        faithfulness = measure_faithfulness(
            self.shares, cutout, sky, relevance, seed=self.seed, sense=sense
        )
        share = faithfulness.map.deletion[0]
        return ExplainedGalaxy(name, share, cutout, relevance, faithfulness)

    def sense(self, cutout: NDArray[np.uint8], sky: NDArray[np.uint8]) -> float:
        """Below 0 for a number that is smaller than that of sky alone, otherwise above.

        A share rests on what raises it above 0. A number rests on what moves it away from that of
        a picture without the galaxy, upwards or downwards.
        """
        if self.outputs_are_shares:
            return 1.0
        galaxy, nothing = self.shares(np.stack([cutout, sky])).tolist()
        return -1.0 if galaxy < nothing else 1.0

    def map(
        self,
        cutout: NDArray[np.uint8],
        sky: NDArray[np.uint8],
        shares: AnswerOf,
        maps: Callable[[NDArray[np.uint8], NDArray[np.uint8]], Doubles] | None = None,
    ) -> Doubles:
        """The mean map over the orientations.

        Parameters
        ----------
        cutout, sky : (side, side, channels) uint8
            The galaxy, and what its squares are replaced by.
        shares : AnswerOf
        maps : callable, optional
            From a cutout and the sky to a map, in place of the network's own gradients.

        Returns
        -------
        (side, side) float64
        """
        if self.method == "occlusion":
            return averaged(
                lambda turned: occlusion_map(shares, turned, sky), cutout, self.quarters
            )
        gradients = maps or self.gradients
        return averaged(lambda turned: gradients(turned, sky), cutout, self.quarters)

    def sanity(self, galaxies: Sequence[ExplainedGalaxy]) -> float | None:
        """The mean rank correlation of maps with those of random weights; None without torch."""
        from importlib.util import find_spec

        if self.several or not all(map(find_spec, ("torch", "timm", "safetensors"))):
            return None
        from scipy.stats import spearmanr

        from galaxyclass.explanation.gradients import GradientMaps, RandomBackend

        shares, maps = self.shares, None
        try:
            if self.method == "occlusion":
                random = RandomBackend(self.bundle, self.seed)
                shares = answer_of(random, self.preprocessing, self.explained, self.workers)
            else:
                maps = GradientMaps(self.bundle, self.method, self.explained, drawn=self.seed)
        except BundleError:  # an exported network, whose layers cannot be drawn anew
            return None
        correlations = []
        for galaxy in galaxies:
            sky = sky_like(galaxy.cutout, self.seed)
            other = galaxy.faithfulness.map.sense * self.map(galaxy.cutout, sky, shares, maps)
            if np.ptp(other) > 0 and np.ptp(galaxy.map) > 0:
                result = spearmanr(galaxy.map.ravel(), other.ravel())
                correlations.append(float(result.statistic))
        return float(np.mean(correlations)) if correlations else None


def _read(
    model: Model, images: Any, count: int, seed: int
) -> tuple[list[tuple[str, NDArray[np.uint8]]], list[str]]:
    """The ids and cutouts of some images, and notes on those that are left out."""
    manifest = model.bundles[0].manifest
    source = open_images(images, id_column=manifest.id_column, name_parts=manifest.name_parts)
    pictures = list(source.images)
    notes = list(source.notes)
    chosen = np.arange(len(pictures))
    if len(pictures) > count:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(pictures))[:count])
        notes.append(
            f"{count:,} of {len(pictures):,} images {verb(count, 'is')} explained, drawn at "
            f"random; `count={len(pictures)}` explains all."
        )
    preprocessing = model.ensemble.preprocessings[0]
    cutouts, errors = [], []
    for index in chosen.tolist():
        batch = Cutouts([pictures[index]], index, [preprocessing])
        batch.read()
        if batch.errors:
            errors.append(batch.errors[0])
        else:
            cutouts.append((source.name(index), batch.arrays[0][0]))
    if errors:
        notes.append(f"{counted(len(errors), 'image')} cannot be decoded, the first: {errors[0]}")
    if not cutouts:
        raise ScoreError("nothing to explain: no image could be decoded", got=errors[0])
    return cutouts, notes


def output_files(picture: Path) -> list[Path]:
    """The files of an explanation: the picture, the table, the curves, the maps.

    Raises
    ------
    OutputError
        The picture is not called ``.png``.
    """
    if picture.suffix.lower() != ".png":
        raise OutputError(
            f"{picture}: the maps are drawn as one PNG",
            wanted="a name that ends in .png",
            got=picture.suffix or "a name without an ending",
            hint=f"write to {with_ending(picture, '.png', 'maps').name}",
        )
    names = (f"{picture.stem}.csv", f"{picture.stem}_curves.csv", f"{picture.stem}_maps.npz")
    return [picture, *(picture.with_name(name) for name in names)]


def write_explanation(
    explanation: Explanation, files: Sequence[Path], *, quote_formulas: bool
) -> None:
    """Write the numbers of an explanation, and last its picture.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    picture, table, curves, maps = files
    rows: list[tuple[object, ...]] = [
        ("id", "answer", "predicted", "method", "faithfulness", "random", "central", "is_better")
    ]
    steps: list[tuple[object, ...]] = [("id", "order", "share_of_cells", "deletion", "insertion")]
    for galaxy in explanation.galaxies:
        tested = galaxy.faithfulness
        named = (("map", tested.map), ("random", tested.random), ("central", tested.central))
        scores = (f"{each.score:.6f}" for _, each in named)
        share = f"{galaxy.share:.6f}"
        better = str(tested.is_better).lower()
        rows.append((galaxy.id, explanation.answer, share, explanation.method, *scores, better))
        for order, each in named:
            cells = zip(each.hidden, each.deletion, each.insertion, strict=True)
            steps += [(galaxy.id, order, *(f"{value:.6f}" for value in cell)) for cell in cells]
    write_text(table, csv_text(rows, quote_formulas=quote_formulas))
    write_text(curves, csv_text(steps, quote_formulas=quote_formulas))
    with writing(maps) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            id=np.array([galaxy.id for galaxy in explanation.galaxies]),
            map=np.stack([galaxy.map for galaxy in explanation.galaxies]).astype(np.float32),
        )
    with writing(picture) as temporary, temporary.open("wb") as file:
        grid_image(explanation.answer, explanation.verdict, explanation.galaxies).save(
            file, format="PNG", optimize=True
        )
