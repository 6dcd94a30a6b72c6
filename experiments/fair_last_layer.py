"""Fit a network's last layers again, to galaxies that are a fair sample.

    python experiments/fair_last_layer.py RUN DATA TABLES --output FITTED

A network learns best from all the labels that there are, but many of those galaxies were chosen by
what volunteers said of them: they are clearer than others, and a network that has seen them is too
sure of the rest. So its last layer, a linear one on its features, is fitted once more, to the
galaxies of RUN's training that were not chosen in that way: those of ``galaxy-zoo-challenge`` and
the unselected ones of ``galaxy-zoo-challenge-more`` (``fair/train.csv`` in TABLES, which
`held_out.py` wrote). That of the labelling ``galaxy-zoo-2``, which has learnt counts that were not
debiased beside the debiased fractions of ``galaxy-zoo-2``, is fitted to the latter. No held-out
galaxy takes part.

It minimises the mean squared error of the known joint fractions plus the squared change of the
weights, each in units of the spread of its feature and times `STRENGTH` / galaxies, by L-BFGS from
the weights as they are. The layer of the classes stays as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import torch
from changed_network import network_of, write_changed
from torch import Tensor, nn

from galaxyclass import load_model
from galaxyclass.model.bundle.load import load_bundle

#: Of the pull towards the weights as they were. Three times more or less moves the scores of the
#: held-out galaxies by less than 0.0005.
STRENGTH = 2
STEPS = 80

LABELLING = "galaxy-zoo-2"

Galaxy = tuple[str, list[float]]


def rows_of(table: Path) -> Iterator[dict[str, str]]:
    """The rows of a table."""
    with table.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def galaxies(images: Path, table: Path, held_out: Path, answers: list[str]) -> Iterator[Galaxy]:
    """Image and joint fractions (NaN: not known) of those of a table that are not held out."""
    never = {next(iter(row.values())) for row in rows_of(held_out)}
    for row in rows_of(table):
        name = next(iter(row.values()))
        image = images / f"{name}.jpg"
        if name not in never and image.is_file():
            yield str(image), [float(row[answer]) if row[answer] else np.nan for answer in answers]


def fit(
    last: nn.Linear, head: Callable[[Tensor], Tensor], features: Tensor, fractions: Tensor
) -> tuple[float, float]:
    """Fit a last layer; the RMSE over all known fractions before and after.

    Parameters
    ----------
    last : Linear
        It is changed.
    head : callable
        From its outputs to joint fractions, (galaxies, answers) each.
    features : (galaxies, features) float32 tensor
    fractions : (galaxies, answers) float32 tensor
        Joint; NaN where not known.
    """
    known = ~torch.isnan(fractions)
    spread, strength = features.std(dim=0) + 1e-3, STRENGTH / len(features)
    weight, bias = last.weight.detach().clone(), last.bias.detach().clone()
    change = torch.zeros_like(weight, requires_grad=True)
    shift = torch.zeros_like(bias, requires_grad=True)

    def error() -> Tensor:
        raw = features @ (weight + change / spread).T + bias + shift
        return (head(raw) - fractions)[known].square().mean()

    optimizer = torch.optim.LBFGS([change, shift], max_iter=STEPS, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = error() + strength * change.square().sum()
        loss.backward()
        return loss

    with torch.no_grad():
        before = float(error().sqrt())
    optimizer.step(step)
    with torch.no_grad():
        last.weight.copy_(weight + change / spread)
        last.bias.copy_(bias + shift)
        return before, float(error().sqrt())


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("tables", type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path))
@click.option("--chosen", is_flag=True, help="Also to those chosen by their votes, to compare.")
def command(run: Path, data: Path, tables: Path, output: Path, *, chosen: bool) -> None:
    """Write RUN with its last layers fitted to a fair sample, usable wherever a run is."""
    newer = tables / ("votes_more" if chosen else "fair") / "train.csv"
    network, model = network_of(run), load_model(run, views=1)
    answers = list(model.task.label_names)
    learnt = [task.labelling for task in load_bundle(run).manifest.auxiliary]
    old, more, other = (
        data / folder for folder in ("galaxy-zoo-challenge", "galaxy-zoo-challenge-more", LABELLING)
    )
    challenge, zoo = (tables / "scored" / f"{name}.csv" for name in ("challenge", "galaxy_zoo_2"))
    labelled: dict[str, tuple[nn.Linear, list[Galaxy]]] = {
        "its own labelling": (
            network.last,
            [
                *galaxies(old / "images", old / "votes.csv", challenge, answers),
                *galaxies(more / "images", newer, challenge, answers),
            ],
        ),
        LABELLING: (
            network.auxiliary[learnt.index(LABELLING)],
            list(galaxies(other / "images", other / "votes.csv", zoo, answers)),
        ),
    }
    for name, (last, rows) in labelled.items():
        images, fractions = zip(*rows, strict=True)
        features = network.norm(torch.from_numpy(model.embed(list(images))))
        before, after = fit(last, network.activation, features, torch.tensor(fractions))
        click.echo(f"{name}: {len(images):,} galaxies, RMSE {before:.4f}, then {after:.4f}")
    write_changed(run, network, output)


if __name__ == "__main__":
    command()
