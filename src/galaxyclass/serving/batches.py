"""Pictures of many requests, predicted together by one thread; each request gets its own rows."""

from __future__ import annotations

import logging
import queue
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from galaxyclass.errors import ImageError
from galaxyclass.model.model import Model
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.unpacked import unpacked

log = logging.getLogger(__name__)

#: Pictures that the network gets together of one request, and after which it waits for no other.
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


class _Job:
    """The pictures of a request, those of them that wait, and the answers to the others."""

    def __init__(self, uploads: Sequence[Upload]) -> None:
        self.count, self.waiting = len(uploads), list(uploads)
        self.answers: list[Answers] = []
        self.future: Future[Answers] = Future()
        self.is_counted = True


class Predictor:
    """A model, and the thread that alone runs it.

    Requests take turns: of one with many pictures some are predicted, then those of the others.

    Parameters
    ----------
    model : Model
    include : sequence of str
        Extra columns; see `galaxyclass.predict`.
    limits : Limits

    Attributes
    ----------
    turn : threading.Lock
        Held while the model runs.
    """

    def __init__(self, model: Model, include: Sequence[str], limits: Limits) -> None:
        self.model, self.include, self.limits = model, tuple(include), limits
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting, self._lock = 0, threading.Lock()
        self.turn = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="predictions", daemon=True)
        self._thread.start()

    def require_room(self, count: int = 1) -> None:
        """Refuse pictures where too many are waiting.

        Raises
        ------
        RefusedError
        """
        if self._waiting + count > self.limits.waiting:
            raise RefusedError(
                503,
                "too many pictures are waiting to be predicted",
                wanted=f"at most {self.limits.waiting:,}",
                got=f"{self._waiting:,}, and {count:,} more",
                hint="send them again in a few seconds",
                retry_seconds=2,
            )

    def submit(self, uploads: Sequence[Upload]) -> Future[Answers]:
        """Predict pictures, together with those of other requests.

        Raises
        ------
        RefusedError
            Too many pictures are waiting.
        """
        job = _Job(uploads)
        with self._lock:
            self.require_room(job.count)
            self._waiting += job.count
        job.future.add_done_callback(lambda _: self._forget(job))
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """End the thread once it has done what was submitted."""
        self._jobs.put(None)
        self._thread.join()

    def _forget(self, job: _Job) -> None:
        """Drop the pictures of a job that is done or no longer wanted; it waits no more."""
        with self._lock:
            job.waiting.clear()
            if job.is_counted:
                job.is_counted = False
                self._waiting -= job.count

    def _run(self) -> None:
        stopping = False
        while not stopping or not self._jobs.empty():
            job = self._jobs.get()
            pieces: list[tuple[_Job, list[Upload]]] = []
            while True:
                if job is None:
                    stopping = True
                else:
                    pieces.append((job, self._some(job)))
                if sum(len(uploads) for _, uploads in pieces) >= TOGETHER:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            self._predict(pieces)
            for job, _ in pieces:
                if job.waiting:
                    self._jobs.put(job)
                elif not job.future.done():
                    self._finish(job, _joined(job.answers))

    def _some(self, job: _Job) -> list[Upload]:
        """The next pictures of a job; none where it is no longer wanted."""
        with self._lock:
            uploads, job.waiting = job.waiting[:TOGETHER], job.waiting[TOGETHER:]
            return uploads

    def _finish(self, job: _Job, outcome: Answers | Exception) -> None:
        self._forget(job)
        if job.future.set_running_or_notify_cancel():
            if isinstance(outcome, Exception):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)

    def _predict(self, pieces: Sequence[tuple[_Job, list[Upload]]]) -> None:
        if not any(uploads for _, uploads in pieces):
            return
        try:
            together = [upload for _, uploads in pieces for upload in uploads]
            answers = predict_uploads(self.model, together, self.include, self.limits, self.turn)
        except Exception as error:
            if len(pieces) == 1:
                self._finish(pieces[0][0], error)
                return
            log.warning("predicted one by one: %s", error)
            for piece in pieces:  # another request's picture must not spoil this one
                self._predict([piece])
            return
        start = 0
        for job, uploads in pieces:
            stop = start + len(uploads)
            job.answers.append(_part(answers, start, stop))
            start = stop


def predict_uploads(
    model: Model,
    uploads: Sequence[Upload],
    include: Sequence[str],
    limits: Limits,
    turn: threading.Lock,
) -> Answers:
    """Predict pictures that were sent.

    Parameters
    ----------
    model : Model
    uploads : sequence of Upload
    include : sequence of str
        Extra columns.
    limits : Limits
    turn : threading.Lock
        Held while the model runs.
    """
    errors: list[str | None] = [None] * len(uploads)
    with tempfile.TemporaryDirectory(prefix="galaxyclass-serve-") as folder:
        paths: list[str] = []
        sent: list[int] = []
        for index, upload in enumerate(uploads):
            try:
                content = unpacked(upload.data, limits)
            except ImageError as error:
                errors[index] = error.one_line
                continue
            # A name of our own: the sender's never becomes a path.
            path = Path(folder) / f"{index:06d}.img"
            path.write_bytes(content)
            paths.append(str(path))
            sent.append(index)
        if not paths:
            return Answers(pa.table({}), (None,) * len(uploads), tuple(errors))
        with turn:
            predictions = model.predict(paths, include=include)
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


def _joined(pieces: Sequence[Answers]) -> Answers:
    """The answers for pictures whose parts follow each other."""
    if len(pieces) == 1:
        return pieces[0]
    rows: list[int | None] = []
    before = 0
    for piece in pieces:
        rows += [None if row is None else row + before for row in piece.rows]
        before += len(piece.table)
    tables = [piece.table for piece in pieces if piece.table.num_columns]
    return Answers(
        pa.concat_tables(tables) if tables else pa.table({}),
        tuple(rows),
        tuple(error for piece in pieces for error in piece.errors),
    )
