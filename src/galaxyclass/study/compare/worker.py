"""The process that trains one trial, with memory of its own.

It reads the job from standard input, a JSON object on a line, and writes its progress to standard
output in the same way. When its input ends, as it does when the parent process is killed, it stops
as after Ctrl-C: the last finished epoch is safe.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from galaxyclass.data.tables.arrow_alone import leave_pandas_out
from galaxyclass.errors import GalaxyclassError, OutputError, StoppedError
from galaxyclass.io.atomic import error_of_system, write_text
from galaxyclass.progress import Progress
from galaxyclass.workers.start import only_answers

#: Seconds between two messages of progress.
_PAUSE = 0.3


def main() -> None:
    """Train the trial and write its outcome; exit with 130 if it was asked to stop.

    What cannot be written, as on a full disk, is told as a last message, ``refused``: it is no
    outcome of the trial, which can go on.
    """
    messages = only_answers()
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_stop_with_the_input, daemon=True).start()
    with suppress(OSError):  # Linux: where memory runs out, end this process and no other
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    logging.getLogger("galaxyclass").setLevel(logging.INFO)
    leave_pandas_out()

    last = -_PAUSE

    def tell(
        stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
    ) -> None:
        nonlocal last
        if time.monotonic() - last < _PAUSE and done != total:
            return
        last = time.monotonic()
        message = {"stage": stage, "done": done, "total": total, "unit": unit, "note": note}
        messages.write(json.dumps({**message, "memory": peak_memory()}) + "\n")
        messages.flush()

    try:
        outcome = run_trial(job, tell)
        write_text(Path(job["outcome"]), json.dumps(outcome) + "\n")
    except StoppedError:
        os._exit(130)
    except OutputError as error:
        parts = {name: getattr(error, name) for name in ("what", "wanted", "got", "hint")}
        messages.write(json.dumps({"refused": parts, "memory": peak_memory()}) + "\n")
        messages.flush()
        os._exit(1)
    os._exit(0)  # a crash of torch at exit must not turn a result into a failure


def run_trial(job: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Train a trial, or go on with it.

    Parameters
    ----------
    job : mapping
        ``folder`` of the run, and the arguments of `train` (``train``, ``shared``, ``cache``).
    progress : Progress

    Returns
    -------
    dict
        The outcome, as `results.parse_outcome` reads it. A failure is an outcome too.

    Raises
    ------
    StoppedError
        It was asked to stop.
    OutputError
        The run cannot be written: no room on the disk, no permission.
    """
    folder = Path(job["folder"])
    outcome: dict[str, Any] = {"failure": None, "metrics": None}
    try:
        outcome["metrics"] = _metrics(folder, job, progress)
        # Before the network is built again to count its parameters.
        outcome |= {"peak_memory": peak_memory(), "peak_gpu_memory": _peak_gpu_memory()}
        outcome["parameters"] = _parameters(folder)
    except (StoppedError, OutputError):
        raise
    except GalaxyclassError as error:
        outcome["failure"] = str(error)
    except Exception as error:
        if isinstance(error, OSError):
            refused = error_of_system(error)
            if isinstance(refused, OutputError):
                raise refused from error
        # Only this trial fails, and the others go on; the log has the traceback.
        traceback.print_exc()
        outcome["failure"] = f"{type(error).__name__}: {error}"
    outcome.setdefault("peak_memory", peak_memory())
    with suppress(GalaxyclassError, ImportError):
        from galaxyclass.training.history import read_history

        outcome["history"] = read_history(folder / "history.csv")
    return outcome


def peak_memory() -> int | None:
    """Peak memory of this process, bytes; None if the system does not report it."""
    with suppress(OSError):
        # Not `getrusage`, which counts the memory of the parent process at the start.
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _metrics(folder: Path, job: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.io.run_folder import INFO, METRICS
    from galaxyclass.training.train import resume, train

    if (folder / METRICS).is_file():  # killed between the end of the training and its outcome
        data: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        return data
    shared = {**job["shared"], "cache": None if job["cache"] is None else Path(job["cache"])}
    if (folder / INFO).is_file():
        return asdict(resume(folder, progress=progress, **shared).metrics)
    arguments = {name: value for name, value in job["train"].items() if name != "data"}
    dataset = Dataset.from_json(job["train"]["data"])
    return asdict(
        train(images=dataset, output=folder, progress=progress, **arguments, **shared).metrics
    )


def _parameters(folder: Path) -> int:
    from galaxyclass.model.bundle.load import load_bundle
    from galaxyclass.networks.network import build_network

    network = build_network(load_bundle(folder).manifest)
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


def _peak_gpu_memory() -> int | None:
    import torch

    peak = torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0
    return int(peak) or None  # it was not used


def _stop_with_the_input() -> None:
    # Unbuffered: the lock of a buffered reader would be held when Python ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
