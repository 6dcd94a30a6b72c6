"""The commands that are killed, and what lies in the folder before each."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hostile.visit import CLASSES, visit

TINY = (
    *("--set", "images.size=16", "--set", "images.frame=none", "--set", "training.batch_size=16"),
    *("--set", "training.epochs=2", "--set", "training.progressive_resizing=[]"),
    *("--set", "model.width=0.125"),
    *("--set", "training.precision=fp32", "--set", "training.threads=1", "--workers", "1"),
)
DATA = ("--images", "{inputs}/sky/images", "--table", "{inputs}/sky/votes.csv")
TRAIN = ("train", "fast", *DATA, *TINY, "--output", "run", "--cache", "{inputs}/cache")


def _write_blank(_figure: object, target: Path | io.StringIO, **_: object) -> None:
    """Write something for a figure; stands for ``Figure.savefig``."""
    if isinstance(target, io.StringIO):
        target.write("<svg></svg>")
    else:
        target.write_bytes(b"blank")


#: Figures take most of the time, and are not looked at.
BLANK = {
    "matplotlib.figure.Figure.savefig": _write_blank,
    "galaxyclass.plots.style._lay_out": lambda _figure: None,
}


@dataclass(frozen=True)
class Job:
    """A command that is killed.

    Attributes
    ----------
    command : sequence of str
        ``{inputs}`` stands for the folder that no command changes.
    begins_with : mapping
        What lies in the folder before: name there -> name in the inputs.
    again : callable, optional
        From the folder to the command that is given after the kill; the same unless told otherwise.
    slow : bool
        Takes seconds; `make hostile` kills it once.
    shortened : mapping
        What is replaced (`harness.replace`): ``module.NAME`` -> value, such as a number of the
        package, smaller. A worker that is started anew keeps its own: what it writes must not
        depend on them.
    ends_with : int
        The exit status of the command that is left alone.
    costly : bool
        `make hostile` leaves it out: each trial starts processes with torch.
    """

    command: Sequence[str]
    begins_with: dict[str, str] = field(default_factory=dict)
    again: Callable[[Path], Sequence[str]] | None = None
    slow: bool = False
    shortened: dict[str, Any] = field(default_factory=dict)
    costly: bool = False
    ends_with: int = 0


def _resume(work: Path) -> Sequence[str]:
    return ("train", "--resume", "run") if (work / "run" / "run.json").is_file() else TRAIN


CACHED = ("--cache", "{inputs}/cache", "--workers", "1")
STUDY = (*TINY[:-2], "--workers", "1", "--cache", "{inputs}/cache")
FINETUNE = ("--network", "never", *CACHED)
RUN = ("--model", "{inputs}/run")
PREDICT = ("predict", "{inputs}/run", "--images", "{inputs}/images", "--workers", "1")
JOBS = {
    "predict": Job((*PREDICT, "--output", "p.csv")),
    "predict-parquet": Job((*PREDICT, "--output", "p.parquet")),
    "predict-overwrite": Job(
        (*PREDICT, "--output", "p.csv", "--overwrite"), {"p.csv": "sky/votes.csv"}
    ),
    "predict-votable": Job((*PREDICT, "--table", "{inputs}/sky/votes.csv", "--output", "p.vot")),
    "evaluate": Job(("evaluate", "{inputs}/run", *DATA, "--output", "scores", "--workers", "1")),
    "combine": Job(("combine", "{inputs}/run", "{inputs}/other run", "--output", "both")),
    "simulate": Job(
        ("simulate", "--count", "6", "--size", "32", "--workers", "1", "--output", "sky")
    ),
    "simulate-hundred": Job(
        (
            *("simulate", "--kind", "hundred", "--count", "20", "--size", "16"),
            *("--workers", "1", "--output", "sky"),
        )
    ),
    "pack": Job(
        (
            *("pack", "--images", "{inputs}/images", "--recipe", "fast"),
            *("--set", "images.size=16", "--output", "pack", "--workers", "1"),
        )
    ),
    "pack-cached": Job(
        (
            *("pack", "--images", "{inputs}/images", "--recipe", "fast"),
            *("--set", "images.size=16", "--cache", "cache", "--workers", "1"),
        )
    ),
    "export": Job(("export", "{inputs}/run", "--output", "m.onnx"), slow=True),
    "survey-plan": Job(
        (
            *("survey", "plan", "{inputs}/images", "--model", "{inputs}/run", "--no-measure"),
            *("--shard-size", "4", "--output", "night"),
        )
    ),
    "survey-run": Job(
        ("survey", "run", "night", "--part", "1/1", "--cores", "1"), {"night": "planned"}
    ),
    "survey-merge": Job(("survey", "merge", "night", "--output", "all.csv"), {"night": "night"}),
    "survey-merge-hats": Job(
        ("survey", "merge", "night", "--output", "hats", "--margin", "10"), {"night": "night"}
    ),
    "calibrate": Job(
        ("calibrate", "run", *DATA, "--part", "all", "--workers", "1"), {"run": "run"}
    ),
    "report": Job(
        ("report", "{inputs}/run", *DATA, "--output", "report.html", "--workers", "1"), slow=True
    ),
    "explore": Job(("explore", *DATA, "--output", "shown"), slow=True, shortened=BLANK),
    "baseline": Job(
        ("baseline", *DATA, "--output", "scores", "--cache", "{inputs}/cache", "--workers", "1")
    ),
    "finetune": Job(("finetune", "{inputs}/run", *DATA, "--output", "tuned", *FINETUNE)),
    "finetune-network": Job(
        (
            *("finetune", "{inputs}/run", *DATA, "--output", "tuned", "--network", "always"),
            *CACHED,
        ),
        slow=True,
        shortened={
            "galaxyclass.finetuning.network_training.FEW_LABELS.epochs": 2,
            "galaxyclass.finetuning.network.NETWORK_FOLDS": 2,
            "galaxyclass.finetuning.cross_validation._REPEATS": (),
            "galaxyclass.finetuning.cross_validation._RESAMPLES": 5,
            "galaxyclass.calibration.out_of_distribution._FOLDS": 2,
        },
    ),
    "suspects": Job(("suspects", "{inputs}/run", *DATA, "--output", "doubtful.csv", *CACHED)),
    "explain": Job(
        (
            *("explain", "{inputs}/run", "--images", "{inputs}/images", "--count", "2"),
            *("--answer", "1.1", "--output", "maps.png", "--workers", "1"),
        )
    ),
    "similar": Job(
        (
            *("similar", "known.parquet", "--like-images", "{inputs}/one", "--count", "4"),
            *("--model", "{inputs}/run", "--output", "near.csv", "--workers", "1"),
            *("--gallery", "near.png", "--images", "{inputs}/images"),
        ),
        {"known.parquet": "known.parquet"},
    ),
    "map": Job(("map", "{inputs}/known.parquet", "--output", "map.html")),
    "select": Job(
        ("select", "{inputs}/known.parquet", "--count", "4", "--output", "next.csv", *RUN)
    ),
    "zooniverse-export": Job(
        (
            *("zooniverse", "export", "--images", "{inputs}/one"),
            *("--output", "subjects"),
        )
    ),
    "zooniverse-import": Job(
        (
            *("zooniverse", "import", "{inputs}/classifications.csv", "--tree"),
            *("{inputs}/small.toml", "--output", "votes.csv"),
        )
    ),
    "tree-from": Job(("tree", "--from", "{inputs}/sky/votes.csv", "--output", "own.toml")),
    "cutouts": Job(
        (
            *("cutouts", "--tiles", "{inputs}/tile.fits", "--field", "20 arcsec"),
            *("--output", "cut", "--workers", "1"),
        )
    ),
    "cutouts-catalogue": Job(
        (
            *("cutouts", "--tiles", "{inputs}/tile.fits", "--field", "20 arcsec"),
            *("--catalogue", "{inputs}/sources.csv", "--image-format", "fits"),
            *("--output", "cut", "--workers", "1"),
        )
    ),
    "train": Job(TRAIN, slow=True, shortened=BLANK),
    "train-packing": Job((*TRAIN[:-1], "cache"), slow=True, shortened=BLANK),
    "train-folds": Job((*TRAIN, "--folds", "2"), slow=True, shortened=BLANK),
    "train-resume": Job(TRAIN, again=_resume, slow=True, shortened=BLANK),
    "compare": Job(
        ("compare", "fast", *DATA, *STUDY, "--output", "study"),
        slow=True,
        costly=True,
        shortened=BLANK,
    ),
    "tune": Job(
        (
            *("tune", "fast", *DATA, *STUDY, "--vary", "optimizer.lr=0.001..0.01"),
            *("--trials", "1", "--output", "study"),
        ),
        slow=True,
        costly=True,
        shortened=BLANK,
    ),
    "serve": Job(
        (
            *("serve", "{inputs}/run", "--predictions", "known.parquet", "--classes", CLASSES),
            *("--images", "{inputs}/images", "--label", "labels.jsonl", "--port", "0", "--open"),
            *("--workers", "1"),
        ),
        {"known.parquet": "known.parquet"},
        slow=True,
        shortened={"webbrowser.open": visit},
        ends_with=130,
    ),
    "benchmark": Job(
        (
            *("benchmark", *DATA, "--recipe", "fast", *TINY[:-2], "--count", "50"),
            *("--repeats", "1", "--output", "speed"),
        ),
        slow=True,
        shortened={
            **BLANK,
            "galaxyclass.study.benchmark.measures.PACKED": 60,
            "galaxyclass.study.benchmark.measures.PREDICTED": 60,
            "galaxyclass.study.benchmark.measures.STEPS": 2,
            "galaxyclass.study.benchmark.ceilings._SIDE": 64,
            "galaxyclass.study.benchmark.ceilings._SECONDS": 0.01,
        },
        costly=True,
    ),
}
