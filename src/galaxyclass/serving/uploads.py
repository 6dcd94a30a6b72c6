"""From a request to its pictures, and from their answers to a table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from galaxyclass.serving.batches import Answers, Predictor, Upload, plain_rows
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.tasks.names import free_name

#: Letters of a picture's name that are kept.
_LONGEST_NAME = 200


async def uploads_of(request: Request, predictor: Predictor) -> list[Upload]:
    """The pictures of a form, which is not read where too many are waiting.

    Raises
    ------
    RefusedError
        Not a form, none, too many, or one that is too large; too many of other requests wait.
    """
    limits = predictor.limits
    predictor.require_room()
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RefusedError(
            415,
            "no form with pictures",
            wanted="multipart/form-data, a part for each picture",
            got=request.headers.get("content-type", "no Content-Type"),
            hint="send each picture as a part of the form, with its file name",
        )
    uploads = []
    try:
        async with request.form(max_files=limits.files, max_fields=20) as form:
            for _, part in form.multi_items():
                if isinstance(part, UploadFile) and (part.filename or part.size):
                    _require_size(part, limits)
                    uploads.append(Upload(shown_name(part.filename), await part.read()))
    except HTTPException as error:
        many = "Too many files" in str(error.detail)
        raise RefusedError(
            413 if many else 400,
            "too many pictures in a request" if many else "the form cannot be read",
            wanted=f"at most {limits.files:,}" if many else None,
            got=None if many else str(error.detail),
            hint="send them in several requests" if many else "send it as multipart/form-data",
        ) from None
    if not uploads:
        raise RefusedError(
            422,
            "no pictures were sent",
            wanted="a part for each picture, with a file name",
            hint="send each picture as a part of the form, with its file name",
        )
    return uploads


def _require_size(part: UploadFile, limits: Limits) -> None:
    """Refuse a picture of too many bytes.

    Raises
    ------
    RefusedError
    """
    if (part.size or 0) > limits.file_bytes:
        raise RefusedError(
            413,
            f"{shown_name(part.filename)}: the picture is too large",
            wanted=f"at most {limits.file_bytes:,} bytes",
            got=f"{part.size:,} bytes",
            hint="cut the galaxies out of it first",
        )


def shown_name(name: str | None) -> str:
    """A sender's name of a picture as it is shown; it never becomes a path.

    Examples
    --------
    >>> shown_name("../../M 51.jpg"), shown_name(None)
    ('../../M 51.jpg', 'picture')
    """
    text = "".join(c if c.isprintable() else " " for c in name or "picture")
    return text[:_LONGEST_NAME]


async def answers_to(
    predictor: Predictor, uploads: Sequence[Upload], *, embedding: bool = True
) -> Answers:
    """The predictions for pictures, when the network comes to them.

    Raises
    ------
    RefusedError
        Too many are waiting, or it took too long.
    """
    future = predictor.submit(uploads, embedding=embedding)
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), predictor.limits.seconds)
    except TimeoutError:
        raise RefusedError(
            503,
            "the predictions took too long",
            wanted=f"at most {predictor.limits.seconds:g} s",
            hint="send fewer pictures, or later",
            retry_seconds=10,
        ) from None


def answer_table(
    uploads: Sequence[Upload], answers: Answers, *, embedding: bool = False
) -> pa.Table:
    """A table with a row for each picture, in the order sent.

    The first column is the picture's name, the last why it could not be decoded; the other cells of
    such a row are empty.
    """
    names = [
        name
        for name in answers.table.column_names
        if embedding or not name.startswith("embedding_")
    ]
    rows = pa.array(answers.rows, pa.int64())
    table = answers.table.select(names).take(rows) if names else pa.table({})
    taken = set(names)
    file = pa.array([upload.name for upload in uploads], pa.string())
    errors = pa.array(answers.errors, pa.string())
    columns = [file, *table.columns, errors]
    fields = [
        pa.field(free_name("file", taken, "_name"), pa.string()),
        *table.schema,
        pa.field(free_name("error", taken, "_message"), pa.string()),
    ]
    return pa.table(columns, schema=pa.schema(fields, table.schema.metadata))


def answer_records(
    uploads: Sequence[Upload], answers: Answers, *, embedding: bool = False
) -> list[dict[str, Any]]:
    """The rows of `answer_table` as plain data; what is not a number is None."""
    if embedding:
        return plain_rows(answer_table(uploads, answers, embedding=True))
    records = answers.records
    names = list(records[0]) if records else []
    taken = set(names)
    file, error = free_name("file", taken, "_name"), free_name("error", taken, "_message")
    empty = dict.fromkeys(names)
    return [
        {file: upload.name, **(empty if row is None else records[row]), error: why}
        for upload, row, why in zip(uploads, answers.rows, answers.errors, strict=True)
    ]


def embedding_of(answers: Answers) -> NDArray[np.float32]:
    """(pictures, features) float32: the embeddings; NaN of a picture that could not be decoded."""
    names = [name for name in answers.table.column_names if name.startswith("embedding_")]
    known = np.column_stack(
        [answers.table[name].to_numpy() for name in names] or [np.empty((len(answers.table), 0))]
    ).astype(np.float32)
    values = np.full((len(answers.rows), known.shape[1]), np.nan, np.float32)
    for place, row in enumerate(answers.rows):
        if row is not None:
            values[place] = known[row]
    return values
