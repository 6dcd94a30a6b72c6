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

The network's input is cutouts (galaxies, height, width, channels) uint8, its output fractions or
probabilities. The file's properties describe how to cut out images and the names of the outputs.
It is compared with the run before it is written."""


@click.command(cls=options.ManyValues, epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@options.output("the network: a name that ends in .onnx")
@click.option(
    "--images",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of images, or files, on which the exported network is compared with the run; by "
    "default simulated galaxies.",
)
@click.option("--half", is_flag=True, help="Round the weights to 16 bits: half the size.")
@options.overwrite
def command(
    *, run: Path, output: Path, images: tuple[Path, ...], half: bool, overwrite: bool
) -> None:
    """Write the network of RUN, the folder of a training or `pretrained`, as ONNX."""
    from galaxyclass.extras import require

    require("onnxscript", "onnx", "torch", "timm", "safetensors")
    from galaxyclass.model.export.export import export

    with bars() as progress:
        exported = export(
            run,
            output=output,
            images=images or None,
            half=half,
            overwrite=overwrite,
            progress=progress,
        )
    click.echo(
        f"{exported.output}, {exported.size / 1e6:.1f} MB; on {exported.check.images} images it "
        f"differs from the run by {exported.check.difference:.1g} at most"
    )
