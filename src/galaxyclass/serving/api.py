"""The API: ``POST /predict`` with pictures, JSON or parquet back; and its description."""

from __future__ import annotations

import io
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from galaxyclass.model.writers import with_votable_header
from galaxyclass.serving.pages import render_page
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.served import Served
from galaxyclass.serving.uploads import answer_table, answers_to, uploads_of

PARQUET = "application/vnd.apache.parquet"
_JSON = ("application/json", "application/*", "*/*")
_PARQUET = (PARQUET, "application/parquet", "application/x-parquet")

_DESCRIPTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "pictures": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                    "required": ["pictures"],
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "A row for each picture, in the order sent: `file`, the columns of "
            "`galaxyclass.predict`, and `error`, which says why a picture could not be decoded.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "model": {"type": "string"},
                            "digest": {"type": "string"},
                            "galaxies": {"type": "array", "items": {"type": "object"}},
                        },
                    }
                },
                PARQUET: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "406": {"description": "The header Accept asks for neither JSON nor parquet."},
        "413": {"description": "Too many bytes or pictures."},
        "415": {"description": "Not a form."},
        "422": {"description": "No pictures, or none that can be decoded."},
        "503": {"description": "Too busy; the header Retry-After says when to try again."},
    },
}


def add_api(app: FastAPI, served: Served) -> None:
    """Add the routes of the API."""

    async def predict(request: Request, embedding: bool = False) -> Response:
        """Predict pictures: one galaxy, one row."""
        kind = _wanted(request.headers.get("accept", "*/*"))
        uploads = await uploads_of(request, served.predictor)
        answers = await answers_to(served.predictor, uploads)
        if all(row is None for row in answers.rows):
            raise RefusedError(
                422,
                "no picture could be decoded",
                got="\n".join(
                    f"{upload.name}: {error}"
                    for upload, error in zip(uploads[:10], answers.errors[:10], strict=True)
                ),
            )
        table = answer_table(uploads, answers, embedding=embedding)
        if kind == PARQUET:
            buffer = io.BytesIO()
            pq.write_table(with_votable_header(table), buffer)
            return Response(buffer.getvalue(), media_type=PARQUET)
        return JSONResponse({**_model(served), "galaxies": rows_as_json(table)})

    def model() -> JSONResponse:
        """The model that predicts."""
        task = served.model.task
        return JSONResponse(
            {**_model(served), "views": served.model.views, served_outputs(served): task.names}
        )

    def description() -> Response:
        return render_page("api", served, limits=served.limits)

    app.add_api_route(
        "/predict", predict, methods=["POST"], openapi_extra=_DESCRIPTION, response_model=None
    )
    app.add_api_route("/model", model, methods=["GET"], response_model=None)
    app.add_api_route(
        "/api", description, methods=["GET"], include_in_schema=False, response_model=None
    )


def served_outputs(served: Served) -> str:
    """What the model's outputs are called: answers, classes."""
    return served.model.task.output_word


def _model(served: Served) -> dict[str, Any]:
    return {"model": served.model.name, "digest": served.model.digest}


def rows_as_json(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table as plain data; what is not a number is null."""
    return [
        {name: None if _is_nan(cell) else cell for name, cell in row.items()}
        for row in table.to_pylist()
    ]


def _is_nan(cell: object) -> bool:
    return isinstance(cell, float) and not math.isfinite(cell)


def _wanted(accept: str) -> str:
    """The format that an ``Accept`` header asks for, the first that is known.

    Raises
    ------
    RefusedError
    """
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in _PARQUET:
            return PARQUET
        if kind in _JSON or not kind:
            return "application/json"
    raise RefusedError(
        406,
        "answers are JSON or parquet",
        wanted=f"Accept: application/json or {PARQUET}",
        got=accept[:200],
    )
