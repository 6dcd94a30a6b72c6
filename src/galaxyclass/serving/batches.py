"""Pictures of many requests, predicted together by one thread; each request gets its own rows."""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from galaxyclass.errors import ImageError
from galaxyclass.io.temporary import TemporaryFolder
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
class PredictedTogether:
    """The predictions for the pictures of several requests.

    Attributes
    ----------
    table : pyarrow.Table
        Without ids.
    """

    table: pa.Table

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The rows as plain data, without the embedding; made once for all requests."""
        names = [name for name in self.table.column_names if not name.startswith("embedding_")]
        return plain_rows(self.table.select(names))


@dataclass(frozen=True)
class Answers:
    """The predictions for the pictures of a request.

    Attributes
    ----------
    predicted : PredictedTogether
        The table of these and other requests.
    start, count : int
        Which rows are those of this request: a row for each picture that could be decoded, in the
        order sent.
    rows : tuple of (int or None)
        For each picture its row; None where it could not be decoded.
    errors : tuple of (str or None)
        For each picture why it could not be decoded.
    """

    predicted: PredictedTogether
    start: int
    count: int
    rows: tuple[int | None, ...]
    errors: tuple[str | None, ...]

    @property
    def table(self) -> pa.Table:
        """The rows of this request, without ids."""
        return self.predicted.table.slice(self.start, self.count)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The same as plain data, without the embedding; what is not a number is None."""
        return self.predicted.records[self.start : self.start + self.count]


def plain_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table as plain data; what is not a finite number is None."""
    return [
        {name: None if _is_no_number(cell) else cell for name, cell in row.items()}
        for row in table.to_pylist()
    ]


def _is_no_number(cell: object) -> bool:
    return isinstance(cell, float) and not math.isfinite(cell)


class _Job:
    """The pictures of a request, those of them that wait, and the answers to the others."""

    def __init__(self, uploads: Sequence[Upload], *, embedding: bool) -> None:
        self.embedding = embedding
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

    def submit(self, uploads: Sequence[Upload], *, embedding: bool = True) -> Future[Answers]:
        """Predict pictures, together with those of other requests.

        ``embedding``: whether it is asked for; without it fewer columns are made.

        Raises
        ------
        RefusedError
            Too many pictures are waiting.
        """
        job = _Job(uploads, embedding=embedding)
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
                    self._finish(job, _outcome(job))

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
            wants = any(job.embedding for job, _ in pieces)
            include = [name for name in self.include if wants or name != "embedding"]
            answers = predict_uploads(self.model, together, include, self.limits, self.turn)
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


def _outcome(job: _Job) -> Answers | Exception:
    """All answers of a job; an error of one must not end the thread that answers the others."""
    try:
        return _joined(job.answers)
    except Exception as error:
        return error


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
    with TemporaryFolder() as folder:
        paths: list[str] = []
        sent: list[int] = []
        for index, upload in enumerate(uploads):
            try:
                content = unpacked(upload.data, limits)
            except ImageError as error:
                errors[index] = error.one_line
                continue
            # A name of our own: the sender's never becomes a path.
            path = folder / f"{index:06d}.img"
            path.write_bytes(content)
            paths.append(str(path))
            sent.append(index)
        if not paths:
            nothing = PredictedTogether(pa.table({}))
            return Answers(nothing, 0, 0, (None,) * len(uploads), tuple(errors))
        with turn:
            predictions = model.predict(paths, include=include)
        table = predictions.table.drop_columns([predictions.columns.id_column])
        rows: list[int | None] = [None] * len(uploads)
        for row, place in enumerate(predictions.indices.tolist()):
            rows[sent[place]] = row
        for failure in predictions.failures:
            errors[sent[failure.index]] = failure.error.removeprefix(f"{failure.path}: ")
    return Answers(PredictedTogether(table), 0, len(table), tuple(rows), tuple(errors))


def _part(answers: Answers, start: int, stop: int) -> Answers:
    """The answers for some of the pictures, which follow each other."""
    rows = answers.rows[start:stop]
    used = [row for row in rows if row is not None]
    first = min(used, default=0)
    return Answers(
        answers.predicted,
        answers.start + first,
        len(used),
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
    # Some were predicted together with those of a request that wants the embedding too.
    names: list[str] = min((table.column_names for table in tables), key=len, default=[])
    table = pa.concat_tables([each.select(names) for each in tables]) if tables else pa.table({})
    return Answers(
        PredictedTogether(table),
        0,
        len(table),
        tuple(rows),
        tuple(error for piece in pieces for error in piece.errors),
    )
