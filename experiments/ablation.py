"""What each ingredient of the recipe `best` brings: each is taken away by itself.

    python experiments/ablation.py DATA --output DIR [--epochs 17] [--seed 0 …] [--only NAME …]

DATA holds the four tables of the pretrained model (its card names them). Every training has a
folder in DIR, and is skipped or resumed where it stands there already; ``ablation.csv`` is written
anew after each, a line per training: RMSE on the held-out galaxies of the challenge (the answers
that all know, and all 37) and of Galaxy Zoo 2.
"""

from __future__ import annotations

import csv
from pathlib import Path

import click

import galaxyclass
from galaxyclass.io.atomic import writing
from galaxyclass.tasks.scores.votes import VoteScores

#: The ingredient that is taken away, and the settings that do so.
WITHOUT: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "all orientations at once": ("model.encoder=residual",),
    "orthogonal steps": ("optimizer.name=adamw",),
    # As many minutes: the epochs on small cutouts take half the time.
    "progressive resizing": ("training.progressive_resizing=[]", "training.epochs=*0.65"),
    "the tree in the head": ("model.head=sigmoid",),
    "rotation": ("augmentation.rotation=0",),
    "zoom": ("augmentation.zoom=[1, 1]",),
    "brightness and colour": ("augmentation.brightness=0", "augmentation.colour=0"),
    "the moving average": ("training.ema=0",),
    # As many steps: this table is 0.4 of all.
    "other tables": ("training.epochs=*2.5",),
}
ALONE = "other tables"

#: The tables, the first and those beside it.
FIRST = ("galaxy-zoo-challenge/images", "galaxy-zoo-challenge/votes.csv")
ALSO = (
    ("galaxy-zoo-2/images", "galaxy-zoo-2/votes.csv"),
    ("galaxy-zoo-2-counts/images", "galaxy-zoo-2-counts/votes.csv"),
    ("galaxy-zoo-challenge/images", "galaxy-zoo-challenge/five_classes.csv"),
)


def settings_of(name: str, epochs: int) -> list[str]:
    """The settings of a row; ``*0.5`` is half of the epochs."""
    found = [f"training.epochs={epochs}"]
    for setting in WITHOUT[name]:
        key, _, value = setting.partition("=")
        if value.startswith("*"):
            value = str(round(epochs * float(value[1:])))
        found.append(f"{key}={value}")
    return found


def train(name: str, data: Path, folder: Path, *, epochs: int, seed: int, cache: Path) -> None:
    """Train a row, or go on where it was stopped."""
    if (folder / "metrics.json").is_file():
        return
    if (folder / "run.json").is_file():
        galaxyclass.resume(folder, cache=cache)
        return
    also = () if name == ALONE else ALSO
    dataset = galaxyclass.Dataset(
        data / FIRST[0],
        data / FIRST[1],
        also=[(data / images, data / table) for images, table in also],
    )
    galaxyclass.train(
        "best",
        dataset,
        output=folder,
        settings=settings_of(name, epochs),
        seed=seed,
        cache=cache,
    )


def scored(name: str, data: Path, run: Path) -> dict[str, float]:
    """RMSE of a run on what it did not train on."""
    tables = {"challenge": FIRST, "galaxy_zoo_2": ALSO[0]}
    if name == ALONE:  # it held out all of Galaxy Zoo 2: other galaxies than the others did
        del tables["galaxy_zoo_2"]
    found = {}
    for key, (images, table) in tables.items():
        scores = galaxyclass.evaluate(
            run,
            data / images,
            data / table,
            output=run / f"scores_{key}",
            part="unseen",
            overwrite=True,
        )
        assert isinstance(scores.scores, VoteScores)
        found[key] = scores.scores.overall.value
        found |= {f"{key}_{one.key}": mine.value for one, mine, _ in scores.report.extents}
        found[f"{key}_galaxies"] = scores.scores.galaxies
    return found


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--epochs", default=17, show_default=True)
@click.option("--seed", "seeds", multiple=True, type=int, default=(0,), show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(WITHOUT)))
@click.option("--cache", type=click.Path(path_type=Path), help="Of packs; in DIR unless told so.")
def command(
    *,
    data: Path,
    output: Path,
    epochs: int,
    seeds: tuple[int, ...],
    only: tuple[str, ...],
    cache: Path | None,
) -> None:
    """Train `best` with one ingredient after the other taken away, and score each."""
    rows: list[dict[str, object]] = []
    for seed in seeds:
        for name in only or WITHOUT:
            folder = output / f"{name.replace(' ', '_')}-{seed}"
            train(name, data, folder, epochs=epochs, seed=seed, cache=cache or output / "cache")
            row = {"without": name, "seed": seed, **scored(name, data, folder)}
            click.echo("  ".join(f"{key} {value}" for key, value in row.items()))
            rows.append(row)
            columns = dict.fromkeys(key for one in rows for key in one)
            with writing(output / "ablation.csv") as path, path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(columns))
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    command()
