"""Processes that train together: Lightning starts them, or Slurm has started them (``srun``)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from galaxyclass.errors import ArgumentError


@dataclass(frozen=True)
class ProcessPlace:
    """Which of the processes that train together this one is.

    Attributes
    ----------
    number : int
        Among all of them; 0 begins the run, and reports.
    local : int
        Among those of its machine: the number of its GPU.
    machines : int
    by_slurm : bool
        Whether Slurm started them all, as tasks of one step; otherwise the first starts the others.
    """

    number: int
    local: int
    machines: int = 1
    by_slurm: bool = False

    def environment(self) -> Any:
        """What tells Lightning which process this is.

        It is always stated: Lightning would take any job of Slurm for one whose tasks train
        together.
        """
        from lightning.fabric.plugins.environments.lightning import LightningEnvironment
        from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

        return SLURMEnvironment(auto_requeue=False) if self.by_slurm else LightningEnvironment()


def place_of_process(devices: int) -> ProcessPlace:
    """Which process this is, of so many that train together.

    Parameters
    ----------
    devices : int
        With 1, this process has nothing to do with others that Slurm, or another starter, began.

    Raises
    ------
    ArgumentError
        This is one of several tasks of a step of Slurm, and their number is another; or it is not
        said how many there are on each machine, or these are different numbers. Another starter
        began more processes than so many.
    """
    if devices == 1:  # whatever else starts processes here and numbers them
        return ProcessPlace(0, 0)
    tasks = _number("SLURM_STEP_NUM_TASKS")
    if tasks < 2:
        number = _number("LOCAL_RANK")
        if number >= devices:
            raise ArgumentError(
                f"this is process {number + 1} of those that train together (LOCAL_RANK={number})",
                argument="devices",
                wanted=f"at least {number + 1}",
                got=str(devices),
                hint="start the command once: it starts the other processes itself",
            )
        return ProcessPlace(number, number)
    if tasks != devices:
        raise ArgumentError(
            f"{tasks} tasks of Slurm were started to train together",
            argument="devices",
            wanted=str(tasks),
            got=str(devices),
            hint="start one task for each device",
        )
    if not _number("SLURM_NTASKS_PER_NODE"):  # Lightning insists on it
        raise ArgumentError(
            f"{tasks} tasks of Slurm were started, and it is not said how many on each machine",
            argument="devices",
            wanted="ntasks-per-node instead of ntasks, for sbatch or srun",
        )
    machines = max(1, _number("SLURM_STEP_NUM_NODES"), _number("SLURM_NNODES"))
    if devices % machines:
        raise ArgumentError(
            "the machines have different numbers of tasks",
            argument="devices",
            wanted=f"a multiple of the {machines} machines",
            got=str(devices),
            hint="start as many tasks on each machine",
        )
    return ProcessPlace(_number("SLURM_PROCID"), _number("SLURM_LOCALID"), machines, by_slurm=True)


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else 0
