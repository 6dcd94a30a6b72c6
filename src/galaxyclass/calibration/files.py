"""A calibration as JSON: numbers where they are few, base64 where they are many."""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from galaxyclass.arrays import Doubles
from galaxyclass.calibration.calibration import Calibration
from galaxyclass.calibration.coverage import Coverage
from galaxyclass.calibration.intervals import Intervals
from galaxyclass.calibration.out_of_distribution import Strangeness
from galaxyclass.errors import BundleError, require_format
from galaxyclass.version import __version__

#: The layout that this version writes; it reads this one and those before it.
CALIBRATION_FORMAT = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Array(_Model):
    """Little-endian floats of 2 or 4 bytes, in base64."""

    dtype: Literal["<f2", "<f4"]
    shape: list[int]
    base64: str


class _Intervals(_Model):
    level: float = Field(gt=0, lt=1)
    galaxies: int
    by_answer: int
    by_question: int
    pooled: int
    sizes: list[tuple[float, float, float]]
    stretches: list[float]


class _Coverage(_Model):
    overall: float
    questions: list[float | None]
    width: float
    constant_width: float


class _Strangeness(_Model):
    galaxies: int
    limit: float = Field(gt=0)
    centre: _Array
    spread: _Array
    directions: _Array
    mean: _Array
    scale: _Array
    precision: _Array


class _File(_Model):
    """The calibration as JSON has it."""

    format: int
    version: str
    galaxies: int
    notes: list[str]
    intervals: _Intervals | None = None
    coverage: _Coverage | None = None
    strangeness: _Strangeness | None = None


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
            "stretches": intervals.stretches.tolist(),
        }
    if (coverage := calibration.coverage) is not None:
        data["coverage"] = {
            "overall": coverage.overall,
            "questions": [None if math.isnan(one) else one for one in coverage.questions],
            "width": coverage.width,
            "constant_width": coverage.constant_width,
        }
    if (strange := calibration.strange) is not None:
        data["strangeness"] = {
            "galaxies": strange.galaxies,
            "limit": strange.limit,
            "centre": _packed(strange.centre),
            "spread": _packed(strange.spread),
            "directions": _packed(strange.directions, "<f2"),
            "mean": _packed(strange.mean),
            "scale": _packed(strange.scale),
            "precision": _packed(strange.precision),
        }
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parse_calibration(text: str, source: str) -> Calibration:
    """Read a calibration from its JSON text.

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
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BundleError(f"{source}: not a calibration", got=f"not JSON: {error}") from error
    if isinstance(data, dict) and isinstance(found := data.get("format"), int):
        by = str(data.get("version", "unknown"))
        require_format(
            found,
            CALIBRATION_FORMAT,
            what="calibration",
            source=source,
            error=BundleError,
            remedy="calibrate again with this version",
            written_by=by,
        )
    try:
        file = _File.model_validate(data)
        return Calibration(
            galaxies=file.galaxies,
            intervals=None if file.intervals is None else _intervals(file.intervals),
            coverage=None if file.coverage is None else _coverage(file.coverage),
            strange=None if file.strangeness is None else _strangeness(file.strangeness),
            notes=tuple(file.notes),
        )
    except ValidationError as error:
        wrong = "\n".join(
            f"{'.'.join(map(str, problem['loc'])) or 'calibration'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise BundleError(f"{source}: the calibration is damaged", got=wrong) from error
    except ValueError as error:
        raise BundleError(f"{source}: the calibration is damaged", got=str(error)) from error


def _intervals(file: _Intervals) -> Intervals:
    sizes, stretches = np.array(file.sizes).reshape(-1, 3), np.array(file.stretches)
    if len(sizes) != len(stretches) or not (sizes >= 0).all() or not (stretches >= 0).all():
        raise ValueError(
            f"intervals: {len(sizes)} sizes and {len(stretches)} stretches, some below 0"
            if len(sizes) == len(stretches)
            else f"intervals: {len(sizes)} sizes, but {len(stretches)} stretches"
        )
    return Intervals(
        file.level,
        sizes,
        stretches,
        file.galaxies,
        file.by_answer,
        file.by_question,
        file.pooled,
    )


def _coverage(file: _Coverage) -> Coverage:
    questions = tuple(math.nan if one is None else one for one in file.questions)
    return Coverage(file.overall, questions, file.width, file.constant_width)


def _strangeness(file: _Strangeness) -> Strangeness:
    centre, spread = _unpacked(file.centre), _unpacked(file.spread)
    directions = _unpacked(file.directions)
    mean, scale, precision = map(_unpacked, (file.mean, file.scale, file.precision))
    described = (len(mean),)
    shapes = [centre.shape, spread.shape, directions.shape[:1], scale.shape, precision.shape]
    wanted = [*3 * [(len(centre),)], described, 2 * described]
    if shapes != wanted or directions.ndim != 2:
        raise ValueError(f"strangeness: arrays of shapes {shapes}, wanted {wanted}")
    if not (spread > 0).all() or not (scale > 0).all():
        raise ValueError("strangeness: a spread that is not above 0")
    return Strangeness(
        centre, spread, directions, mean, scale, precision, file.limit, file.galaxies
    )


def _packed(values: Doubles, dtype: str = "<f4") -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes())
    return {"dtype": dtype, "shape": list(values.shape), "base64": data.decode("ascii")}


def _unpacked(array: _Array) -> Doubles:
    try:
        data = base64.b64decode(array.base64, validate=True)
    except binascii.Error as error:
        raise ValueError(f"strangeness: not base64 ({error})") from error
    values = np.frombuffer(data, np.dtype(array.dtype)).astype(np.float64).reshape(array.shape)
    if not np.isfinite(values).all():
        raise ValueError("strangeness: a number that is not finite")
    return np.asarray(values)
