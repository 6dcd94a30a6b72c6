"""Which galaxies no training may see, chosen before the first one, and the tables that follow.

    python experiments/held_out.py DATA OUTPUT [--cache DIR]

1. The parts of the four older tables stay what `best` draws (``split.validation=0.15``,
   ``split.seed=0``).
2. 600 galaxies more are drawn, by `SEED`, from those of ``galaxy-zoo-challenge-more`` that are a
   fair sample of the challenge (``unselected`` in ``selection.csv``) and whose picture stands in no
   other table: nothing that is trained on today has to be given up for them.
3. A picture of ``galaxy-zoo-challenge-more`` that is held out in another table is held out too.
   Pictures are the same where their cutouts are (the frame of `best`), pixel by pixel: files
   differ, as some were cut to their middle without loss.
4. Of the two tables of counts that came later, a share `SHARE` is held out, drawn by `SEED`; and
   what lies within 3 arcsec of a galaxy that is held out in another table of counts.

OUTPUT then has

- ``held_out.csv``: folder, id and reason of each galaxy of 2 to 4;
- ``images/``: links to the images of both folders of the challenge, for the table of classes;
- ``votes_more/``, ``counts_more/``, ``stripe82/`` and ``five_classes/`` (both tables of classes as
  one): ``train.csv`` and ``val.csv``, as `galaxyclass train --also` takes a folder for a table;
- ``fair/`` and ``fair_classes/``: of the first and the last of these, the galaxies that were not
  chosen by what volunteers said of them (of the classes: those of ``galaxy-zoo-challenge``, too);
- ``scored/``: tables for `galaxyclass evaluate --part all`: ``unselected.csv`` and
  ``unselected_classes.csv`` (the 600, with their votes, and with their classes), and what was held
  out before: ``challenge.csv``, ``galaxy_zoo_2.csv``, ``classes.csv``.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from galaxyclass import Dataset, load_recipe, pack, read_catalog
from galaxyclass.data.dataset.samples import prepare_all
from galaxyclass.progress import silent

SEED = 19
COUNT = 600
SHARE = 0.05
ARCSEC = 3.0

#: The older tables, in the order of the model's card: their parts depend on it.
OLD = (
    ("galaxy-zoo-challenge", "votes.csv"),
    ("galaxy-zoo-2", "votes.csv"),
    ("galaxy-zoo-2-counts", "votes.csv"),
    ("galaxy-zoo-challenge", "five_classes.csv"),
)
MORE = "galaxy-zoo-challenge-more"
COUNTS = {"galaxy-zoo-2-counts-more": "counts_more", "galaxy-zoo-2-stripe82": "stripe82"}

Row = dict[str, str]
#: Folder and id of a galaxy.
Key = tuple[str, str]


def rows_of(path: Path) -> list[Row]:
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a table with the columns of its first row."""
    found = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def write_parts(folder: Path, rows: list[Row], held_out: set[str]) -> None:
    """Write train.csv and val.csv; the first column is the id."""
    name = next(iter(rows[0]))
    write(folder / "train.csv", (row for row in rows if row[name] not in held_out))
    write(folder / "val.csv", (row for row in rows if row[name] in held_out))


def ids_of(rows: list[Row]) -> list[str]:
    """The first column."""
    return [next(iter(row.values())) for row in rows]


def directions(rows: list[Row]) -> NDArray[np.float64]:
    """(galaxies, 3) unit vectors of places in the sky."""
    ra, dec = (np.radians([float(row[name]) for row in rows]) for name in ("ra", "dec"))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def near(rows: list[Row], others: list[Row]) -> NDArray[np.bool_]:
    """(galaxies,) whether one of the others lies at the same place."""
    if not others:
        return np.zeros(len(rows), dtype=bool)
    farthest = 2 * np.sin(np.radians(ARCSEC / 3600) / 2)
    distance, _ = cKDTree(directions(others)).query(directions(rows))
    return np.asarray(distance <= farthest)


def older_galaxies(
    data: Path, cache: Path | None, workers: int | None
) -> tuple[dict[Key, bytes], set[Key]]:
    """The pixels of each galaxy of the older tables, and which of them are held out."""
    recipe = load_recipe("best")
    tables = [(data / folder / "images", data / folder / table) for folder, table in OLD]
    dataset = Dataset(*tables[0], also=tables[1:])
    samples = prepare_all(dataset, recipe.images, cache=cache, workers=workers, progress=silent)
    parts = samples.split(recipe.split, 0)
    pixels: dict[Key, bytes] = {}
    held_out: set[Key] = set()
    for (folder, _), sample, drawn in zip(OLD, samples.tables, parts, strict=True):
        for name, part, row in zip(sample.catalog.ids.values, drawn, sample.rows, strict=True):
            pixels[folder, name] = sample.pack.images[row].tobytes()
            if part != "train":
                held_out.add((folder, name))
    return pixels, held_out


def newer_galaxies(data: Path, cache: Path | None, workers: int | None) -> dict[str, bytes]:
    """The pixels of each galaxy of the challenge that came later, with votes or a class only."""
    catalog = read_catalog(data / MORE / "images", data / "teachers" / f"{MORE}.csv.gz")
    known = {
        name
        for table in ("votes", "five_classes")
        for name in ids_of(rows_of(data / MORE / f"{table}.csv"))
    }
    if known != set(catalog.ids.values):
        raise click.ClickException(f"{MORE}: the tables list other galaxies than the teachers")
    files, places = catalog.files()
    packed = pack(files, load_recipe("best").images, cache=cache, workers=workers)
    return {
        name: packed.images[place].tobytes()
        for name, place in zip(catalog.ids.values, places, strict=True)
    }


