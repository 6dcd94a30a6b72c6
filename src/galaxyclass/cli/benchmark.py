"""``galaxyclass benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options

if TYPE_CHECKING:
    from galaxyclass.study.benchmark.results import Benchmark

EPILOG = """\b
Examples:
  galaxyclass benchmark --output speed                       (1,000 simulated galaxies)
  galaxyclass benchmark --images images/ --table votes.csv --recipe notebook --output speed
writes speed/benchmark.json. Nothing else should run meanwhile."""

#: What each speed is, in the order of the work.
NAMES = {
    "decode": "decode every pixel",
    "prepare": "prepare: decode and cut out",
    "prepare_loop": "the same in a bare loop of processes",
    "pack": "pack",
    "network": "network alone, predicting",
    "predict": "predict: from files to CSV",
    "train_network": "network alone, training",
    "train": "train",
    "train_fp32": "train in 32-bit floats",
}


@click.command(epilog=EPILOG)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="A folder of images; otherwise galaxies are simulated.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="Votes or classes of the images; otherwise votes are made up: no speed depends on them.",
)
@click.option("--recipe", default="fast", show_default=True, help="A recipe, or a TOML file.")
@options.assignments
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
    help="How often each is measured, in turns.",
)
@options.device
@options.output("benchmark.json: a folder")
@options.overwrite
def command(images: Path | None, table: Path | None, **given: Any) -> None:
    """Measure how fast this machine packs, trains and predicts, and how fast it could."""
    from galaxyclass.cli.bars import bars
    from galaxyclass.data.catalog.read import require_sources
    from galaxyclass.extras import require

    if table is not None and images is None:
        raise click.UsageError("--table needs --images: the images that it tells of.")
    if images is not None:
        require_sources(images, table)  # before torch is loaded
    require("torch", "timm", "lightning", "safetensors", "matplotlib", "tensorboard")
    from galaxyclass.study.benchmark.benchmark import benchmark

    with bars() as progress:
        found = benchmark(
            images,
            table,
            output=given["output"],
            recipe=given["recipe"],
            settings=given["assignments"],
            count=given["count"],
            repeats=given["repeats"],
            device=given["device"],
            overwrite=given["overwrite"],
            progress=progress,
        )
    _print(found)
    click.echo(f"written to {given['output'] / 'benchmark.json'}")


def _print(found: Benchmark) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "images/s", "lowest to highest", "share"):
        table.add_column(name, justify="left" if name in ("", "share") else "right")
    shares = {share.what: share for share in found.shares}
    for name, words in NAMES.items():
        speed, reached = found.speeds[name], shares.get(name)
        table.add_row(
            words,
            f"{speed.median:,.0f}",
            f"{speed.low:,.0f} to {speed.high:,.0f}",
            "" if reached is None else f"{100 * reached.value:.0f} % of {reached.of}",
        )
    console = Console(highlight=False, width=None if Console().is_terminal else 110)
    console.print(table)
    products = ", ".join(
        f"{found.gflop[name]:,.0f} in {name}" for name in ("fp32", "bf16") if name in found.gflop
    )
    tried = "; ".join(
        f"{way} {speed:,.0f}" for way, speed in found.runtime["images_per_second"].items()
    )
    grew = "; ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in found.memory.items())
    lines = [
        f"{found.images:,} galaxies, recipe {found.recipe}, median of {found.repeats}.",
        f"Ways to train, images/s: {tried}." if tried else "",
        f"Augmentation: {100 * found.augmentation:.1f} % of a training step.",
        f"Matrix product, GFLOP/s: {products}. "
        f"The network: {found.gflop['inference']:.2f} GFLOP an image, "
        f"{found.gflop['training']:.2f} in training.",
        f"Memory that it took at most, beside the libraries: {grew}." if grew else "",
    ]
    for line in filter(None, lines):
        click.echo(line)
