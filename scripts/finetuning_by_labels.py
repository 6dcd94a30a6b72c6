"""Measure a finetuning by the number of labels: scores on the galaxies that it did not learn.

    python scripts/finetuning_by_labels.py --images DIR --table FILE --target COLUMN \
        --labels 50 100 200 --draws 12 [--model RUN] [--frames 205 287]

All galaxies are embedded once. From each draw of labels a probe is fitted as by
`galaxyclass.finetune`; beside it stand rules that are chosen with all labels in view, one for all
draws: the best single answer, and the best penalty of a regression on the embedding.

With ``--frames`` the model sees each image in one of these frames alone (``images.frame``): then
there is the probe of each, and the mean of their predictions, as `galaxyclass predict RUN RUN`
gives it. By default it sees each image in the three frames of `finetune`.
"""

from __future__ import annotations

import argparse

import numpy as np

from galaxyclass.arrays import Doubles
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.finetuning.beginning import open_beginning
from galaxyclass.finetuning.cross_validation import LabelledGalaxies
from galaxyclass.finetuning.embed import embed_galaxies
from galaxyclass.finetuning.labels import read_labels
from galaxyclass.finetuning.ridge import PENALTIES, fit_line, ridge_path
from galaxyclass.progress import silent


def measure(galaxies: LabelledGalaxies, count: int, seed: int) -> dict[str, list[float]]:
    """Scores after a draw of so many labels, on all other galaxies; several for rules to choose."""
    task = galaxies.task
    order = np.random.default_rng(seed).permutation(len(galaxies))
    learnt, others = galaxies.take(order[:count]), galaxies.take(order[count:])
    targets, weights = task.linear_targets(learnt.values), np.ones(count)

    def score(raw: Doubles) -> float:
        return task.main_value(task.from_linear(raw), others.values)

    lines = [fit_line(column, targets, weights) for column in learnt.inputs.answers.T]
    by_answer = [
        score(np.outer(column, line.slope) + line.bias)
        for column, line in zip(others.inputs.answers.T, lines, strict=True)
    ]
    inputs = learnt.inputs.features
    spread = np.maximum(inputs.std(axis=0), 0.3 * np.sqrt(inputs.var(axis=0).mean()))
    scale = spread * np.sqrt(inputs.shape[1])
    path = ridge_path(inputs / scale, targets, weights)
    by_penalty = []
    for number in range(len(PENALTIES)):
        slopes, bias = path.combine(np.eye(len(PENALTIES))[number])
        by_penalty.append(score(others.inputs.features / scale @ slopes + bias))
    scores = {
        f"the {task.metric.simplest}": [task.main_value(task.simplest(len(others)), others.values)],
        "one answer, chosen with all labels in view": by_answer,
        "embedding, penalty chosen with all labels in view": by_penalty,
        "finetune, the probe": [task.main_value(others.predict(learnt.fit()), others.values)],
    }
    return {name: of_rules for name, of_rules in scores.items() if of_rules}


def measure_frames(
    frames: dict[int, LabelledGalaxies], count: int, seed: int
) -> dict[str, list[float]]:
    """Scores of the probe of each frame, and of the mean of their predictions."""
    predictions = {}
    for frame, galaxies in frames.items():
        order = np.random.default_rng(seed).permutation(len(galaxies))
        learnt, others = galaxies.take(order[:count]), galaxies.take(order[count:])
        predictions[f"frame {frame}"] = others.predict(learnt.fit())
    if len(frames) > 1:
        predictions["the mean of these"] = np.mean(list(predictions.values()), axis=0)
    return {
        name: [others.task.main_value(values, others.values)]
        for name, values in predictions.items()
    }


def embed(dataset: Dataset, model: str, settings: tuple[str, ...] = ()) -> LabelledGalaxies:
    """The labelled galaxies as the model sees them."""
    with open_beginning(model, None, settings) as beginning:
        sample, _ = read_labels(
            dataset, beginning.preprocessing, cache=None, workers=None, progress=silent
        )
        embedded = embed_galaxies(beginning, sample, silent)
    return LabelledGalaxies.of(embedded.inputs, sample)[0]


def main() -> None:
    """Print a table: a row for each rule, a column for each number of labels."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--target")
    parser.add_argument("--numbers", nargs="+", default=())
    parser.add_argument("--model", default="pretrained")
    parser.add_argument("--frames", type=int, nargs="+", default=())
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--draws", type=int, default=12)
    arguments = parser.parse_args()
    dataset = Dataset(
        arguments.images,
        arguments.table,
        target_column=arguments.target,
        numbers=tuple(arguments.numbers) or None,
        skip_invalid=True,
    )
    frames = {
        frame: embed(dataset, arguments.model, (f"images.frame={frame}",))
        for frame in arguments.frames
    }
    galaxies = next(iter(frames.values()), None) or embed(dataset, arguments.model)
    task = galaxies.task
    for count in arguments.labels:
        draws = [
            measure_frames(frames, count, seed) if frames else measure(galaxies, count, seed)
            for seed in range(arguments.draws)
        ]
        print(f"{count} labels, {task.metric.label} of {len(galaxies) - count} others")
        for name in draws[0]:
            scores = np.array([draw[name] for draw in draws])
            errors = [task.metric.error(float(mean)) for mean in scores.mean(axis=0)]
            chosen = scores[:, int(np.argmin(errors))]  # one rule for all draws
            spread = chosen.std(ddof=1) / np.sqrt(len(chosen))
            print(f"  {name:50s} {chosen.mean():.3f} ± {spread:.3f}")


if __name__ == "__main__":
    main()
