"""What becomes of a shard that was handed out, and who answers: this process, or one of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from galaxyclass.errors import (
    GalaxyclassError,
    PredictionInterruptedError,
    SurveyError,
    WorkerError,
)
from galaxyclass.workers.signals import StopRequest
from galaxyclass.workers.start import Message, close_pipes, send, start_process

if TYPE_CHECKING:  # a driver imports no model: its workers do
    from galaxyclass.survey.shard import ShardRunner

#: What became of a shard: done; done before; another process has it; failed; stopped by a signal.
ShardState = Literal["done", "before", "held", "failed", "stopped"]
#: Called with how many pictures of a shard are done.
Follow = Callable[[int], None]


@dataclass(frozen=True)
class ShardAnswer:
    """What became of a shard.

    Attributes
    ----------
    shard : int
    state : ShardState
    error : str
        Why it failed, or what is kept where it was stopped.
    images, failed : int
        Pictures that are done, and those of them that could not be read.
    seconds : float
    """

    shard: int
    state: ShardState
    error: str = ""
    images: int = 0
    failed: int = 0
    seconds: float = 0.0


class ShardWorker(Protocol):
    """Predicts one shard after the other."""

    def ask(self, shard: int, follow: Follow) -> ShardAnswer:
        """Predict a shard; raises `WorkerError` where a process died."""

    def stop(self) -> None:
        """Let it end its chunk, and answer."""

    def end(self) -> None:
        """End it in any case."""


def answer_shard(
    runner: ShardRunner, shard: int, request: StopRequest, follow: Follow
) -> ShardAnswer:
    """Predict a shard in this process; errors become answers."""
    begun = time.monotonic()
    images = -1

    def progress(stage: str, done: int, total: int | None, **_more: str) -> None:  # noqa: ARG001
        nonlocal images
        images = done
        follow(done)
        if request:
            raise KeyboardInterrupt

    try:
        record = runner.run(shard, progress)
    except PredictionInterruptedError as error:
        return ShardAnswer(shard, "stopped", error.what, max(images, 0))
    except (GalaxyclassError, OSError, MemoryError) as error:
        return ShardAnswer(shard, "failed", str(error) or type(error).__name__, max(images, 0))
    if record is None:
        return ShardAnswer(shard, "held")
    state: ShardState = "before" if images < 0 else "done"
    return ShardAnswer(shard, state, "", record.images, record.failed, time.monotonic() - begun)


class InThisProcess:
    """Predicts shards in this process."""

    def __init__(self, runner: ShardRunner) -> None:
        self._runner, self._request = runner, StopRequest()

    def ask(self, shard: int, follow: Follow) -> ShardAnswer:
        return answer_shard(self._runner, shard, self._request, follow)

    def stop(self) -> None:
        self._request.ask()

    def end(self) -> None:
        self._request.ask()


class InOwnProcess:
    """Predicts shards in a process of its own, which is started again where it died.

    Parameters
    ----------
    job : mapping
        What `galaxyclass.survey.worker` begins with.
    """

    def __init__(self, job: Message) -> None:
        self._job = job
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def ask(self, shard: int, follow: Follow) -> ShardAnswer:
        process = self._running()
        send(process, {"shard": shard})
        assert process.stdout is not None, "started with a pipe"
        for line in process.stdout:
            with suppress(ValueError):  # a last line that a kill cut short
                message = json.loads(line)
                if "refused" in message:
                    raise SurveyError(**message["refused"])
                if "state" in message:
                    if message["state"] == "stopped":  # it ends then, whoever stopped it
                        self._close(process)
                    return ShardAnswer(**message)
                follow(message["images"])
        status = self._close(process)
        ending = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        raise WorkerError(
            f"the process that predicted it {ending}",
            hint="if memory is short, use fewer `workers`",
        )

    def _close(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the end of a process; the next shard gets another one."""
        status = process.wait()
        close_pipes(process)
        self._process = None
        return status

    def _running(self) -> subprocess.Popen[bytes]:
        if self._ended:
            raise WorkerError("the process was ended")
        if self._process is None:
            self._process = start_process("galaxyclass.survey.worker", {})
            send(self._process, self._job)
        return self._process

    def stop(self) -> None:
        if (process := self._process) is not None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        self._ended = True
        if (process := self._process) is not None:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
            close_pipes(process)
