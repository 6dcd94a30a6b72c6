"""How many labels are needed when galaxies are chosen, beside labels drawn at random.

    python benchmarks/labels_to_choose.py sky.parquet classes.csv --target class

The file of predictions has the embedding. Half of the labelled galaxies are held out. Labelling is
simulated: 20 random labels, then 20 more each round, chosen by a logistic regression on the
embedding's principal components that is fitted anew each round. The table shows the mean accuracy
on the held-out half over the seeds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from galaxyclass.data.tables.cells import as_text
from galaxyclass.data.tables.tables import read_table
from galaxyclass.selection.choose import best_rows, spread_out
from galaxyclass.similarity.embeddings import open_predictions
from galaxyclass.similarity.index import open_index
from galaxyclass.tasks.classes.task import ClassTask

BATCH = 20


def choose(
    way: str,
    vectors: NDArray[np.float32],
    probabilities: NDArray[np.float64],
    labelled: NDArray[np.int64],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """The next `BATCH` rows to label."""
    allowed = np.ones(len(vectors), bool)
    allowed[labelled] = False
    if way == "random":
        return best_rows(random.random(len(vectors)), allowed, BATCH)
    if way == "unlike":
        return spread_out(vectors, np.flatnonzero(allowed), labelled, BATCH)
    classes = tuple(map(str, range(probabilities.shape[1])))
    task = ClassTask("class", classes, (1 / len(classes),) * len(classes))
    spread = int(way.partition(" ")[2])
    pool = best_rows(task.uncertainty(probabilities), allowed, BATCH * spread)
    return pool[:BATCH] if spread == 1 else spread_out(vectors, pool, labelled, BATCH)


def curve(
    way: str, vectors: NDArray[np.float32], labels: NDArray[Any], rounds: int, seed: int
) -> list[float]:
    """The accuracy on the held-out half after each round."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(vectors))
    pool, held_out = order[: len(order) // 2], order[len(order) // 2 :]
    x, y = vectors[pool], labels[pool]
    labelled = random.permutation(len(pool))[:BATCH]
    scores = []
    for _ in range(rounds):
        probe = LogisticRegression(C=10, max_iter=300).fit(x[labelled], y[labelled])
        scores.append(float(probe.score(vectors[held_out], labels[held_out])))
        if len(labelled) + BATCH > len(pool):
            break
        chosen = choose(way, x, probe.predict_proba(x), labelled, random)
        labelled = np.concatenate([labelled, chosen])
    return scores


@click.command()
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--target", required=True)
@click.option("--seeds", default=5, show_default=True)
@click.option("--rounds", default=10, show_default=True)
def main(predictions: Path, table: Path, target: str, seeds: int, rounds: int) -> None:
    """Print the accuracy by number of labels, for each way to choose."""
    file = open_predictions(predictions)
    truth = read_table(table)
    known = dict(
        zip(as_text(truth[0]).to_pylist(), as_text(truth[target]).to_pylist(), strict=True)
    )
    rows = [row for row, name in enumerate(file.ids) if known.get(name) is not None]
    vectors = np.asarray(open_index(file).vectors)[rows]
    labels = np.array([known[file.ids[row]] for row in rows])
    for way in ("random", "uncertain 1", "uncertain 5", "uncertain 20", "unlike"):
        curves = np.array([curve(way, vectors, labels, rounds, seed) for seed in range(seeds)])
        click.echo(
            f"{way:14}"
            + "".join(f" {value:.3f}" for value in curves.mean(axis=0))
            + f"  ± {curves.std(axis=0, ddof=1).mean() / seeds**0.5:.3f}"
        )
    labels_used = (BATCH * (done + 1) for done in range(rounds))
    click.echo(f"{'labels':14}" + "".join(f" {count:5}" for count in labels_used))


if __name__ == "__main__":
    main()
