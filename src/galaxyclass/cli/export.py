"""``galaxyclass export``."""

from __future__ import annotations

from pathlib import Path

import click

from galaxyclass.arguments import Bits
from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.shown import echo

EPILOG = """\b
Examples:
  galaxyclass export runs/first --output model.onnx
  galaxyclass export runs/first --output model.onnx --images sky/images
  galaxyclass export runs/first --output small.onnx --bits 16
  galaxyclass export runs/first --output fast.onnx --bits 8 --images sky/images
  galaxyclass export pretrained --output pretrained.onnx
  galaxyclass export pretrained --output copy.onnx --bits 8

The network's input is cutouts (galaxies, height, width, channels) uint8, its output fractions or
probabilities. The file's properties describe how to cut out images and the names of the outputs.
It is compared with MODEL before it is written."""


BITS: dict[str, Bits] = {"32": 32, "16": 16, "8": 8}


@click.command(cls=ManyValues, epilog=EPILOG)
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@options.output("the network: a name that ends in .onnx")
@click.option(
    "--images",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of images, or files, on which the exported network is compared with it; by "
    "default simulated galaxies. --bits 8 needs them, unless MODEL has 8 bits already.",
)
@click.option(
    "--bits",
    default="32",
    show_default=True,
    type=click.Choice(list(BITS)),
    help="Bits of a number. 16: rounded weights, half the size. 8: rounded weights and products, "
    "about three times as fast; the ranges of the numbers are measured on --images, which should "
    "be like those that will be predicted.",
)
@options.seed
@options.overwrite
def command(
    *, model: Path, output: Path, images: tuple[Path, ...], bits: str, seed: int, overwrite: bool
) -> None:
    """Write the network of MODEL, the folder of a training or `pretrained`, as ONNX."""
    from galaxyclass.model.export.export import export

    with bars() as progress:
        exported = export(
            model,
            output=output,
            images=images or None,
            bits=BITS[bits],
            seed=seed,
            overwrite=overwrite,
            progress=progress,
        )
    echo(f"{exported.output}, {exported.describe()}")
