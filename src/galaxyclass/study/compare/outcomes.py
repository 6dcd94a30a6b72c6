"""A trial: what its process is told, its run, and its outcome on disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Device
from galaxyclass.errors import GalaxyclassError, OutputError, RunError
from galaxyclass.io.atomic import write_text
from galaxyclass.io.reading import parse_json, read_bounded
from galaxyclass.short import first_line
from galaxyclass.study.compare.results import require_outcome
from galaxyclass.study.compare.trials import Trial
from galaxyclass.workers.start import Message
from galaxyclass.workers.trial_process import Ended, work

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
        data: dict[str, Any] = parse_json(read_bounded(path))
        require_outcome(trial, data)
    except (ValueError, TypeError, KeyError, AttributeError, GalaxyclassError) as error:
        raise RunError(
            f"{path}: damaged", got=first_line(error), hint="remove it: its trial goes on then"
        ) from error
    return data


def trial_run(folder: Path, trial: Trial) -> Path:
    """The run of a trial."""
    return folder / "runs" / trial.name


def trial_job(
    trial: Trial,
    data: Mapping[str, Any],
    *,
    device: Device,
    workers: int | None,
    cache: str | Path | None,
) -> dict[str, Any]:
    """What the process of a trial is told (`galaxyclass.study.compare.worker.run_trial`).

    Parameters
    ----------
    trial : Trial
    data : mapping
        Of the data set (`Dataset.to_json`), and ``seed``.
    device, workers, cache
        As for `train`.
    """
    return {
        "shared": {"device": device, "workers": workers},
        "cache": None if cache is None else str(Path(cache).absolute()),
        "train": {
            "recipe": trial.recipe,
            "settings": list(trial.settings),
            "data": {name: value for name, value in data.items() if name != "seed"},
            "seed": data["seed"],
        },
    }


def train_trial(
    folder: Path,
    trial: Trial,
    job: Mapping[str, Any],
    listen: Callable[[Message], None],
    *,
    stop: threading.Event | None = None,
    run_process: Callable[..., Ended] = work,
) -> None:
    """Train a trial in a process of its own, and wait for its end.

    Afterwards its outcome is on disk, that of a failure too, unless ``stop`` was set.

    Parameters
    ----------
    folder : Path
        Of the comparison or the search.
    trial : Trial
    job : mapping
        See `trial_job`.
    listen : callable
        Called with each progress message.
    stop : threading.Event, optional
        Ends the process in good order once it is set.
    run_process : callable
        A stand-in for `work`, for tests.

    Raises
    ------
    OutputError
        The process could not write its run or its outcome, as on a full disk.
    """
    path, logs = outcome_path(folder, trial), folder / "logs" / f"{trial.name}.log"
    files = {"folder": str(trial_run(folder, trial).absolute()), "outcome": str(path.absolute())}
    refused: dict[str, Any] = {}

    def hear(message: Message) -> None:
        if "refused" in message:
            refused.update(message["refused"])
        else:
            listen(message)

    ended = run_process(TRIAL_WORKER, {**job, **files}, logs, hear, stop=stop)
    if refused:
        hint = filter(None, (refused["hint"], "the same again goes on from there"))
        raise OutputError(**{**refused, "hint": "; ".join(hint)})
    if not path.is_file() and not (stop is not None and stop.is_set()):
        outcome = {"failure": _explain_end(ended, logs), "peak_memory": ended.memory}
        write_text(path, json.dumps(outcome) + "\n")


def _explain_end(ended: Ended, logs: Path) -> str:
    """The reason why a process ended without an outcome."""
    if ended.status == -9:
        held = "" if ended.memory is None else f" (it held {ended.memory / 2**20:,.0f} MiB)"
        return (
            f"killed by the system{held}, most likely because memory ran out\n"
            "  hint:   a smaller training.batch_size or images.size"
        )
    ending = f"killed by signal {-ended.status}" if ended.status < 0 else f"exit {ended.status}"
    return f"its process ended unexpectedly ({ending})\n  hint:   see {logs}"
