"""What is compared is the same: networks, trees and columns."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from galaxyclass.networks.network import Network
from galaxyclass.recipes.read import load_recipe
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import load_tree

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def constant(script: str, name: str) -> object:
    """What a script assigns to a name, without its libraries."""
    for statement in ast.parse((BENCHMARKS / "peers" / script).read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == name:  # type: ignore[attr-defined]
            return ast.literal_eval(statement.value)
    raise AssertionError(f"{script} has no {name}")


def keras_parameters(side: int) -> int:
    """Of Keras' network, layer by layer; batch normalisation has four numbers a filter."""
    count, before = 0, 1
    for filters, kernel, pool in constant("keras_notebook.py", "BLOCKS"):  # type: ignore[attr-defined]
        count += (before * kernel**2 + 1) * filters + 4 * filters
        side, before = (side - kernel + 1) // pool, filters
    before *= side**2
    for units in (512, 256, 37):
        count += (before + 1) * units
        before = units
    return count


def test_the_notebooks_network_has_as_many_parameters_in_both(
    load: Callable[[str], ModuleType],
) -> None:
    assert keras_parameters(constant("keras_notebook.py", "SIDE")) == 849_285  # type: ignore[arg-type]
    recipe, tree = load_recipe("notebook"), load_tree("galaxy_zoo_2")
    task = VoteTask(tree, tree.layouts[0], (True,) * 37, (0.5,) * 37)
    network = Network(recipe.model, recipe.images, task)
    numbers = [v.numel() for name, v in network.state_dict().items() if "num_batches" not in name]
    assert sum(numbers) == 849_285
    assert "849,285" in (BENCHMARKS / "README.md").read_text()


def test_resnet18_sees_the_same_part_of_an_image(load: Callable[[str], ModuleType]) -> None:
    images = load_recipe("resnet18").images
    job = load("job")
    assert (images.frame, images.size, images.cutout) == (job.FRAME, job.SIZE, "centre")


def test_the_tree_of_the_peers_is_ours(load: Callable[[str], ModuleType]) -> None:
    job, tree = load("job"), load_tree("galaxy_zoo_2")
    assert len(job.COLUMNS) == len(tree.answers) == 37
    codes = [answer.code for answer in tree.answers]
    assert [f"Class{code}" for code in codes] == job.COLUMNS
    for index, where in enumerate(tree.slices):
        question = int(codes[where.start].split(".")[0])
        parents = [codes[place] for place in tree.parents[index].nonzero()[0]]
        assert job.PARENTS[question] == (parents[0] if parents else None)


def test_steady_speed_leaves_the_first_epoch_out(load: Callable[[str], ModuleType]) -> None:
    steady = load("job").steady
    assert steady([(100, 50.0), (100, 10.0), (100, 5.0), (100, 4.0)]) == 20.0
    assert steady([(100, 50.0)]) == 2.0


def test_fractions_of_a_table_are_read_with_their_gaps(
    load: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    job = load("job")
    cells = ["0.5", *[""] * 36]
    (tmp_path / "t.csv").write_text(f"GalaxyID,{','.join(job.COLUMNS)}\n7,{','.join(cells)}\n")
    galaxies = job.read_galaxies(tmp_path, tmp_path / "t.csv")
    assert galaxies.files == [str(tmp_path / "7.jpg")]
    assert galaxies.fractions[0, 0] == pytest.approx(0.5)
    assert (galaxies.fractions[0, 1:] != galaxies.fractions[0, 1:]).all()
