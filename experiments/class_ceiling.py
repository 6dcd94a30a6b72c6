"""How often other volunteers would put a galaxy into the class that its votes put it into.

    python experiments/class_ceiling.py IMAGES VOTES [--votes 40] [--rounds 20]

The five classes are made of vote fractions by thresholds; a galaxy near one is in its class by
chance. Here each galaxy's fractions are taken for the true probabilities, so many volunteers answer
anew, question by question, and classes are made of their votes. The share of galaxies that are in
the same class again, of those that are in one, is about what a perfect model would reach.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.derive import derive_classes
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.tasks.votes.targets import VoteTargets
from galaxyclass.trees.algebra import conditional_from_joint, joint_from_conditional
from galaxyclass.trees.tree import Tree


def asked_again(
    tree: Tree, joint: NDArray[np.float64], volunteers: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Joint fractions (galaxies, answers) of so many new volunteers; NaN where it was unknown."""
    shares = np.nan_to_num(conditional_from_joint(tree, joint)).astype(np.float64)
    again = np.zeros_like(shares)
    votes = np.zeros_like(shares)
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        asked = votes[:, parents].sum(axis=1) if parents.any() else np.full(len(joint), volunteers)
        known = shares[:, where].sum(axis=1)
        chances = shares[:, where] / np.where(known > 0, known, 1)[:, None]
        chances[known == 0, 0] = 1
        votes[:, where] = rng.multinomial(np.minimum(asked, volunteers).astype(int), chances)
        again[:, where] = votes[:, where] / np.maximum(asked, 1)[:, None]
    # A half is a half, whatever 32-bit floats make of it: thresholds are "or more".
    again = np.asarray(joint_from_conditional(tree, again + 1e-6))
    return np.where(np.isnan(joint), np.nan, again)


def labels_of(catalog: Catalog) -> dict[str, str]:
    """The class of each galaxy that is in one."""
    classes = derive_classes(catalog, "five")
    targets = classes.targets
    names = [targets.classes[label] for label in targets.labels]  # type: ignore[union-attr]
    return dict(zip(classes.ids.values, names, strict=True))


@click.command()
@click.argument("images", type=click.Path(path_type=Path, exists=True))
@click.argument("table", type=click.Path(path_type=Path, exists=True))
@click.option("--votes", default=40, show_default=True, help="Volunteers that look at a galaxy.")
@click.option("--rounds", default=20, show_default=True)
def command(*, images: Path, table: Path, votes: int, rounds: int) -> None:
    """Say for each class of TABLE how often other volunteers would find it again."""
    catalog = read_catalog(images, table)
    targets = catalog.targets
    if not isinstance(targets, VoteTargets):
        raise click.ClickException(f"{table}: has no vote fractions")
    rng = np.random.default_rng(0)
    true = labels_of(catalog)
    counts = {name: np.zeros(3, int) for name in (*sorted(set(true.values())), "all")}
    for _ in range(rounds):
        fractions = asked_again(targets.tree, targets.fractions.astype(np.float64), votes, rng)
        found = labels_of(
            replace(catalog, targets=replace(targets, fractions=fractions.astype(np.float32)))
        )
        for galaxy, name in true.items():
            row = np.array([1, galaxy in found, found.get(galaxy) == name])
            counts[name] += row
            counts["all"] += row
    for name, (total, classed, same) in counts.items():
        click.echo(
            f"{name:<24} {total // rounds:>5,} galaxies  {classed / total:.1%} are in a class "
            f"again, {same / classed:.1%} of these in the same"
        )


if __name__ == "__main__":
    command()
