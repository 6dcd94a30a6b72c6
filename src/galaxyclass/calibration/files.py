"""A calibration as JSON: numbers where they are few, base64 where they are many."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from galaxyclass.calibration.calibration import Calibration
from galaxyclass.calibration.coverage import Coverage
from galaxyclass.calibration.error_sizes import TERMS
from galaxyclass.calibration.intervals import Intervals
from galaxyclass.calibration.out_of_distribution import OutOfDistribution
from galaxyclass.errors import BundleError
from galaxyclass.io.packed_arrays import PackedArray, pack_array, unpack_array
from galaxyclass.io.versioned import FileFormat
from galaxyclass.version import __version__

#: The layout that this version writes and reads.
CALIBRATION_FORMAT = 2


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Intervals(_Model):
    level: float = Field(gt=0, lt=1)
    galaxies: int
    by_answer: int
    by_question: int
    pooled: int
    sizes: list[list[float]]
    edges: list[list[float]]
    stretches: list[list[float]]


class _Coverage(_Model):
    overall: float
    questions: list[float | None]
    answers: list[float | None] = []
    by_value: list[float | None] = []
    uncertain_fifth: float | None = None
    width: float
    constant_width: float


class _OutOfDistribution(_Model):
    galaxies: int
    limit: float = Field(gt=0)
    centre: PackedArray
    spread: PackedArray
    directions: PackedArray
    mean: PackedArray
    scale: PackedArray
    precision: PackedArray


class _File(_Model):
    """The calibration as JSON has it."""

    format: int
    version: str
    galaxies: int
    notes: list[str]
    intervals: _Intervals | None = None
    coverage: _Coverage | None = None
    strangeness: _OutOfDistribution | None = None


def calibration_json(calibration: Calibration) -> str:
    """A calibration as JSON text, keys in a fixed order."""
    data: dict[str, Any] = {
        "format": CALIBRATION_FORMAT,
        "version": __version__,
        "galaxies": calibration.galaxies,
        "notes": list(calibration.notes),
        "intervals": None,
        "coverage": None,
        "strangeness": None,
    }
    if (intervals := calibration.intervals) is not None:
        data["intervals"] = {
            "level": intervals.level,
            "galaxies": intervals.galaxies,
            "by_answer": intervals.by_answer,
            "by_question": intervals.by_question,
            "pooled": intervals.pooled,
            "sizes": intervals.sizes.tolist(),
            "edges": [edges.tolist() for edges in intervals.edges],
            "stretches": [stretches.tolist() for stretches in intervals.stretches],
        }
    if (coverage := calibration.coverage) is not None:
        data["coverage"] = {
            "overall": coverage.overall,
            "questions": _or_none(coverage.questions),
            "answers": _or_none(coverage.answers),
            "by_value": _or_none(coverage.by_value),
            "uncertain_fifth": _or_none([coverage.uncertain_fifth])[0],
            "width": coverage.width,
            "constant_width": coverage.constant_width,
        }
    if (fit := calibration.out_of_distribution) is not None:
        data["strangeness"] = {
            "galaxies": fit.galaxies,
            "limit": fit.limit,
            "centre": pack_array(fit.centre),
            "spread": pack_array(fit.spread),
            "directions": pack_array(fit.directions, "<f2"),
            "mean": pack_array(fit.mean),
            "scale": pack_array(fit.scale),
            "precision": pack_array(fit.precision),
        }
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@lru_cache(maxsize=4)
def parse_calibration(text: str, source: str) -> Calibration:
    """Read a calibration from its JSON text; the last few are remembered.

    Parameters
    ----------
    text : str
    source : str
        What an error is to name: the file.

    Raises
    ------
    BundleError
        Not a calibration; of a newer version; damaged.
    """
    file_format = FileFormat(
        "calibration", CALIBRATION_FORMAT, BundleError, "calibrate again with this version"
    )
    return file_format.parse(text, source, _read)


def _read(data: dict[str, Any]) -> Calibration:
    file = _File.model_validate(data)
    return Calibration(
        galaxies=file.galaxies,
        intervals=None if file.intervals is None else _intervals(file.intervals),
        coverage=None if file.coverage is None else _coverage(file.coverage),
        out_of_distribution=(
            None if file.strangeness is None else _out_of_distribution(file.strangeness)
        ),
        notes=tuple(file.notes),
    )


def _intervals(file: _Intervals) -> Intervals:
    lengths = len(file.sizes), len(file.edges), len(file.stretches)
    if len(set(lengths)) > 1:
        raise ValueError(
            "intervals: {} sizes, {} lists of edges and {} of stretches".format(*lengths)
        )
    if any(len(size) != TERMS for size in file.sizes):
        raise ValueError(f"intervals: a size that has not {TERMS} terms")
    for edges, stretches in zip(file.edges, file.stretches, strict=True):
        if len(stretches) != len(edges) + 1 or sorted(set(edges)) != edges:
            raise ValueError(
                f"intervals: {len(edges)} edges and {len(stretches)} stretches of an answer, "
                "wanted increasing edges and one stretch more"
            )
    numbers = [number for rows in (file.sizes, file.stretches) for row in rows for number in row]
    if not all(0 <= number < math.inf for number in numbers):
        raise ValueError("intervals: sizes or stretches, some below 0 or not finite")
    return Intervals(
        file.level,
        np.array(file.sizes, np.float64).reshape(-1, TERMS),
        tuple(np.array(edges, np.float64) for edges in file.edges),
        tuple(np.array(stretches, np.float64) for stretches in file.stretches),
        file.galaxies,
        file.by_answer,
        file.by_question,
        file.pooled,
    )


def _coverage(file: _Coverage) -> Coverage:
    return Coverage(
        overall=file.overall,
        questions=_or_nan(file.questions),
        answers=_or_nan(file.answers),
        by_value=_or_nan(file.by_value),
        uncertain_fifth=_or_nan([file.uncertain_fifth])[0],
        width=file.width,
        constant_width=file.constant_width,
    )


def _or_none(shares: Sequence[float]) -> list[float | None]:
    return [None if math.isnan(share) else share for share in shares]


def _or_nan(shares: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if share is None else share for share in shares)


def _out_of_distribution(file: _OutOfDistribution) -> OutOfDistribution:
    packed = (file.centre, file.spread, file.directions, file.mean, file.scale, file.precision)
    centre, spread, directions, mean, scale, precision = (
        unpack_array(array, "strangeness") for array in packed
    )
    length = (len(mean),)
    shapes = [centre.shape, spread.shape, directions.shape[:1], scale.shape, precision.shape]
    wanted = [*3 * [(len(centre),)], length, 2 * length]
    if shapes != wanted or directions.ndim != 2:
        raise ValueError(f"strangeness: arrays of shapes {shapes}, wanted {wanted}")
    if not (spread > 0).all() or not (scale > 0).all():
        raise ValueError("strangeness: a spread that is not above 0")
    return OutOfDistribution(
        centre, spread, directions, mean, scale, precision, file.limit, file.galaxies
    )
