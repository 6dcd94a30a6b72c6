"""Train the network of the model in the box, from the data to a calibrated run.

    python scripts/train_box.py DATA runs/

DATA holds the folders that SOURCES and PICTURES name. Two networks learn from all tables. What each
says of eight views of every picture, labelled or not, is then learnt by a third beside the labels
(distillation: what a table does not say is learnt from the teachers). The same galaxies are held
out of all three.

A step that is done is not done again: the same command goes on. `make_box.py` makes the box of
the last run.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import click

import galaxyclass
from galaxyclass.cli.bars import bars
from galaxyclass.errors import GalaxyclassError
from galaxyclass.training import run as files

#: Images and table, below DATA; the first is what the network is for.
SOURCES = (
    ("galaxy-zoo-challenge/images", "galaxy-zoo-challenge/votes.csv"),
    ("galaxy-zoo-2/images", "galaxy-zoo-2/votes.csv"),
    ("galaxy-zoo-2-counts/images", "galaxy-zoo-2-counts/votes.csv"),
    ("galaxy-zoo-challenge/images", "galaxy-zoo-challenge/five_classes.csv"),
)

#: Pictures that the teachers label, below DATA.
PICTURES = (
    "galaxy-zoo-challenge/images",
    "galaxy-zoo-challenge/images_test",
    "galaxy-zoo-2/images",
    "galaxy-zoo-2-counts/images",
    "galaxy-zoo-1/images",
)

#: The teachers: their seeds, and what differs from the recipe.
TEACHERS: dict[str, tuple[int, tuple[str, ...]]] = {
    "first": (0, ()),
    "second": (1, ("training.epochs=45",)),
}
VIEWS = 8

#: The pupil has more galaxies in an epoch.
PUPIL = ("training.epochs=58",)


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--set", "settings", multiple=True, help="Changes to the recipe of all three.")
def main(data: Path, output: Path, settings: tuple[str, ...]) -> None:
    """Train teachers, let them label, train the pupil, calibrate it."""
    sources = [(data / images, data / table) for images, table in SOURCES]
    for name, (seed, own) in TEACHERS.items():
        _train(output / name, sources, seed, (*own, *settings))
    labelled = []
    for name, folder in product(TEACHERS, PICTURES):
        table = output / "taught" / f"{name}_{folder.replace('/', '_')}.csv"
        if not table.exists():
            table.parent.mkdir(parents=True, exist_ok=True)
            with bars() as progress:
                galaxyclass.predict(
                    output / name, data / folder, table, views=VIEWS, progress=progress
                )
        labelled.append((data / folder, table))
    boxed = output / "boxed"
    _train(boxed, [*sources, *labelled], 2, (*PUPIL, *settings))
    with bars() as progress:
        galaxyclass.calibrate(boxed, *sources[0], progress=progress)
    click.echo(f"the network for the box is in {boxed}")


def _train(
    folder: Path, sources: list[tuple[Path, Path]], seed: int, settings: tuple[str, ...]
) -> None:
    if (folder / files.METRICS).exists():
        return
    with bars() as progress:
        if (folder / files.INFO).exists():
            galaxyclass.resume(folder, progress=progress)
            return
        (images, table), *also = sources
        galaxyclass.train(
            "best",
            images,
            table,
            output=folder,
            settings=settings,
            also=also,
            seed=seed,
            progress=progress,
        )


if __name__ == "__main__":
    try:
        main(standalone_mode=True)
    except GalaxyclassError as error:
        raise SystemExit(str(error)) from error
