"""How the score of `best` falls with the number of labelled galaxies, and where that leads.

    python experiments/learning_curve.py DATA TABLES OUTPUT

TABLES is what `held_out.py` wrote. Each network is taught labels alone: no teachers, no classes,
no weights from elsewhere. The galaxies of the challenge are put in one order (`SEED`) and the
first 1,000, 2,000, 4,000 and all of them are taken, so that each set holds the one before; the
last network learns the tables of Galaxy Zoo 2 beside all of them, by a last layer of their own.
All are scored on the 600 unselected galaxies that `held_out.py` keeps back, all 37 answers.

OUTPUT then has a run for each number, ``curve.csv`` (one row each) and ``curve.png``. A run that
is there is not trained again, one that was stopped goes on; so the command may be given again.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

SEED = 23
#: Numbers of labelled galaxies (0: all of the challenge), and epochs for each: the fewer galaxies,
#: the more often each is seen.
EPOCHS = {1_000: 48, 2_000: 36, 4_000: 24, 0: 14}
EPOCHS_WITH_ALL_TABLES = 10
#: How many galaxies the challenge gave its entrants.
CHALLENGE = 61_578

Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[Row]) -> None:
    """Write a table with the columns of its first row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def labelled_galaxies(data: Path, tables: Path) -> list[Row]:
    """All training galaxies of the challenge, one row each, in an order drawn by `SEED`."""
    challenge = data / "galaxy-zoo-challenge"
    held_out = {row["GalaxyID"] for row in rows_of(tables / "scored" / "challenge.csv")}
    found: dict[str, Row] = {}
    for path in (
        challenge / "votes.csv",
        challenge / "votes_added.csv",
        tables / "votes_more" / "train.csv",
    ):
        found |= {row["GalaxyID"]: row for row in rows_of(path) if row["GalaxyID"] not in held_out}
    ordered = [found[name] for name in sorted(found)]
    return [ordered[i] for i in np.random.default_rng(SEED).permutation(len(ordered))]


def train(run: Path, arguments: list[str]) -> None:
    """Train a run, go on with one that was stopped, or leave one that is finished."""
    if (run / "metrics.json").is_file():
        return
    goes_on = (run / "checkpoints" / "last.ckpt").is_file()
    galaxyclass("train", *(["--resume", str(run)] if goes_on else arguments))


def galaxyclass(*arguments: str) -> None:
    """Run the command, or stop with it."""
    subprocess.run([sys.executable, "-m", "galaxyclass", *arguments], check=True)


def score(run: Path, tables: Path) -> tuple[float, float, float]:
    """RMSE over 37 answers on the unselected galaxies, and its 95 % interval."""
    output = run.with_name(f"{run.name}-score")
    if not (output / "metrics.json").is_file():
        galaxyclass(
            *("evaluate", str(run), "--part", "all", "--output", str(output), "--overwrite"),
            *("--images", str(tables / "images")),
            *("--table", str(tables / "scored" / "unselected.csv")),
        )
    found = json.loads((output / "metrics.json").read_text(encoding="utf-8"))["rmse"]
    return found["value"], found["low"], found["high"]


