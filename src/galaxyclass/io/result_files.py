"""The files that scores are written to, beside those of a run (`run_folder`)."""

from __future__ import annotations

import json
import math
from typing import Any

PREDICTIONS = "predictions.csv"


def plain_json(value: Any) -> str:
    """A result as JSON for other programs, with null for NaN and infinity, which JSON has not.

    What JSON has no kind for, such as a path or a date, is its text.

    Examples
    --------
    >>> print(plain_json({"low": math.nan}))
    {
     "low": null
    }
    """
    plain = _nullable(value)
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False, default=str)


def metrics_json(metrics: dict[str, Any]) -> str:
    """The text of ``metrics.json``: see `plain_json`.

    Examples
    --------
    >>> print(metrics_json({"rmse": 0.25, "questions": [math.nan]}), end="")
    {
     "rmse": 0.25,
     "questions": [
      null
     ]
    }
    """
    return plain_json(metrics) + "\n"


def _nullable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nullable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_nullable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
