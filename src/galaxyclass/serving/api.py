"""The API: ``POST /predict`` with pictures, JSON or parquet back; and its description."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Annotated, Any

import pyarrow.parquet as pq
from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from galaxyclass.model.writers import with_votable_header
from galaxyclass.serving.batches import Answers, Upload
from galaxyclass.serving.pages import render_page
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.served import Served
from galaxyclass.serving.uploads import answer_records, answer_table, answers_to, uploads_of

PARQUET = "application/vnd.apache.parquet"
_JSON = ("application/json", "application/*", "*/*")
_PARQUET = (PARQUET, "application/parquet", "application/x-parquet")

_EXAMPLE_ERROR = {
    "error": {
        "what": "too many pictures in a request",
        "wanted": "at most 200",
        "hint": "send them in several requests",
    }
}


def _refused(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Refusal"},
                "example": _EXAMPLE_ERROR,
            }
        },
    }


#: The shape of every error.
REFUSAL: dict[str, Any] = {
    "type": "object",
    "description": "Every error. `what` is always there, the others as far as they apply.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["what"],
            "properties": {
                "what": {"type": "string", "description": "What is wrong."},
                "wanted": {"type": "string", "description": "What would have been right."},
                "got": {"type": "string", "description": "What came instead."},
                "hint": {"type": "string", "description": "What to do."},
            },
        }
    },
    "example": _EXAMPLE_ERROR,
}

#: What any request may meet.
_ANY = {
    "401": _refused("The token is missing; only where the server listens beyond its machine."),
    "403": _refused("A browser sent it from a page of another site."),
    "421": _refused("The header Host names another server."),
    "503": _refused("Too busy; the header Retry-After says after how many seconds to come again."),
}


def _description(served: Served) -> dict[str, Any]:
    """``POST /predict`` as OpenAPI describes it, with the columns of this model."""
    columns, label = served.model.task.columns("file")
    cells: dict[str, Any] = {"file": "a.jpg", **dict.fromkeys(columns[:3], 0.25)}
    if label is not None:
        cells[label] = served.model.task.names[0]
    number = {"type": ["number", "null"]}
    galaxy = {
        "type": "object",
        "required": ["file", "error"],
        "properties": {
            "file": {"type": "string", "description": "The name that was sent."},
            **dict.fromkeys(columns, number),
            "error": {
                "type": ["string", "null"],
                "description": "Why the picture could not be decoded; then all numbers are null.",
            },
        },
        "additionalProperties": True,
    }
    return {
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
                                "description": "A part with a file name for each picture.",
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
                "a table of predictions, and `error`.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["model", "digest", "galaxies"],
                            "properties": {
                                "model": {"type": "string"},
                                "digest": {"type": "string"},
                                "galaxies": {"type": "array", "items": galaxy},
                            },
                        },
                        "example": {**_model(served), "galaxies": [{**cells, "error": None}]},
                    },
                    PARQUET: {"schema": {"type": "string", "format": "binary"}},
                },
            },
            **_ANY,
            "400": _refused("The form cannot be read."),
            "406": _refused("The header Accept asks for neither JSON nor parquet."),
            "408": _refused("The request took too long to arrive."),
            "413": _refused("Too many bytes or pictures."),
            "415": _refused("Not a form."),
            "422": _refused("No pictures, or none that can be decoded."),
        },
    }


def add_api(app: FastAPI, served: Served) -> None:
    """Add the routes of the API."""

    async def predict(
        request: Request,
        embedding: Annotated[
            bool, Query(description="Add what the network knows of a galaxy, as columns.")
        ] = False,
    ) -> Response:
        """Predict pictures: one galaxy, one row."""
        kind = _wanted(request.headers.get("accept", "*/*"))
        _require_known_parameters(request)
        uploads = await uploads_of(request, served.predictor)
        answers = await answers_to(served.predictor, uploads, embedding=embedding)
        _require_decoded(uploads, answers)
        if kind == PARQUET:
            table = answer_table(uploads, answers, embedding=embedding)
            buffer = io.BytesIO()
            pq.write_table(with_votable_header(table), buffer, write_page_checksum=True)
            return Response(buffer.getvalue(), media_type=PARQUET)
        rows = answer_records(uploads, answers, embedding=embedding)
        return JSONResponse({**_model(served), "galaxies": rows})

    def model() -> JSONResponse:
        """The model that predicts."""
        task = served.model.task
        return JSONResponse(
            {**_model(served), "views": served.model.views, served_outputs(served): task.names}
        )

    found = _description(served)["responses"]["200"]["content"]["application/json"]["example"]
    example = json.dumps(found, indent=2)

    def description() -> Response:
        return render_page("api", served, limits=served.limits, example=example)

    app.add_api_route(
        "/predict",
        predict,
        methods=["POST"],
        openapi_extra=_description(served),
        response_model=None,
    )
    app.add_api_route(
        "/model",
        model,
        methods=["GET"],
        response_model=None,
        openapi_extra={
            "responses": {
                "200": {
                    "description": "Its name, its identity, its test-time views and its outputs.",
                    "content": {
                        "application/json": {
                            "schema": {"type": "object"},
                            "example": json.loads(bytes(model().body)),
                        }
                    },
                },
                **_ANY,
            }
        },
    )
    app.add_api_route(
        "/api", description, methods=["GET"], include_in_schema=False, response_model=None
    )


def _require_known_parameters(request: Request) -> None:
    if unknown := [name for name in request.query_params if name != "embedding"]:
        raise RefusedError(
            422,
            f"the address has a parameter {unknown[0]!r} that is not known",
            wanted="embedding, or none",
            hint="/api lists what can be asked",
        )


def _require_decoded(uploads: Sequence[Upload], answers: Answers) -> None:
    if all(row is None for row in answers.rows):
        raise RefusedError(
            422,
            "no picture could be decoded",
            got="\n".join(
                f"{upload.name}: {error}"
                for upload, error in zip(uploads[:10], answers.errors[:10], strict=True)
            ),
        )


def served_outputs(served: Served) -> str:
    """What the model's outputs are called: answers, classes."""
    return served.model.task.output_word


def _model(served: Served) -> dict[str, Any]:
    return {"model": served.model.name, "digest": served.model.digest}


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
