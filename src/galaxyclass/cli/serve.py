"""``galaxyclass serve``."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.notes import show_notes
from galaxyclass.cli.shown import echo

if TYPE_CHECKING:
    from galaxyclass.model.options import InferenceOptions

EPILOG = """\b
Examples:
  galaxyclass serve
  galaxyclass predict --images sky/images --output sky.parquet --include embedding,uncertainty
  galaxyclass serve --predictions sky.parquet --images sky/images
  galaxyclass serve --predictions sky.parquet --images sky/images \\
      --label rings.jsonl --classes ring,no-ring --labelled rings.csv
  curl --form pictures=@galaxy.jpg http://127.0.0.1:8000/predict

The page predicts pictures that are dropped on it. It shows the galaxies of a file of predictions
and those that look alike, and collects the labels of one person or several in the order of
`galaxyclass select`. Each label is on the disk before the next picture is shown. The button
Finetune makes a model of the labels, beside them; `finetune --table FILE` does so here.

MODEL is the model that predicts: a run, a bundle, an .onnx file, or the pretrained model. Only this
machine reaches the page by default. With another --host the printed address has a token. The
connection is not encrypted. Ctrl-C stops the server."""


#: Options of a labelling.
_OF_LABELS = ("classes", "tree", "labelled", "by", "answer", "where", "renew_every", "repeat")


@click.command(cls=Command, epilog=EPILOG)
@click.argument("model", metavar="[MODEL]", default="pretrained", type=click.Path(path_type=Path))
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    help="A file of predictions to look at; similar galaxies and labels need its embedding "
    "(predict --include embedding).",
)
@options.images_folder_or_none
@click.option(
    "--label",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Label galaxies of --predictions, and keep the labels in this file (.jsonl); it is made, "
    "or gone on with.",
)
@click.option(
    "--classes",
    metavar="NAME,NAME…",
    callback=options.comma_separated,
    help="What galaxies are labelled as: two to nine classes.",
)
@click.option(
    "--tree",
    metavar="TREE",
    help="Instead of --classes, the questions of a tree: galaxy_zoo_2, or a TOML file.",
)
@click.option(
    "--labelled",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="A table of labels that you have already, an id and one of --classes: they are copied "
    "into the file of --label.",
)
@click.option(
    "--by",
    type=click.Choice(["uncertain", "likely", "strange", "random"]),
    default="uncertain",
    show_default=True,
    help="Which galaxies are labelled first; see `galaxyclass select`.",
)
@click.option(
    "--answer",
    metavar="NAME",
    help="For --by likely: a class, a column of the predictions, or the code of an answer.",
)
@options.where("Label")
@click.option(
    "--renew-every",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="LABELS",
    help="Learn from the labels, and renew the order, after so many; 0: never.",
)
@click.option(
    "--repeat",
    type=click.FloatRange(0, 0.5),
    default=0.1,
    show_default=True,
    help="Share of galaxies that are shown to a second person, to see how far people agree.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets other machines in, with a token.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0: any that is free.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@options.quote_formulas_option
@options.inference
@click.pass_context
def command(
    context: click.Context,
    *,
    model: Path,
    predictions: Path | None,
    images: Path | None,
    label: Path | None,
    classes: tuple[str, ...],
    tree: str | None,
    labelled: Path | None,
    by: str,
    answer: str | None,
    where: tuple[str, ...],
    renew_every: int,
    repeat: float,
    host: str,
    port: int,
    open_page: bool,
    quote_formulas: bool,
    inference: InferenceOptions,
) -> None:
    """Open a page to predict, look at and label galaxies, with an API for programs."""
    from galaxyclass.serving.label_plan import LabelPlan
    from galaxyclass.serving.start import serve

    labels = None
    if label is not None:
        labels = LabelPlan(
            label,
            label_classes=classes,
            label_tree=tree,
            labelled=labelled,
            by=by,
            answer=answer,
            where=where,
            renew_every=renew_every,
            repeat=repeat,
        )
    elif unused := [
        option for name, option in options.stated(context).items() if name in _OF_LABELS
    ]:
        raise click.UsageError(f"{', '.join(unused)}: only with --label.")

    def ready(address: str) -> None:
        echo(f"{address}  (Ctrl-C stops it)")
        if open_page:
            webbrowser.open(address)

    show_notes()
    with bars() as progress:
        serve(
            model,
            predictions=predictions,
            images=images,
            labels=labels,
            host=host,
            port=port,
            quote_formulas=quote_formulas,
            options=inference,
            progress=progress,
            ready=ready,
        )
