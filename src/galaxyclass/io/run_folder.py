"""The names of what lies in the folder of a training, of an evaluation or of baselines."""

from __future__ import annotations

from pathlib import Path

RECIPE = "recipe.toml"
INFO = "run.json"
HISTORY = "history.csv"
METRICS = "metrics.json"
SCORES = "scores.csv"
CURVES = "curves.png"
SPLIT = "split.csv"
LEFT_OUT = "left_out.csv"
BUNDLE = "bundle"
LAST = "checkpoints/last.ckpt"
BEST = "checkpoints/best.ckpt"
LOGS = "logs"


def run_file(run: Path, name: str) -> Path | None:
    """A file of a run, which may be named by its bundle; an exported network has none beside it."""
    places = (run, run.parent) if run.is_dir() else ()
    return next((file for place in places if (file := place / name).is_file()), None)
