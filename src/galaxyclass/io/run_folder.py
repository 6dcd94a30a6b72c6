"""The names of the files in the folders of runs, evaluations, baselines and studies."""

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
MODEL_MANIFEST = "manifest.json"
LAST = "checkpoints/last.ckpt"
BEST = "checkpoints/best.ckpt"
LOGS = "logs"
COMPARISON = "compare.json"
COMPARED_CURVES = "compare.png"
SEARCH = "tune.json"
TUNE_CURVES = "tune.png"
TUNE_SETTINGS = "settings.png"

#: Figures of these folders -> the file beside them that tells such a folder from another.
FIGURES = {
    CURVES: INFO,
    COMPARED_CURVES: COMPARISON,
    TUNE_CURVES: SEARCH,
    TUNE_SETTINGS: SEARCH,
}


def run_file(run: Path, name: str) -> Path | None:
    """A file of a run, which may be given by its bundle; None where there is no such file."""
    folders = (run, run.parent) if run.is_dir() else ()
    return next((file for folder in folders if (file := folder / name).is_file()), None)
