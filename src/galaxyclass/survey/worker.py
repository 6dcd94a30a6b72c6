"""A process that predicts shards of a survey, as the driver asks."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from galaxyclass.errors import GalaxyclassError
from galaxyclass.survey.answers import answer_shard
from galaxyclass.survey.shard import ShardRunner
from galaxyclass.workers.signals import StopRequest, stop_request
from galaxyclass.workers.start import only_answers

#: Seconds between two messages on how far a shard has come.
_PAUSE = 0.5


def main() -> None:
    """ShardAnswer until the input ends. If the driver is killed, the chunk at hand is finished."""
    answers = only_answers()
    tasks: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    with stop_request() as request:
        job = json.loads(sys.stdin.buffer.readline() or "{}")
        reader = threading.Thread(target=_read, args=(tasks, request), daemon=True)
        reader.start()
        try:
            runner = ShardRunner.open(Path(job.pop("folder")), **job)
        except (GalaxyclassError, OSError) as error:
            _send(answers, {"refused": _parts(error)})
            return
        while (shard := tasks.get()) is not None:
            last = 0.0

            def follow(images: int) -> None:
                nonlocal last
                if time.monotonic() - last > _PAUSE:
                    last = time.monotonic()
                    _send(answers, {"images": images})

            _send(answers, asdict(answer_shard(runner, shard, request, follow)))
            if request:
                return


def _read(tasks: queue.SimpleQueue[int | None], request: StopRequest) -> None:
    for line in sys.stdin.buffer:
        tasks.put(json.loads(line)["shard"])
    request.ask()
    tasks.put(None)


def _send(answers: IO[str], message: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:
        pass  # the driver was killed; the request to stop follows


def _parts(error: Exception) -> dict[str, str | None]:
    if not isinstance(error, GalaxyclassError):
        return {"what": str(error)}
    return {
        "what": error.what,
        "argument": error.argument,
        "wanted": error.wanted,
        "got": error.got,
        "hint": error.hint,
    }
