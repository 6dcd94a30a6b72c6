"""Extra columns of a table of predictions: five classes, uncertainty, strangeness, embedding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.catalog.derive import FIVE
from galaxyclass.errors import ArgumentError, BundleError
from galaxyclass.model.bundle.load import Bundle, ExportedBundle
from galaxyclass.model.columns import described
from galaxyclass.model.ensemble import common_auxiliary, common_task
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.pretrained import shown_folder
from galaxyclass.model.stream import DescribeCutouts
from galaxyclass.short import did_you_mean
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    from galaxyclass.calibration.calibration import Calibration

#: What can be included: the probabilities of the five classes of Zhu et al. 2019; the lower and
#: upper end of each fraction's interval; what a model of counts believes of each answer, and
#: fractions drawn from that; the out-of-distribution score; the encoder's features.
Include = Literal["five_classes", "uncertainty", "posterior", "draws", "strangeness", "embedding"]
INCLUDES: tuple[str, ...] = get_args(Include)

_FIVE = tuple(FIVE["galaxy_zoo_2"])


@dataclass(frozen=True)
class ExtraColumns:
    """Columns that are computed from a model's output.

    Attributes
    ----------
    fields : tuple of pyarrow.Field
        Their names and types.
    make : callable
        From `ModelOutput` and image statistics to (galaxies, columns) float32; NaN becomes an
        empty cell, and in a column of truth values 0 is false.
    describe : callable, optional
        Computes the image statistics of cutouts, if `make` needs them.
    """

    fields: tuple[pa.Field, ...]
    make: Callable[[ModelOutput, NDArray[np.float32] | None], NDArray[np.float32]]
    describe: DescribeCutouts | None = None


@dataclass(frozen=True)
class Included:
    """All extra columns, from left to right."""

    extras: tuple[ExtraColumns, ...] = ()

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Their names and types."""
        return tuple(field for extra in self.extras for field in extra.fields)

    @property
    def describe(self) -> DescribeCutouts | None:
        """Computes the image statistics of cutouts; None if no column needs them."""
        return next((extra.describe for extra in self.extras if extra.describe is not None), None)

    def make(
        self, output: ModelOutput, statistics: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """(galaxies, columns) float32, from a model's output and image statistics."""
        columns = [np.empty((len(output), 0), np.float32)]
        columns += [extra.make(output, statistics) for extra in self.extras]
        return np.concatenate(columns, axis=1)


def check_include(include: Sequence[str]) -> tuple[Include, ...]:
    """The names to include, each once, in the order of `INCLUDES`.

    Raises
    ------
    ArgumentError
        An unknown name.
    """
    unknown = [name for name in include if name not in INCLUDES]
    if unknown:
        raise ArgumentError(
            f"nothing called {unknown[0]!r} can be included",
            argument="include",
            wanted=f"some of {', '.join(INCLUDES)}",
            hint=did_you_mean(unknown[0], INCLUDES) or None,
        )
    return tuple(name for name in get_args(Include) if name in include)


def open_included(include: Sequence[str], bundles: Sequence[Bundle], width: int = 0) -> Included:
    """Prepare the extra columns.

    Parameters
    ----------
    include : sequence of str
        Some of `INCLUDES`.
    bundles : sequence of Bundle
        One, or several of an ensemble.
    width : int
        How many features the embedding has.

    Raises
    ------
    ArgumentError
        An unknown name.
    BundleError
        A bundle cannot compute a column; or only a single model can, and there are several.
    """
    makers: dict[Include, Callable[[], ExtraColumns | None]] = {
        "five_classes": lambda: _five_classes(bundles),
        "uncertainty": lambda: _uncertainty(bundles),
        "posterior": lambda: _posterior(bundles, "posterior"),
        "draws": lambda: _posterior(bundles, "draws"),
        "strangeness": lambda: _strangeness(bundles),
        "embedding": lambda: _embedding(width),
    }
    extras = (makers[name]() for name in check_include(include))
    return Included(tuple(extra for extra in extras if extra is not None))


def _five_classes(bundles: Sequence[Bundle]) -> ExtraColumns | None:
    if _is_five(common_task(bundles)):
        return None  # they are the predictions themselves
    auxiliary = common_auxiliary(bundles)
    index = next((index for index, task in enumerate(auxiliary) if _is_five(task)), None)
    if index is None:
        raise BundleError(
            f"{_names(bundles)}: does not predict the five classes",
            wanted=f"a model that learnt {', '.join(_FIVE)} beside the votes",
            got=f"one that learnt {_learnt(bundles)}",
            hint="leave five_classes out of `include`, or name another run",
        )
    order = [auxiliary[index].class_names.index(name) for name in _FIVE]
    words = [f"probability of the class {name!r} (Zhu et al. 2019)" for name in _FIVE]
    return ExtraColumns(_floats(_FIVE, words), lambda output, _: output.auxiliary[index][:, order])


def _uncertainty(bundles: Sequence[Bundle]) -> ExtraColumns:
    calibration = _calibration(bundles, "uncertainty", "intervals")
    task = bundles[0].manifest.task
    if not task.interval_names:
        raise BundleError(
            f"{shown_folder(bundles[0].folder)}: a model of {task.words} has no intervals",
            wanted="a model of joint vote fractions, or of numbers",
            hint="name posterior in `include`: of counts it has the bounds"
            if task.posterior_names
            else "leave uncertainty out of `include`: the probability of each class says how sure "
            "the model is",
        )
    known_mask = task.known_mask
    calibration.require_intervals()

    def bounds(output: ModelOutput, _: object) -> NDArray[np.float32]:
        known = np.where(known_mask, output.values, np.float32(np.nan))
        lower, upper = (
            task.from_interval_scale(bound).astype(np.float32)
            for bound in calibration.bounds(task.to_interval_scale(known))
        )
        # In the precision of the result: rounding must not put a bound on the other side.
        ends = np.stack([np.minimum(lower, known), np.maximum(upper, known)], axis=2)
        return ends.reshape(len(output), 2 * len(known_mask))

    names = [f"{name}_{end}" for name in task.interval_names for end in ("lower", "upper")]
    assert calibration.intervals is not None, "require_intervals"
    words = [
        f"{end} end of the {calibration.intervals.level:.0%} prediction interval of {name}"
        for name in task.interval_names
        for end in ("lower", "upper")
    ]
    return ExtraColumns(_floats(names, words), bounds)


def _posterior(bundles: Sequence[Bundle], name: str) -> ExtraColumns:
    task = common_task(bundles)
    names = task.posterior_names.get(name)
    if names is None:
        raise BundleError(
            f"{_names(bundles)}: does not say how sure it is of each answer",
            wanted="a run that was trained on counts of votes (`counts=True`)",
            got=f"one that predicts {task.words}",
            hint=f"leave {name} out of `include`; a calibrated run can include uncertainty",
        )
    known_mask = task.known_mask

    def beliefs(output: ModelOutput, _: object) -> NDArray[np.float32]:
        known = np.where(known_mask, output.values, np.float32(np.nan))
        return task.posterior(name, known)

    return ExtraColumns(_floats(names), beliefs)


def _strangeness(bundles: Sequence[Bundle]) -> ExtraColumns:
    from galaxyclass.calibration.image_statistics import image_statistics

    calibration = _calibration(bundles, "strangeness", "what in-distribution images are like")
    calibration.require_out_of_distribution()

    def strangeness(
        output: ModelOutput, statistics: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        assert statistics is not None, "`describe` computes them"
        score, flag = calibration.score_images(output.features, statistics)
        return np.column_stack([score, flag]).astype(np.float32)

    fields = (
        described(
            pa.field("strangeness", pa.float32()),
            "out-of-distribution score: above 1, do not believe the prediction",
        ),
        described(pa.field("strange", pa.bool_()), "whether strangeness is above 1"),
    )
    return ExtraColumns(fields, strangeness, image_statistics)


def _embedding(width: int) -> ExtraColumns:
    return ExtraColumns(
        _floats(f"embedding_{index}" for index in range(width)), lambda output, _: output.features
    )


def _calibration(bundles: Sequence[Bundle], name: str, content: str) -> Calibration:
    if len(bundles) > 1:
        raise BundleError(
            f"{name} is known of a single model, not of the mean of several",
            wanted="one run",
            got=f"{len(bundles)} of them: each was measured by itself",
            hint=f"name one run, or leave {name} out of `include`",
        )
    bundle = bundles[0]
    if not bundle.has("calibration"):
        raise BundleError(
            f"{shown_folder(bundle.folder)}: does not know {content}",
            wanted="a bundle with a calibration, measured on galaxies that it was not trained on",
            got="one without",
            hint="calibrate the run and export it again"
            if isinstance(bundle, ExportedBundle)
            else f"calibrate it: `galaxyclass.calibrate({shown_folder(bundle.folder)!r}, …)`; or "
            f"leave {name} out of `include`",
        )
    from galaxyclass.calibration.files import parse_calibration

    return parse_calibration(bundle.read_calibration(), str(bundle.calibration))


def _is_five(task: Task) -> bool:
    return set(task.class_names) == set(_FIVE)


def _learnt(bundles: Sequence[Bundle]) -> str:
    task = common_task(bundles)
    if task.class_names:
        return f"{len(task.class_names)} other classes"
    auxiliary = [", ".join(task.class_names[:5]) for task in common_auxiliary(bundles)]
    return " and ".join([task.kind, *auxiliary]) if auxiliary else f"{task.kind} alone"


def _names(bundles: Sequence[Bundle]) -> str:
    return ", ".join(shown_folder(bundle.folder) for bundle in bundles)


def _floats(names: Iterable[str], words: Iterable[str] = ()) -> tuple[pa.Field, ...]:
    pairs = zip_longest(names, words, fillvalue="")
    return tuple(described(pa.field(name, pa.float32()), text) for name, text in pairs)
