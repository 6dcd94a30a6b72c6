"""``galaxyclass calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.coverage import coverage_lines, width_unit
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.arguments import Part
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.evaluation.calibrated import Calibrated
    from galaxyclass.model.options import InferenceOptions

EPILOG = """\b
Examples:
  galaxyclass calibrate runs/first --images sky/images --table sky/votes.csv
  galaxyclass predict runs/first --images sky/images --include uncertainty,strangeness \\
      --output uncertain.csv
  galaxyclass calibrate pretrained --part all --images sky/images --table sky/votes.csv \\
      --output runs/calibrated

The calibration becomes part of the model, or of its copy. Use galaxies like those that you will
predict: images of the same survey, votes collected in the same way. Calibrate before you export."""


@click.command(cls=ManyValues, epilog=EPILOG)
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@options.dataset(options.skip_invalid)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A folder for a calibrated copy, usable as a run; MODEL is not changed then. Required for "
    "the pretrained model and an exported network.",
)
@click.option(
    "--part",
    type=click.Choice(["unseen", "validation", "test", "all"]),
    default="unseen",
    show_default=True,
    help="Which galaxies to calibrate on; unseen: all that it was not trained on.",
)
@click.option(
    "--in-distribution",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR…",
    help="More in-distribution images, without votes, that should not be flagged as strange: "
    "folders or files.",
)
@click.option(
    "--level",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.9,
    show_default=True,
    help="Share of the true fractions that the intervals hold.",
)
@click.option(
    "--false-alarms",
    type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Share of in-distribution images that may be flagged as strange.",
)
@options.inference
@options.seed
def command(
    *,
    model: Path,
    dataset: Dataset,
    output: Path | None,
    part: Part,
    in_distribution: tuple[Path, ...],
    level: float,
    false_alarms: float,
    inference: InferenceOptions,
    seed: int,
) -> None:
    """Fit prediction intervals and an out-of-distribution score for MODEL.

    MODEL is the folder of a training, a bundle, an exported network, or `pretrained` for the
    pretrained model. It is calibrated on galaxies that it was not trained on. Its predictions can
    then include a conformal interval for each vote fraction, and an out-of-distribution score with
    a flag for images that are unlike its training galaxies.
    """
    from galaxyclass.evaluation.calibrate import calibrate

    with bars() as progress:
        calibrated = calibrate(
            model,
            dataset,
            output=output,
            part=part,
            in_distribution=in_distribution,
            level=level,
            false_alarms=false_alarms,
            options=inference,
            seed=seed,
            progress=progress,
        )
    _show(calibrated)


def _show(calibrated: Calibrated) -> None:
    from galaxyclass.evaluation.evaluation import PART_WORDS

    calibration = calibrated.calibration
    for name, count in calibrated.galaxies_by_part.items():
        echo(f"{counted(count, 'galaxy')} {PART_WORDS[name]}")
    echo_notes((*calibrated.notes, *calibration.notes))
    intervals, coverage = calibration.intervals, calibration.coverage
    task = calibrated.bundle.manifest.task
    if intervals is not None and coverage is not None:
        echo(
            f"{intervals.level:.0%} intervals that are fitted on half of the galaxies hold of the "
            f"other half's {task.interval_words}:"
        )
        for line in coverage_lines(task, coverage):
            echo(f"  {line}")
        echo(
            f"mean width {coverage.width:.3f}{width_unit(task)}; {coverage.constant_width:.3f} "
            f"with one width for all {task.interval_words} of "
            + ("a question" if task.group_names else "a column")
        )
    echo(f"the calibration is in {calibrated.bundle.calibration}")