def power_law(
    counts: NDArray[np.float64], errors: NDArray[np.float64], *, has_floor: bool
) -> tuple[float, float, float]:
    """Exponent, factor and floor of ``error**2 = floor**2 + (factor * n**-exponent)**2``.

    Without a floor the error falls for ever; four points do not tell which of both is true.
    """

    def residual(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return predicted((*values, 0.0)[:3], counts) - errors

    start, upper = ([0.4, 1.0, 0.07], [2.0, 50.0, 0.2]) if has_floor else ([0.1, 0.2], [2.0, 50.0])
    fit = least_squares(residual, start, bounds=(np.zeros(len(start)), upper))
    exponent, factor, floor = (*map(float, fit.x), 0.0)[:3]
    return exponent, factor, floor


def predicted(law: Sequence[float], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The error that a law expects of so many labels."""
    exponent, factor, floor = law
    return np.asarray(np.sqrt(floor**2 + (factor * counts**-exponent) ** 2))


def draw(rows: list[Row], laws: dict[str, Sequence[float]], path: Path) -> None:
    """The measured scores with their intervals, and the laws drawn on to the challenge's size."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    along = np.geomspace(800, 80_000, 200)
    for (name, law), style in zip(laws.items(), ("--", ":"), strict=True):
        axes.plot(along, predicted(law, along), color="0.5", linestyle=style, label=name)
    for name, marker, colour in (
        ("challenge", "o", "#0072B2"),
        ("challenge and Galaxy Zoo 2", "s", "#D55E00"),
    ):
        chosen = [row for row in rows if row["tables"] == name]
        middle = np.array([float(row["rmse"]) for row in chosen])
        spread = [
            middle - [float(row["low"]) for row in chosen],
            [float(row["high"]) for row in chosen] - middle,
        ]
        axes.errorbar(
            [int(row["galaxies"]) for row in chosen],
            middle,
            yerr=spread,
            fmt=marker,
            color=colour,
            capsize=3,
            label=f"labels of the {name}",
        )
    axes.plot([CHALLENGE], [0.0749], "*", color="black", label="winner of the challenge, published")
    axes.set_xscale("log")
    axes.set_xlabel("galaxies with votes in training")
    axes.set_ylabel("RMSE over 37 answers, 600 unselected galaxies")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("tables", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--workers", type=int, default=1)
@click.option("--cache", type=click.Path(path_type=Path))
def main(data: Path, tables: Path, output: Path, workers: int, cache: Path | None) -> None:
    """Train, score, fit and draw."""
    everything = labelled_galaxies(data, tables)
    validation = rows_of(tables / "scored" / "challenge.csv")
    settings = [
        *("--seed", "0", "--workers", str(workers)),
        *("--set", "training.class_weights=none"),
        *(("--cache", str(cache)) if cache else ()),
    ]
    results: list[Row] = []

    def learn(name: str, folder: Path, count: int, epochs: int, *also: str) -> None:
        run = output / name
        train(
            run,
            [
                *("best", "--output", str(run), "--set", f"training.epochs={epochs}", *settings),
                *("--images", str(tables / "images"), "--table", str(folder), *also),
            ],
        )
        rmse, low, high = score(run, tables)
        kind = "challenge and Galaxy Zoo 2" if also else "challenge"
        results.append(
            {
                "tables": kind,
                "galaxies": str(count),
                "epochs": str(epochs),
                "rmse": f"{rmse:.5f}",
                "low": f"{low:.5f}",
                "high": f"{high:.5f}",
            }
        )
        write(output / "curve.csv", results)

    for number, epochs in EPOCHS.items():
        chosen = everything[: number or None]
        folder = output / f"table-{len(chosen)}"
        write(folder / "train.csv", chosen)
        write(folder / "val.csv", validation)
        learn(f"challenge-{len(chosen)}", folder, len(chosen), epochs)

    others: list[str] = []
    count = len(everything)
    for images, table in (
        ("galaxy-zoo-2", data / "galaxy-zoo-2" / "votes.csv"),
        ("galaxy-zoo-2-counts", data / "galaxy-zoo-2-counts" / "votes.csv"),
        ("galaxy-zoo-2-counts-more", tables / "counts_more"),
        ("galaxy-zoo-2-stripe82", tables / "stripe82"),
    ):
        others += ["--also-labelling", "galaxy-zoo-2", str(data / images / "images"), str(table)]
        rows = rows_of(table / "train.csv" if table.is_dir() else table)
        # `best` keeps back 15 % of a table that has no parts of its own.
        count += len(rows) if table.is_dir() else round(0.85 * len(rows))
    folder = output / f"table-{len(everything)}"
    learn(f"all-{count}", folder, count, EPOCHS_WITH_ALL_TABLES, *others)

    measured = [row for row in results if row["tables"] == "challenge"]
    counts = np.array([float(row["galaxies"]) for row in measured])
    errors = np.array([float(row["rmse"]) for row in measured])
    laws: dict[str, Sequence[float]] = {}
    for name, has_floor in (("power law to a floor", True), ("power law without one", False)):
        exponent, factor, floor = laws[name] = power_law(counts, errors, has_floor=has_floor)
        there = predicted(laws[name], np.array([CHALLENGE]))[0]
        click.echo(
            f"{name}: RMSE**2 = {floor:.4f}**2 + ({factor:.3f} * n**-{exponent:.3f})**2; "
            f"at {CHALLENGE:,} labels {there:.4f}"
        )
    draw(results, laws, output / "curve.png")


if __name__ == "__main__":
    main()
