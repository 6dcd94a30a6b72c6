"""`TrainingJob`: the recipe, task and galaxies of a training, together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galaxyclass.arguments import Device
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.data.dataset.samples import Parts, Samples
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.tasks.task import Task
from galaxyclass.training.resolve import resolve


@dataclass(frozen=True)
class TrainingJob:
    """A recipe, its task and its galaxies.

    Attributes
    ----------
    recipe : Recipe
        With its head and loss resolved.
    task : Task
    auxiliary : tuple of Task
        Other labellings of the task, and auxiliary tables of classes.
    galaxies : mapping of str to Galaxies
        By part: ``train``, ``validation`` and, if there is one, ``test``.
    catalog : Catalog
        Of the first table, whose ids predictions have.
    seed : int
    device : {"auto", "cpu", "cuda", "mps"}
    devices : int
        Processes that train together, each on its own device or its share of the cores.
    """

    recipe: Recipe
    task: Task
    auxiliary: tuple[Task, ...]
    galaxies: Mapping[str, Galaxies]
    catalog: Catalog
    seed: int
    device: Device
    devices: int = 1


def make_job(
    recipe: Recipe,
    samples: Samples,
    parts: Parts,
    *,
    settings: Sequence[str] = (),
    seed: int,
    device: Device,
    devices: int = 1,
) -> TrainingJob:
    """The training of a recipe on the galaxies of some tables.

    Parameters
    ----------
    recipe : Recipe
        Its head and loss are resolved here.
    samples : Samples
    parts : tuple of (galaxies,) of str
        The part of each galaxy, table by table.
    settings : sequence of str
        The user's changes: a head, a loss or mirror pairs that do not suit the table are refused.
    seed, device, devices
        See `TrainingJob`.

    Raises
    ------
    RecipeError
        See `resolve`.
    """
    task = samples.task(parts)
    return TrainingJob(
        recipe=resolve(recipe, task, settings),
        task=task,
        auxiliary=samples.auxiliary_tasks(parts),
        galaxies=samples.galaxies_by_part(parts),
        catalog=samples.first.catalog,
        seed=seed,
        device=device,
        devices=devices,
    )
