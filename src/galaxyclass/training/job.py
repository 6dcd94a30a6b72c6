"""What a training is, once its data and its recipe are known: built once, and passed on whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galaxyclass.arguments import Device
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.data.dataset.several import Parts, Samples
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.tasks.task import Task
from galaxyclass.training.resolve import resolve


@dataclass(frozen=True)
class TrainingJob:
    """A recipe, what it is to learn, and on which galaxies.

    Attributes
    ----------
    recipe : Recipe
        With its head and loss resolved.
    task : Task
    auxiliary : tuple of Task
        What else the network learns, from auxiliary tables.
    galaxies : mapping of str to Galaxies
        By part: ``train`` and ``validation``, and ``test`` where there is one.
    catalog : Catalog
        Of the first table: how it names galaxies, predictions name them too.
    seed : int
    device : {"auto", "cpu", "cuda", "mps"}
    devices : int
        Processes that train together, each on a device of its own (or its share of the cores).
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
        What the user asked for: a head, a loss or mirror pairs among them that do not suit the
        table are refused.
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
