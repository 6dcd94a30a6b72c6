"""Pictures of many requests, predicted together by one thread; each request gets its own rows."""

from __future__ import annotations

import logging
import queue
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from galaxyclass.errors import ImageError
from galaxyclass.images.header import require_few_pixels
from galaxyclass.model.model import Model
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.refusals import RefusedError

log = logging.getLogger(__name__)

#: Pictures of several requests that the network gets together, at most; a request is never split.
TOGETHER = 64


@dataclass(frozen=True)
class Upload:
    """A picture that somebody sent: its name, which is only ever shown, and its content."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Answers:
    """The predictions for the pictures of a request.

    Attributes
    ----------
    table : pyarrow.Table
        A row for each picture that could be decoded, in the order sent; without ids.
    rows : tuple of (int or None)
        For each picture its row; None where it could not be decoded.
    errors : tuple of (str or None)
        For each picture why it could not be decoded.
    """

    table: pa.Table
    rows: tuple[int | None, ...]
    errors: tuple[str | None, ...]


@dataclass(frozen=True)
class _Job:
    uploads: Sequence[Upload]
    future: Future[Answers] = field(default_factory=Future)


class Predictor:
    """A model, and the thread that alone runs it.

    Parameters
    ----------
    model : Model
    include : sequence of str
        Extra columns; see `galaxyclass.predict`.
    limits : Limits
    """

    def __init__(self, model: Model, include: Sequence[str], limits: Limits) -> None:
        self.model, self.include, self.limits = model, tuple(include), limits
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting, self._lock = 0, threading.Lock()
        self._thread = threading.Thread(target=self._run, name="predictions", daemon=True)
        self._thread.start()

    def submit(self, uploads: Sequence[Upload]) -> Future[Answers]:
        """Predict pictures, together with those of other requests.

        Raises
        ------
        RefusedError
            Too many pictures are waiting.
        """
        with self._lock:
            if self._waiting + len(uploads) > self.limits.waiting:
                raise RefusedError(
                    503,
                    "too many pictures are waiting to be predicted",
                    wanted=f"at most {self.limits.waiting:,}",
                    got=f"{self._waiting:,}, and {len(uploads):,} more",
                    hint="send them again in a few seconds",
                    retry_seconds=2,
                )
            self._waiting += len(uploads)
        job = _Job(tuple(uploads))
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """End the thread once it has done what was submitted."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs, stopping = [first], False
            while sum(len(job.uploads) for job in jobs) < TOGETHER:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stopping = True
                    break
                jobs.append(job)
            try:
                self._predict([job for job in jobs if job.future.set_running_or_notify_cancel()])
            finally:
                with self._lock:
                    self._waiting -= sum(len(job.uploads) for job in jobs)
            if stopping:
                return

    def _predict(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        try:
            answers = self._answers([upload for job in jobs for upload in job.uploads])
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
                return
            log.warning("predicted one by one: %s", error)
            for job in jobs:  # another request's picture must not spoil this one
                self._predict([job])
            return
        start = 0
        for job in jobs:
            stop = start + len(job.uploads)
            job.future.set_result(_part(answers, start, stop))
            start = stop

    def _answers(self, uploads: Sequence[Upload]) -> Answers:
        errors: list[str | None] = [None] * len(uploads)
        with tempfile.TemporaryDirectory(prefix="galaxyclass-serve-") as folder:
            paths: list[str] = []
            sent: list[int] = []
            for index, upload in enumerate(uploads):
                try:
                    require_few_pixels(upload.data, self.limits.pixels)
                except ImageError as error:
                    errors[index] = " ".join(str(error).split())
                    continue
                # A name of our own: the sender's never becomes a path.
                path = Path(folder) / f"{index:06d}.img"
                path.write_bytes(upload.data)
                paths.append(str(path))
                sent.append(index)
            if not paths:
                return Answers(pa.table({}), (None,) * len(uploads), tuple(errors))
            predictions = self.model.predict(paths, include=self.include)
            table = predictions.table.drop_columns([predictions.columns.id_column])
            rows: list[int | None] = [None] * len(uploads)
            for row, place in enumerate(predictions.indices.tolist()):
                rows[sent[place]] = row
            for failure in predictions.failures:
                errors[sent[failure.index]] = failure.error.removeprefix(f"{failure.path}: ")
        return Answers(table, tuple(rows), tuple(errors))


def _part(answers: Answers, start: int, stop: int) -> Answers:
    """The answers for some of the pictures, which follow each other."""
    rows = answers.rows[start:stop]
    used = [row for row in rows if row is not None]
    first = min(used, default=0)
    table = answers.table.slice(first, len(used))
    return Answers(
        table,
        tuple(None if row is None else row - first for row in rows),
        answers.errors[start:stop],
    )
