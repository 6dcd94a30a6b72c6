"""What a table of predictions holds besides the predictions themselves, where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.catalog.derive import FIVE
from galaxyclass.errors import ArgumentError, BundleError
from galaxyclass.model.bundle.load import Bundle, ExportedBundle
from galaxyclass.model.ensemble import common_auxiliary, common_task
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.stream import DescribeCutouts
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    from galaxyclass.calibration.calibration import Calibration

#: What can be included: the probabilities of the five classes of Zhu et al. 2019; the lower and
#: upper end of each fraction's interval; how little a picture is like the training galaxies; the
#: encoder's features.
Include = Literal["five_classes", "uncertainty", "strangeness", "embedding"]
INCLUDES: tuple[str, ...] = get_args(Include)

_FIVE = tuple(FIVE["galaxy_zoo_2"])


@dataclass(frozen=True)
class Addition:
    """Columns that are made of what a model says.

    Attributes
    ----------
    fields : tuple of pyarrow.Field
        Their names and types.
    make : callable
        From `ModelOutput` to (galaxies, columns) float32; NaN becomes an empty cell, and in a
        column of truth values 0 is false. What the cutouts look like is its second argument.
    look : callable, optional
        What describes cutouts, where `make` needs that.
    """

    fields: tuple[pa.Field, ...]
    make: Callable[[ModelOutput, NDArray[np.float32] | None], NDArray[np.float32]]
    look: DescribeCutouts | None = None


@dataclass(frozen=True)
class Included:
    """All columns that are included, from left to right."""

    additions: tuple[Addition, ...] = ()

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Their names and types."""
        return tuple(field for addition in self.additions for field in addition.fields)

    @property
    def look(self) -> DescribeCutouts | None:
        """What is to describe the cutouts, where anything needs that."""
        return next((one.look for one in self.additions if one.look is not None), None)

    def make(self, said: ModelOutput, looks: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """(galaxies, columns) float32, of what a model says and the cutouts look like."""
        made = [np.empty((len(said), 0), np.float32)]
        made += [addition.make(said, looks) for addition in self.additions]
        return np.concatenate(made, axis=1)


def check_include(include: Sequence[str]) -> tuple[Include, ...]:
    """What is to be included, each once, in the order of `INCLUDES`.

    Raises
    ------
    ArgumentError
        There is no such thing.
    """
    unknown = [name for name in include if name not in INCLUDES]
    if unknown:
        raise ArgumentError(
            f"nothing called {unknown[0]!r} can be included",
            argument="include",
            wanted=f"some of {', '.join(INCLUDES)}",
        )
    return tuple(name for name in get_args(Include) if name in include)


def open_included(include: Sequence[str], bundles: Sequence[Bundle], width: int = 0) -> Included:
    """Find how to make what is to be included.

    Parameters
    ----------
    include : sequence of str
        Some of `INCLUDES`.
    bundles : sequence of Bundle
        One, or those of an ensemble.
    width : int
        How many features the embedding has.

    Raises
    ------
    ArgumentError
        There is no such thing.
    BundleError
        A bundle has not got what is asked for; or it is known of a single model only, and there
        are several.
    """
    makers: dict[Include, Callable[[], Addition | None]] = {
        "five_classes": lambda: _five_classes(bundles),
        "uncertainty": lambda: _uncertainty(bundles),
        "strangeness": lambda: _strangeness(bundles),
        "embedding": lambda: _embedding(width),
    }
    made = (makers[name]() for name in check_include(include))
    return Included(tuple(addition for addition in made if addition is not None))


def _five_classes(bundles: Sequence[Bundle]) -> Addition | None:
    if _is_five(common_task(bundles)):
        return None  # they are the predictions themselves
    auxiliary = common_auxiliary(bundles)
    place = next((place for place, one in enumerate(auxiliary) if _is_five(one)), None)
    if place is None:
        raise BundleError(
            f"{_names(bundles)}: cannot tell the five classes",
            wanted=f"a model that learnt {', '.join(_FIVE)} beside the votes",
            got=f"one that learnt {_learnt(bundles)}",
            hint="leave five_classes out of `include`, or name another run",
        )
    order = [auxiliary[place].class_names.index(name) for name in _FIVE]
    return Addition(_floats(_FIVE), lambda said, _: said.auxiliary[place][:, order])


def _uncertainty(bundles: Sequence[Bundle]) -> Addition:
    calibration = _calibration(bundles, "uncertainty", "intervals")
    task = bundles[0].manifest.task
    if not task.interval_names:
        raise BundleError(
            f"{bundles[0].folder}: intervals are of joint vote fractions alone",
            wanted="a run that was trained on a table of those",
            got=task.words,
            hint="leave uncertainty out of `include`",
        )
    known = task.known_mask
    calibration.require_intervals()

    def bounds(said: ModelOutput, _: object) -> NDArray[np.float32]:
        ends = np.stack(calibration.bounds(said.values), axis=2)
        ends = np.where(known[:, None], ends, np.float32(np.nan))
        return ends.reshape(len(said), 2 * len(known))

    names = [f"{name}_{end}" for name in task.interval_names for end in ("lower", "upper")]
    return Addition(_floats(names), bounds)


def _strangeness(bundles: Sequence[Bundle]) -> Addition:
    from galaxyclass.calibration.image_statistics import image_statistics

    calibration = _calibration(bundles, "strangeness", "what galaxies are like")
    calibration.require_out_of_distribution()

    def strangeness(said: ModelOutput, looked: NDArray[np.float32] | None) -> NDArray[np.float32]:
        assert looked is not None, "`look` is given"
        score, flag = calibration.score_images(said.features, looked)
        return np.column_stack([score, flag]).astype(np.float32)

    fields = (*_floats(["strangeness"]), pa.field("strange", pa.bool_()))
    return Addition(fields, strangeness, image_statistics)


def _embedding(width: int) -> Addition:
    return Addition(
        _floats(f"embedding_{place}" for place in range(width)), lambda said, _: said.features
    )


def _calibration(bundles: Sequence[Bundle], name: str, what: str) -> Calibration:
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
            f"{bundle.folder}: does not know {what}",
            wanted="a bundle with a calibration, measured on galaxies that its training never saw",
            got="one without",
            hint="calibrate the run and export it again"
            if isinstance(bundle, ExportedBundle)
            else f"calibrate it: `galaxyclass.calibrate({str(bundle.folder)!r}, …)`; or leave "
            f"{name} out of `include`",
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
    return ", ".join(str(bundle.folder) for bundle in bundles)


def _floats(names: Iterable[str]) -> tuple[pa.Field, ...]:
    return tuple(pa.field(name, pa.float32()) for name in names)
