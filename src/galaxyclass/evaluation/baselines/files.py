"""The files of a comparison of baselines: ``scores.csv`` and ``metrics.json``."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import write_text
from galaxyclass.tasks.outputs import ClassOutputs, VoteOutputs
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL, Score
from galaxyclass.tasks.scores.classes import ClassScores
from galaxyclass.tasks.scores.votes import VoteScores

if TYPE_CHECKING:
    from galaxyclass.evaluation.baselines.baseline import Baselines, BaselineScores

SPLIT = "split.csv"
LEFT_OUT = "left_out.csv"
SCORES = "scores.csv"
METRICS = "metrics.json"


def require_free(folder: Path, *, overwrite: bool) -> None:
    """Refuse to write where the files of baselines, or of something else, are.

    Raises
    ------
    OutputError
        ``folder`` is a file, or has one of the files and ``overwrite`` is False; or it is a run,
        whose own files have the same names.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: a file", wanted="a folder", hint="choose another `output`")
    if (folder / "run.json").exists():
        raise OutputError(f"{folder}: a run is here", hint="choose another `output`")
    there = [name for name in (SPLIT, SCORES, METRICS) if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"{folder}: {', '.join(there)} exist{'s' * (len(there) == 1)} already",
            hint="pass `overwrite=True`, or choose another `output`",
        )


def write_baselines(done: Baselines) -> None:
    """Write ``scores.csv`` and, last, ``metrics.json``.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    votes = isinstance(done.outputs, VoteOutputs)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figure, count = ("rmse", "entries") if votes else ("value", "galaxies")
    writer.writerow(["part", "baseline", "kind", "code", "name", figure, "low", "high", count])
    for one in done.scores:
        for kind, code, name, estimate, known in _figures(done, one):
            numbers = (estimate.value, estimate.low, estimate.high)
            cells = ["" if math.isnan(number) else f"{number:.6f}" for number in numbers]
            writer.writerow([one.part, one.key, kind, code, name, *cells, known])
    write_text(done.folder / SCORES, text.getvalue())
    data = json.dumps(_plain(_metrics(done)), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(done.folder / METRICS, data + "\n")


def _figures(done: Baselines, one: BaselineScores) -> Iterator[tuple[str, str, str, Score, int]]:
    """Kind, code, name, score and number of entries (or galaxies), row by row."""
    scores = one.scores
    if isinstance(scores, VoteScores):
        assert isinstance(done.outputs, VoteOutputs)
        tree = done.outputs.tree
        yield "all", "", "", scores.overall, scores.entries
        for extent, estimate in one.extents:
            yield extent.key, "", extent.name, estimate, int(extent.known.sum())
        for question, where, estimate in zip(
            tree.questions, tree.slices, scores.questions, strict=True
        ):
            entries = sum(scores.answer_entries[where])
            yield "question", question.code, question.text, estimate, entries
        for answer, estimate, entries in zip(
            tree.answers, scores.answers, scores.answer_entries, strict=True
        ):
            yield "answer", answer.code, answer.name, estimate, entries
        return
    assert isinstance(done.outputs, ClassOutputs)
    yield "accuracy", "", "", scores.accuracy, scores.galaxies
    yield "balanced_accuracy", "", "", scores.balanced_accuracy, scores.galaxies
    for kind, values in (("recall", scores.recall), ("precision", scores.precision)):
        totals = scores.confusion.sum(axis=1 if kind == "recall" else 0)
        for name, value, total in zip(done.outputs.classes, values, totals, strict=True):
            yield kind, "", name, Score(float(value), math.nan, math.nan), int(total)


def _metrics(done: Baselines) -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = {part: {} for part in done.galaxies if part != "train"}
    for one in done.scores:
        parts[one.part][one.key] = _plain_scores(done, one)
    return {
        "score": "rmse" if isinstance(done.outputs, VoteOutputs) else "accuracy",
        "galaxies": dict(done.galaxies),
        "interval_level": INTERVAL_LEVEL,
        "noise_floor": dict(done.noise_floors),
        "parts": parts,
        "notes": list(done.notes),
    }


def _plain_scores(done: Baselines, one: BaselineScores) -> dict[str, Any]:
    scores = one.scores
    if isinstance(scores, ClassScores):
        return {
            "name": one.name,
            "accuracy": asdict(scores.accuracy),
            "balanced_accuracy": asdict(scores.balanced_accuracy),
            "confusion": scores.confusion.tolist(),
        }
    assert isinstance(done.outputs, VoteOutputs)
    keys = [question.key for question in done.outputs.tree.questions]
    extents = {
        extent.key: {
            "name": extent.name,
            "answers": int(extent.known.any(axis=0).sum()),
            "galaxies": extent.galaxies,
            "rmse": asdict(estimate),
        }
        for extent, estimate in one.extents
    }
    return {
        "name": one.name,
        "rmse": asdict(scores.overall),
        "entries": scores.entries,
        **extents,
        "questions": {key: asdict(e) for key, e in zip(keys, scores.questions, strict=True)},
    }


def _plain(value: Any) -> Any:
    """The same data with null for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
