"""``galaxyclass finetune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.notes import echo_notes, show_notes
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import show_unused

if TYPE_CHECKING:
    from galaxyclass.arguments import NetworkUse
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.model.options import InferenceOptions

EPILOG = """\b
Examples:
  galaxyclass finetune --images rings/images --table rings/labels.csv --output runs/rings
  galaxyclass predict runs/rings --images sky/images --output rings.csv
  galaxyclass finetune --images sky/images --table labels.jsonl --output runs/labelled
  galaxyclass finetune runs/first --images my/images --table my/votes.csv --network never \\
      --output runs/votes
  galaxyclass finetune --set images.frame=143 --images my/images --table my/labels.csv \\
      --output runs/near
  galaxyclass finetune fast --set model.encoder=resnet18 --set model.weights=resnet18.safetensors \\
      --set model.normalisation=encoder --images my/images --table my/labels.csv --output runs/mine

`labels.jsonl` is the file of labels of `galaxyclass serve`: it needs no conversion.
Every score that is printed is of galaxies that the predictor had not learnt. The model that is
written has learnt all labels."""


@click.command(cls=ManyValues, epilog=EPILOG)
@click.argument("model", metavar="[MODEL]", default="pretrained", type=click.Path(path_type=Path))
@options.dataset(options.skip_invalid, options.classes)
@options.output("the model: a new folder, usable as a run")
@click.option(
    "--network",
    type=click.Choice(["auto", "never", "always"]),
    default="auto",
    show_default=True,
    help="Whether the network itself is trained, which takes torch; auto: where cross-validation "
    "says that it pays.",
)
@click.option(
    "--balanced",
    is_flag=True,
    help="Each class counts as much as any other, however many galaxies it has.",
)
@options.settings
@options.inference
@options.seed
@options.cache
def command(
    *,
    model: Path,
    dataset: Dataset,
    output: Path,
    network: NetworkUse,
    balanced: bool,
    settings: tuple[str, ...],
    inference: InferenceOptions,
    seed: int,
    cache: Path | None,
) -> None:
    """Make a model of your own labels: fifty are a good beginning.

    MODEL is what it begins with: by default the pretrained model, otherwise the folder of a
    training, or an exported network; or a recipe whose encoder has weights (--set
    model.weights=FILE).

    First it fits a probe to what MODEL says of each galaxy in three frames, smaller and larger
    parts of its image: that takes seconds, and no torch. Then it trains the network itself, where
    cross-validation says that this pays. --set images.frame=N, or N,M, states other frames, in
    pixels.
    """
    from galaxyclass.finetuning.finetune import finetune

    show_notes()
    with bars() as progress:
        finetuned = finetune(
            model,
            dataset,
            output=output,
            network=network,
            balanced=balanced,
            settings=settings,
            options=inference,
            seed=seed,
            cache=cache,
            progress=progress,
        )
    show_unused(finetuned.unused)
    echo_notes(finetuned.notes)
    if finetuned.metric.meaning:
        echo(finetuned.metric.meaning)
    score = finetuned.score
    in_own_unit = finetuned.bundle.manifest.task.in_own_unit(score)
    unit_words = f", {in_own_unit}," if in_own_unit else ""
    echo(
        f"{finetuned.galaxies:,} labels: {finetuned.metric.label} {score.value:.3f} "
        f"[{score.low:.3f}, {score.high:.3f}]{unit_words} by cross-validation; "
        f"the model is in {output}"
    )
