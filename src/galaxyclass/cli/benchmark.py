"""``galaxyclass benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options
from galaxyclass.cli.command import Command
from galaxyclass.cli.plain_console import PlainConsole
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.study.benchmark.results import Benchmark

EPILOG = """\b
Examples:
  galaxyclass benchmark --output speed
  galaxyclass benchmark --images sky/images --table sky/votes.csv --recipe fast --output speed-sky

The first one measures 1,000 simulated galaxies. The output folder gets benchmark.json. Run nothing
else meanwhile."""

#: Name of each speed, in the order of the work.
NAMES = {
    "decode": "decode all pixels",
    "prepare": "prepare: decode and cut out",
    "prepare_loop": "the same in a bare loop of processes",
    "pack": "pack",
    "network": "network alone, predicting",
    "predict": "predict: from files to CSV",
    "train_network": "network alone, training",
    "train": "train",
    "train_fp32": "train in 32-bit floats",
}


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="A folder of images; by default galaxies are simulated.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="Votes or classes of the images; by default random votes, which do not affect speed.",
)
@click.option(
    "--recipe", default="fast", show_default=True, help="A recipe's name, or a TOML file."
)
@options.settings
@click.option(
    "--count",
    type=click.IntRange(min=50),
    default=1000,
    show_default=True,
    help="Galaxies to use, at most.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How often each speed is measured.",
)
@options.device
@options.output("benchmark.json: a folder")
@options.overwrite
def command(images: Path | None, table: Path | None, **values: Any) -> None:
    """Measure how fast this machine packs, trains and predicts, compared with its limits."""
    from galaxyclass.cli.bars import bars
    from galaxyclass.data.catalog.read import require_sources
    from galaxyclass.extras import TRAINING, require_installed

    if table is not None and images is None:
        raise click.UsageError("--table needs --images: the images of its galaxies.")
    if images is not None:
        require_sources(images, table)  # before torch is loaded
    require_installed(*TRAINING)
    from galaxyclass.study.benchmark.benchmark import benchmark

    with bars() as progress:
        result = benchmark(
            images,
            table,
            output=values["output"],
            recipe=values["recipe"],
            settings=values["settings"],
            count=values["count"],
            repeats=values["repeats"],
            device=values["device"],
            overwrite=values["overwrite"],
            progress=progress,
        )
    _print(result)
    echo(f"written to {values['output'] / 'benchmark.json'}")


def _print(result: Benchmark) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "images/s", "lowest to highest", "share"):
        table.add_column(name, justify="left" if name in ("", "share") else "right")
    shares = {share.what: share for share in result.shares}
    for name, words in NAMES.items():
        speed, reached = result.speeds[name], shares.get(name)
        table.add_row(
            words,
            f"{speed.median:,.0f}",
            f"{speed.low:,.0f} to {speed.high:,.0f}",
            "" if reached is None else f"{100 * reached.value:.0f} % of {reached.of}",
        )
    console = PlainConsole(highlight=False, width=None if PlainConsole().is_terminal else 110)
    console.print(table)
    products = ", ".join(
        f"{result.gflop[name]:,.0f} in {name}" for name in ("fp32", "bf16") if name in result.gflop
    )
    trials = "; ".join(
        f"{settings} {speed:,.0f}"
        for settings, speed in result.runtime["images_per_second"].items()
    )
    growth = "; ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in result.memory.items())
    lines = [
        f"{counted(result.images, 'galaxy')}, recipe {result.recipe}, median of {result.repeats}.",
        f"Runtime settings that were tried, images/s: {trials}." if trials else "",
        f"Augmentation: {100 * result.augmentation:.1f} % of a training step.",
        f"Matrix product, GFLOP/s: {products}. "
        f"The network: {result.gflop['inference']:.2f} GFLOP an image, "
        f"{result.gflop['training']:.2f} in training.",
        f"Peak memory, besides the libraries: {growth}." if growth else "",
    ]
    for line in filter(None, lines):
        echo(line)
