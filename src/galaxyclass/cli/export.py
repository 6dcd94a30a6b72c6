"""``galaxyclass export``."""

from __future__ import annotations

from pathlib import Path

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars

EPILOG = """\b
Examples:
  galaxyclass export runs/first --output model.onnx
  galaxyclass export runs/first --output model.onnx --images sky/images
  galaxyclass export runs/first --output small.onnx --half
  galaxyclass export pretrained --output pretrained.onnx

The file takes cutouts (galaxies, height, width, channels) of bytes and gives fractions or
probabilities; how to cut out, and what each number is called, is in its properties. It is compared
with the run before it appears."""


@click.command(cls=options.ManyValues, epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@options.output("the network: a name that ends in .onnx")
@click.option(
    "--images",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of images, or files, to compare the exported network with the run on; simulated "
    "galaxies unless told otherwise.",
)
@click.option("--half", is_flag=True, help="Round the weights to 16 bits: half the size.")
@options.overwrite
def command(
    *, run: Path, output: Path, images: tuple[Path, ...], half: bool, overwrite: bool
) -> None:
    """Write the network of RUN, a training's folder or `pretrained`, as ONNX for any program."""
    from galaxyclass.extras import require

    require("onnxscript", "onnx", "torch", "timm", "safetensors")
    from galaxyclass.model.export.export import export

    with bars() as progress:
        done = export(
            run,
            output=output,
            images=images or None,
            half=half,
            overwrite=overwrite,
            progress=progress,
        )
    click.echo(
        f"{done.output}, {done.size / 1e6:.1f} MB; on {done.check.images} pictures it differs "
        f"from the run by {done.check.difference:.1g} at most"
    )
