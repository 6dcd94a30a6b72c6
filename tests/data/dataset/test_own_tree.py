"""A data set on a tree of one's own: read, kept, and refused where the table has no votes on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyclass.data.catalog.guess_tree import guess_tree
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.scored import read_galaxies
from galaxyclass.errors import ArgumentTypeError, CatalogError, TreeError
from galaxyclass.tasks.kinds import fit_task
from galaxyclass.trees.read import load_tree
from galaxyclass.trees.tree import Tree

VOTES: dict[str, Any] = {
    "id": ["1", "2", "3"],
    "look_smooth": [6, 2, 9],
    "look_disc": [4, 8, 1],
    "arms_yes": [1, 5, 0],
    "arms_no": [3, 3, 1],
}
JOINT = np.array([[0.6, 0.4, 0.1, 0.3], [0.2, 0.8, 0.5, 0.3], [0.9, 0.1, 0.0, 0.1]])


@pytest.fixture
def tree() -> Tree:
    return guess_tree({name: cells for name, cells in VOTES.items() if name != "id"}).tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    for name in VOTES["id"]:
        (images / f"{name}.jpg").touch()
    return images


def test_votes_are_read_on_a_tree_of_a_table(folder: Path, tree: Tree, tmp_path: Path) -> None:
    dataset = Dataset(folder, VOTES, tree=tree)
    targets = dataset.catalog.targets
    assert targets is not None
    np.testing.assert_allclose(targets.values(), JOINT, atol=1e-6)
    saved = dataset.with_files(tmp_path)
    dataset.save_tables(tmp_path)
    again = Dataset.from_json(json.loads(json.dumps(saved.to_json())))
    assert again.tree == tree
    assert again.identity == saved.identity
    np.testing.assert_array_equal(again.catalog.targets.values(), targets.values())


def test_fractions_of_a_model_that_learnt_counts_are_read(folder: Path, tree: Tree) -> None:
    shares = {"id": ["1"], "look_smooth_fraction": [0.75], "look_disc_fraction": [0.25]}
    targets = Dataset(folder, shares, tree=tree).catalog.targets
    assert targets is not None
    assert targets.values()[0, :2].tolist() == [0.75, 0.25]


def test_a_tree_by_its_file_and_by_its_name(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(guess_tree(VOTES).text)
    assert len(Dataset(folder, VOTES, tree=file).catalog.targets.decision_tree.questions) == 2
    assert Dataset(folder, VOTES, tree="galaxy_zoo_2").tree is load_tree("galaxy_zoo_2")
    with pytest.raises(TreeError, match="no tree 'galaxy_zoo'"):
        Dataset(folder, VOTES, tree="galaxy_zoo")
    with pytest.raises(ArgumentTypeError, match="`tree` cannot be of type int"):
        Dataset(folder, VOTES, tree=2)  # type: ignore[arg-type]


def test_counts_of_an_own_tree_are_no_classes(folder: Path) -> None:
    counts = {name: cells * 2 for name, cells in VOTES.items()} | {"id": list("123456")}
    with pytest.raises(CatalogError, match=r"(?s)several columns.*counts of votes.*guess_tree"):
        _ = Dataset(folder, counts).catalog


def test_a_table_without_votes_on_the_tree(folder: Path, tree: Tree) -> None:
    renamed = {name.replace("look_", "looks_"): cells for name, cells in VOTES.items()}
    renamed = {name: cells for name, cells in renamed.items() if "arms" not in name}
    with pytest.raises(CatalogError) as caught:
        _ = Dataset(folder, {**renamed, "class": ["a", "b", "b"]}, tree=tree).catalog
    text = str(caught.value)
    assert "no votes on " in text
    assert "look_smooth, look_disc" in text
    assert "'looks_smooth' is close to 'look_smooth'" in text
    counts = {name: cells * 2 for name, cells in VOTES.items()} | {"id": list("123456")}
    with pytest.raises(CatalogError, match="no votes on Galaxy Zoo 2"):
        _ = Dataset(folder, counts, tree="galaxy_zoo_2").catalog
    with pytest.raises(CatalogError, match="leave one of them out"):
        _ = Dataset(folder, VOTES, tree=tree, target_column="arms_yes").catalog


def test_tables_beside_it(folder: Path, tree: Tree) -> None:
    classes = {"id": ["1", "2", "3"], "class": ["a", "b", "b"]}
    dataset = Dataset(folder, VOTES, tree=tree, also=[(folder, VOTES), (folder, classes)])
    assert [more.tree for more in dataset.also] == [tree, None]


def test_a_model_is_not_scored_on_another_tree(folder: Path, tree: Tree) -> None:
    targets = Dataset(folder, VOTES, tree=tree).catalog.targets
    assert targets is not None
    task = fit_task(targets, np.arange(3))
    _, catalog, _ = read_galaxies(task, (), Dataset(folder, VOTES))
    np.testing.assert_allclose(catalog.targets.values(), JOINT, atol=1e-6)
    with pytest.raises(CatalogError, match=r"(?s)another tree.*question 1 \(smooth_or_features\)"):
        read_galaxies(task, (), Dataset(folder, VOTES, tree="galaxy_zoo_2"))