def unselected(data: Path) -> set[str]:
    """The galaxies that are a fair sample of the challenge."""
    return {
        row["GalaxyID"]
        for row in rows_of(data / MORE / "selection.csv")
        if row["unselected"] == "1"
    }


def draw_unselected(
    data: Path, newer: dict[str, bytes], older: set[bytes], rng: np.random.Generator
) -> set[str]:
    """600 galaxies of the fair sample whose picture stands nowhere else."""
    owners = Counter(newer.values())
    fair = sorted(
        name for name in unselected(data) if owners[newer[name]] == 1 and newer[name] not in older
    )
    return {fair[place] for place in rng.permutation(len(fair))[:COUNT]}


def hold_out_counts(data: Path, held_out: dict[Key, str], rng: np.random.Generator) -> None:
    """Add the galaxies of the later tables of counts."""
    first = rows_of(data / OLD[2][0] / OLD[2][1])
    away = [row for row in first if (OLD[2][0], row["id"]) in held_out]
    later = {folder: rows_of(data / folder / "votes.csv") for folder in COUNTS}
    for folder, rows in later.items():
        names = ids_of(rows)
        chosen = rng.permutation(len(rows))[: round(SHARE * len(rows))]
        for place in np.argsort(names)[chosen]:
            held_out[folder, names[place]] = "drawn"
            away.append(rows[place])
    for folder, rows in later.items():
        for name, is_near in zip(ids_of(rows), near(rows, away), strict=True):
            if is_near:
                held_out.setdefault((folder, name), "same place")
    stay = [row for row in first if (OLD[2][0], row["id"]) not in held_out]
    if near(stay, away).any():
        raise click.ClickException("a galaxy is held out in one table of counts only: another SEED")


def write_tables(data: Path, output: Path, held_out: dict[Key, str]) -> None:
    """Write what is trained on, and what is scored."""

    def away(*folders: str, reason: str | None = None) -> set[str]:
        return {
            name
            for (folder, name), why in held_out.items()
            if folder in folders and reason in (None, why)
        }

    votes = rows_of(data / MORE / "votes.csv")
    write_parts(output / "votes_more", votes, away(MORE))
    fair = unselected(data)
    write_parts(output / "fair", [row for row in votes if row["GalaxyID"] in fair], away(MORE))
    for folder, short in COUNTS.items():
        write_parts(output / short, rows_of(data / folder / "votes.csv"), away(folder))
    classes = [
        {"GalaxyID": row["GalaxyID"], "class": row["class"]}
        for folder in (OLD[0][0], MORE)
        for row in rows_of(data / folder / "five_classes.csv")
    ]
    never, drawn = away(OLD[0][0], MORE), away(MORE, reason="drawn")
    write_parts(output / "five_classes", classes, never)
    fair |= set(ids_of(rows_of(data / OLD[0][0] / OLD[0][1])))
    write_parts(output / "fair_classes", [row for row in classes if row["GalaxyID"] in fair], never)
    for name, rows, chosen in (
        ("challenge", rows_of(data / OLD[0][0] / "votes.csv"), never),
        ("galaxy_zoo_2", rows_of(data / OLD[1][0] / "votes.csv"), away(OLD[1][0])),
        ("classes", classes, away(OLD[0][0])),
        ("unselected", votes, drawn),
        ("unselected_classes", classes, drawn),
    ):
        kept = [row for row in rows if next(iter(row.values())) in chosen]
        write(output / "scored" / f"{name}.csv", kept)
    write(
        output / "held_out.csv",
        (
            {"folder": folder, "id": name, "reason": reason}
            for (folder, name), reason in sorted(held_out.items())
            if reason != "older"
        ),
    )
    links = output / "images"
    links.mkdir(parents=True, exist_ok=True)
    for folder in (OLD[0][0], MORE):
        for image in sorted((data / folder / "images").iterdir()):
            link = links / image.name
            if not link.is_symlink():
                link.symlink_to(image)


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Of packs.")
@click.option("--workers", type=int, help="Processes that decode images.")
def command(*, data: Path, output: Path, cache: Path | None, workers: int | None) -> None:
    """Choose the galaxies that are held out of DATA and write tables to OUTPUT."""
    data = data.resolve()
    older, never = older_galaxies(data, cache, workers)
    newer = newer_galaxies(data, cache, workers)
    rng = np.random.default_rng(SEED)
    held_out = dict.fromkeys(never, "older")
    pictures = {older[key] for key in never}
    drawn = draw_unselected(data, newer, set(older.values()), rng)
    for name, pixels in newer.items():
        if name in drawn:
            held_out[MORE, name] = "drawn"
        elif pixels in pictures:
            held_out[MORE, name] = "same picture"
    hold_out_counts(data, held_out, rng)
    write_tables(data, output, held_out)
    folders = defaultdict(set)
    for (folder, _), pixels in older.items():
        folders[pixels].add(folder)
    shared = Counter(
        ", ".join(sorted(folders[pixels])) for pixels in newer.values() if pixels in folders
    )
    for where, count in sorted(shared.items()):
        click.echo(f"{count} pictures of {MORE} stand in {where} too")
    reasons = Counter((folder, reason) for (folder, _), reason in held_out.items())
    for (folder, reason), count in sorted(reasons.items()):
        click.echo(f"{folder:<28} {reason:<14} {count:>6,}")


if __name__ == "__main__":
    command()
