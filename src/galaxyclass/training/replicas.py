"""Training on several devices at once.

Lightning's data-parallel strategy starts the other processes by running the same program again,
with their number in the environment; or Slurm has started them all at once (``srun``). In those
processes `train` and `resume` join the training that the first process began, and end the process
with it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from galaxyclass.arguments import Device
from galaxyclass.data.dataset.parts import read_split
from galaxyclass.data.dataset.samples import prepare_all
from galaxyclass.errors import StoppedError
from galaxyclass.io import run_folder
from galaxyclass.progress import silent
from galaxyclass.training.fit import fit_network
from galaxyclass.training.job import make_job
from galaxyclass.training.run import read_run
from galaxyclass.training.runtime_settings import RuntimeSettings

#: Seconds between two looks whether the run is there.
_LOOK = 0.5


def wait_for_run(folder: Path) -> None:
    """Wait until the first process has packed the images and begun the run.

    Processes that it starts itself find the run; those of Slurm are there from the beginning. If
    the first one fails, ``srun -K`` ends the others.
    """
    while not (folder / run_folder.INFO).is_file():
        time.sleep(_LOOK)


def join_training(
    folder: Path, *, device: Device, devices: int, cache: str | Path | None
) -> NoReturn:
    """Train along with the process that began the run, then end this process."""
    recipe, info = read_run(folder)
    samples = prepare_all(info.dataset, recipe.images, cache=cache, workers=1, progress=silent)
    parts = read_split(folder / run_folder.SPLIT, samples.tables)
    job = make_job(recipe, samples, parts, seed=info.seed, device=device, devices=devices)
    with suppress(StoppedError):  # the first process reports it
        runtime = info.runtime_settings or RuntimeSettings("fp32")
        fit_network(folder, job, runtime, progress=silent)
    raise SystemExit(0)
