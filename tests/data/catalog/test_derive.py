"""Classes made of votes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from galaxyclass.data.catalog.catalog import Catalog, Ids
from galaxyclass.data.catalog.derive import FIVE, derive_classes
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.errors import CatalogError
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.votes.targets import VoteTargets
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.read import load_tree


def catalog(*galaxies: dict[str, float], tree_name: str = "galaxy_zoo_2") -> Catalog:
    """Galaxies of given conditional shares by code; answers that are not given are unknown."""
    tree = load_tree(tree_name)
    shares = np.full((len(galaxies), len(tree.answers)), np.nan)
    for row, galaxy in enumerate(galaxies):
        for code, share in galaxy.items():
            shares[row, tree.codes.index(code)] = share
    joint = joint_from_conditional(tree, shares).astype(np.float32)
    names = np.array([f"g{i}" for i in range(len(galaxies))], dtype=object)
    return Catalog(
        ids=Ids("id", names, False),
        paths=names,
        rows=np.arange(len(galaxies)),
        targets=VoteTargets(tree, tree.layouts[0], joint, np.ones(len(tree.answers), dtype=bool)),
        other=None,
        problems=(),
        unlisted=(),
        images=Path("images"),
        table=Path("votes.csv"),
    )


ROUND = {"1.1": 0.6, "1.2": 0.4, "7.1": 0.7, "7.2": 0.3, "7.3": 0.0}
SPIRAL = {"1.1": 0.2, "1.2": 0.8, "2.1": 0.1, "2.2": 0.9, "4.1": 0.7, "4.2": 0.3}
EDGE_ON = {"1.1": 0.2, "1.2": 0.8, "2.1": 0.7, "2.2": 0.3}
NEITHER = {"1.1": 0.44, "1.2": 0.4, "1.3": 0.16}
BOTH = {**EDGE_ON, "1.1": 0.5, "1.2": 0.5, "7.1": 0.9, "7.2": 0.1, "7.3": 0.0}


def test_five_classes_by_hand() -> None:
    made = derive_classes(catalog(ROUND, SPIRAL, NEITHER, EDGE_ON, BOTH), "five")
    assert isinstance(made.targets, ClassTargets)
    named = [made.targets.classes[label] for label in made.targets.labels]
    assert dict(zip(made.ids.values, named, strict=True)) == {
        "g0": "completely_round_smooth",
        "g1": "spiral",
        "g3": "edge_on",
    }
    assert made.targets.classes == ("completely_round_smooth", "edge_on", "spiral")


def test_an_unknown_share_is_no_member() -> None:
    made = derive_classes(catalog(ROUND, EDGE_ON, {"1.1": 0.9, "1.2": 0.1}), "five")
    assert made.ids.values.tolist() == ["g0", "g1"]


def test_the_question_by_its_key() -> None:
    unknown = {"1.1": 0.9, "1.2": 0.1}  # the third answer is not known: no leading one
    galaxies = catalog({**ROUND, "1.3": 0.0}, {**SPIRAL, "1.3": 0.0}, unknown)
    made = derive_classes(galaxies, "argmax:smooth_or_features")
    assert isinstance(made.targets, ClassTargets)
    assert made.targets.classes == ("smooth", "features_or_disc")
    assert made.targets.labels.tolist() == [0, 1]


@pytest.mark.parametrize("rule", ["six", "argmax:99", "argmax:", "1", "smooth_or_features"])
def test_rules_that_are_none(rule: str) -> None:
    with pytest.raises(CatalogError, match=f"`classes='{rule}'`: no such question"):
        derive_classes(catalog(ROUND, SPIRAL), rule)


def test_one_class_is_too_few() -> None:
    with pytest.raises(CatalogError, match="fewer than two classes"):
        derive_classes(catalog(ROUND, ROUND), "five")


def test_codes_of_the_rules_are_those_of_the_trees() -> None:
    words = {"spiral": "spiral", "edge_on": "edge-on", "cigar_shaped_smooth": "cigar shaped"}
    for name, rule in FIVE.items():
        answers = {answer.code: answer.name for answer in load_tree(name).answers}
        for label, word in words.items():
            assert answers[rule[label][-1][0]] == word


def test_real_votes_make_the_published_classes(galaxies: Path) -> None:
    folder = galaxies / "galaxy-zoo-challenge"
    made = derive_classes(read_catalog(folder / "images", folder / "votes.csv"), "five")
    assert isinstance(made.targets, ClassTargets)
    derived = {
        name: made.targets.classes[label]
        for name, label in zip(made.ids.values, made.targets.labels, strict=True)
    }
    with (folder / "five_classes.csv").open() as file:
        published = {
            row["GalaxyID"]: row["class"]
            for row in csv.DictReader(file)
            if row["source"] == "votes"
        }
    assert derived == published
