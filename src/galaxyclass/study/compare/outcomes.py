"""The outcome of a trial on disk, and why there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from galaxyclass.errors import RunError
from galaxyclass.study.compare.trials import Trial
from galaxyclass.workers.trial_process import Ended

#: The module of a trial's process.
TRIAL_WORKER = "galaxyclass.study.compare.worker"


def outcome_path(folder: Path, trial: Trial) -> Path:
    """The file that a trial's process writes when it ends."""
    return folder / "trials" / f"{trial.name}.json"


def read_outcome(folder: Path, trial: Trial) -> dict[str, Any] | None:
    """The outcome of a trial; None where it has not ended.

    Raises
    ------
    RunError
        The file is damaged.
    """
    path = outcome_path(folder, trial)
    if not path.is_file():
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(
            f"{path}: damaged", got=str(error), hint="remove it: its trial goes on then"
        ) from error
    return data


def explain_end(ended: Ended, logs: Path) -> str:
    """The reason why a process ended without an outcome."""
    if ended.status == -9:
        held = "" if ended.memory is None else f" (it held {ended.memory / 2**20:,.0f} MiB)"
        return (
            f"killed by the system{held}, most likely because memory ran out\n"
            "  hint:   a smaller training.batch_size or images.size"
        )
    how = f"killed by signal {-ended.status}" if ended.status < 0 else f"exit {ended.status}"
    return f"its process ended unexpectedly ({how})\n  hint:   see {logs}"
