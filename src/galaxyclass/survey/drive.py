"""Handing shards to workers: each is done once; one that fails is tried again, after all others."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from galaxyclass.errors import SurveyError, SurveyStoppedError, WorkerError
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, summary
from galaxyclass.survey.answers import ShardAnswer, ShardWorker
from galaxyclass.survey.claims import host_name
from galaxyclass.survey.events import EventLog
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import SurveyShard
from galaxyclass.survey.records import ShardFailure, write_failure
from galaxyclass.workers.signals import StopRequest

#: Seconds after which a shard that another process holds is looked at again.
_AGAIN = 2.0
#: Seconds between two looks at the clock, and between two entries of progress in the log.
_TICK, _LOG_SECONDS = 0.5, 30.0
#: Seconds that workers have to end their chunks after a signal.
_PATIENCE = 120.0


@dataclass(frozen=True)
class SurveyRun:
    """The result of running shards of a survey.

    Attributes
    ----------
    shards : int
        That were asked for.
    done : int
        That are done now, by this run or before it.
    before : int
        That were done before it.
    images : int
        Pictures that this run did.
    unreadable : int
        Those of them that could not be read.
    seconds : float
    failed : tuple of ShardFailure
        Shards that were given up.
    """

    shards: int
    done: int
    before: int
    images: int
    unreadable: int
    seconds: float
    failed: tuple[ShardFailure, ...]

    def __repr__(self) -> str:
        failed = f", {len(self.failed):,} given up" if self.failed else ""
        return summary(
            f"SurveyRun: {self.done:,} of {counted(self.shards, 'shard')} done, "
            f"{self.before:,} before"
            f"{failed}"
        )


@dataclass
class Driver:
    """Hands shards to workers.

    Attributes
    ----------
    folder : SurveyFolder
    shards : sequence of SurveyShard
        To do; those that are done already are found out by the workers.
    workers : sequence of ShardWorker
        Each gets a thread.
    retries : int
        How often a shard that failed is tried again, after all others.
    request : StopRequest
    log : EventLog
    progress : Progress
        Counts images.
    before : int
        Shards that are left out, as they are done.
    """

    folder: SurveyFolder
    shards: Sequence[SurveyShard]
    workers: Sequence[ShardWorker]
    retries: int
    request: StopRequest
    log: EventLog
    progress: Progress = silent
    before: int = 0
    images_before: int = 0
    _pending: deque[int] = field(default_factory=deque)
    _later: list[tuple[float, int]] = field(default_factory=list)
    _open: set[int] = field(default_factory=set)
    _attempts: dict[int, int] = field(default_factory=dict)
    _running: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> SurveyRun:
        """Do all shards.

        Raises
        ------
        SurveyStoppedError
            A signal; finished shards and chunks are kept.
        SurveyError
            The workers cannot begin: the model is another now, for instance.
        """
        begun = time.monotonic()
        self._open = {shard.number for shard in self.shards}
        self._pending.extend(shard.number for shard in self.shards)
        self.log.write("begin", shards=len(self.shards), done=self.before, host=host_name())
        answers: queue.SimpleQueue[ShardAnswer | BaseException | None] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(worker, answers), daemon=True)
            for worker in self.workers
        ]
        for thread in threads:
            thread.start()
        tally = _Tally(self.before)
        try:
            self._gather(answers, len(threads), tally)
        except BaseException:
            self.request.ask(self.request.signal)
            raise
        finally:
            for worker in self.workers:
                worker.end()
            for thread in threads:
                thread.join(timeout=_PATIENCE)
        seconds = time.monotonic() - begun
        if self.request and self._open:
            self._raise_stopped(tally)
        self.log.write(
            "end", done=tally.done, failed=len(tally.failures), images=tally.images, seconds=seconds
        )
        return SurveyRun(
            shards=len(self.shards) + self.before,
            done=tally.done,
            before=tally.before,
            images=tally.images,
            unreadable=tally.unreadable,
            seconds=seconds,
            failed=tuple(tally.failures),
        )

    def _gather(
        self,
        answers: queue.SimpleQueue[ShardAnswer | BaseException | None],
        running: int,
        tally: _Tally,
    ) -> None:
        stopped: float | None = None
        logged = time.monotonic()
        while running:
            if self.request and stopped is None:
                stopped = time.monotonic()
                self.log.write("stop", signal=self.request.signal)
                for worker in self.workers:
                    worker.stop()
            if stopped is not None and time.monotonic() - stopped > _PATIENCE:
                return
            self._show(tally)
            if time.monotonic() - logged > _LOG_SECONDS:
                logged = time.monotonic()
                self.log.write("progress", done=tally.done, images=self._images(tally))
            try:
                answer = answers.get(timeout=_TICK)
            except queue.Empty:
                continue
            if answer is None:
                running -= 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                self._take(answer, tally)
        self._show(tally)

    def _take(self, answer: ShardAnswer, tally: _Tally) -> None:
        """Note what became of a shard."""
        number = answer.shard
        with self._lock:
            self._running.pop(number, None)
            if answer.state in ("done", "before"):
                self._open.discard(number)
            elif answer.state == "held":
                self._later.append((time.monotonic() + _AGAIN, number))
        if answer.state == "done":
            tally.done += 1
            tally.images += answer.images
            tally.unreadable += answer.failed
            self.log.write("done", **_words(answer))
        elif answer.state == "before":
            tally.done += 1
            tally.before += 1
            tally.images_before += answer.images
        elif answer.state == "stopped" and not self.request:
            why = "the process that predicted it was stopped from outside"
            self._failed(replace(answer, state="failed", error=f"{why}; {answer.error}"), tally)
        elif answer.state == "stopped":
            tally.kept.append(answer.error)
            self.log.write("stopped", **_words(answer))
        elif answer.state == "failed":
            self._failed(answer, tally)

    def _failed(self, answer: ShardAnswer, tally: _Tally) -> None:
        number = answer.shard
        if self.request:
            return  # a process that was ended with the run
        attempts = self._attempts[number] = self._attempts.get(number, 0) + 1
        again = attempts <= self.retries
        self.log.write("failed", again=again, attempts=attempts, **_words(answer))
        if again:
            with self._lock:
                self._pending.append(number)
            return
        failure = ShardFailure(number, answer.error, attempts, host_name())
        tally.failures.append(failure)
        try:
            write_failure(self.folder.failed(number), failure)
        except Exception:
            self.log.write("unwritten", shard=number)
        with self._lock:
            self._open.discard(number)

    def _serve(
        self, worker: ShardWorker, answers: queue.SimpleQueue[ShardAnswer | BaseException | None]
    ) -> None:
        """Hand one shard after the other to a worker, until none is left."""
        try:
            while not self.request:
                number = self._next()
                if number is None:
                    if not self._open:
                        return
                    self.request.wait(_TICK / 5)
                    continue
                self._running[number] = 0

                def follow(images: int, number: int = number) -> None:
                    self._running[number] = images

                try:
                    answers.put(worker.ask(number, follow))
                except WorkerError as error:
                    answers.put(ShardAnswer(number, "failed", str(error)))
        except BaseException as error:
            answers.put(error)
        finally:
            answers.put(None)

    def _next(self) -> int | None:
        """The next shard to hand out: of those that wait, or one that another process held."""
        with self._lock:
            if self._pending:
                return self._pending.popleft()
            for index, (earliest, number) in enumerate(self._later):
                if time.monotonic() >= earliest:
                    del self._later[index]
                    return number
            return None

    def _images(self, tally: _Tally) -> int:
        return tally.images + tally.images_before + sum(list(self._running.values()))

    def _show(self, tally: _Tally) -> None:
        shards = len(self.shards) + self.before
        total = self.images_before + sum(shard.images for shard in self.shards)
        note = f"{tally.done:,} of {counted(shards, 'shard')}"
        if tally.failures:
            note += f", {len(tally.failures):,} given up"
        done = min(total, self.images_before + self._images(tally))
        self.progress("survey", done, total, note=note)

    def _raise_stopped(self, tally: _Tally) -> None:
        name = "" if self.request.signal is None else signal.Signals(self.request.signal).name
        kept = "; ".join(dict.fromkeys(text.removeprefix("stopped; ") for text in tally.kept))
        self.log.write("stopped-run", done=tally.done, left=len(self._open))
        raise SurveyStoppedError(
            self.request.signal not in (None, signal.SIGINT),
            f"stopped{f' by {name}' if name else ''}; {tally.done:,} of "
            f"{counted(len(self.shards) + self.before, 'shard')} done",
            got=kept or None,
            hint="run the same again: it goes on from there",
        )


@dataclass
class _Tally:
    """What became of the shards so far."""

    before: int
    done: int = 0
    images: int = 0
    images_before: int = 0
    unreadable: int = 0
    failures: list[ShardFailure] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.done = self.before


def _words(answer: ShardAnswer) -> dict[str, object]:
    words = {"shard": answer.shard, "images": answer.images, "unreadable": answer.failed}
    more = {"seconds": round(answer.seconds, 3), "error": answer.error}
    return {**words, **{name: value for name, value in more.items() if value}}


def require_shards(shards: Sequence[SurveyShard], numbers: Sequence[int]) -> None:
    """Refuse numbers of shards that there are not.

    Raises
    ------
    SurveyError
    """
    wrong = [number for number in numbers if not 0 <= number < len(shards)]
    if wrong:
        raise SurveyError(
            f"no shard {wrong[0]:,}",
            argument="shards",
            wanted=f"0 to {len(shards) - 1:,}",
            got=", ".join(map(str, wrong[:4])),
        )
