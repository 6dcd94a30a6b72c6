"""The application: pages and API, with their errors as messages."""

from __future__ import annotations

import logging
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from galaxyclass.errors import ArgumentError, CatalogError, GalaxyclassError, ImageError
from galaxyclass.serving.api import REFUSAL, add_api
from galaxyclass.serving.label_pages import add_labelling
from galaxyclass.serving.look import add_look
from galaxyclass.serving.pages import refusal
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.security import Application, Guard
from galaxyclass.serving.served import Served
from galaxyclass.version import __version__

log = logging.getLogger(__name__)

#: Files that pages need, and their media types.
_STATIC: dict[str, str] = {
    "serve.css": "text/css; charset=utf-8",
    "serve.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
#: What the framework refuses, and what to do.
_PLAINLY: dict[int, tuple[str, str]] = {
    404: ("there is nothing at this address", "/api lists what can be asked"),
    405: ("this address does not take such a request", "/api lists what can be asked, and how"),
}
#: Errors of what was asked, not of the server.
_ASKED_WRONGLY = (ArgumentError, CatalogError, ImageError)


def make_app(served: Served, *, host: str, token: str | None) -> Application:
    """The application, behind its `Guard`.

    Parameters
    ----------
    served : Served
    host : str
        What the server listens on.
    token : str or None
        What a request must know.
    """
    app = FastAPI(
        title="galaxyclass",
        version=__version__,
        description="Predict pictures of galaxies.",
        docs_url=None,  # FastAPI's own pages load from other hosts
        redoc_url=None,
    )
    add_api(app, served)
    add_look(app, served)
    if served.labelling is not None:
        add_labelling(app, served, served.labelling)
    files = {
        name: (resources.files("galaxyclass.serving") / "static" / name).read_bytes()
        for name in _STATIC
    }

    def static(name: str) -> Response:
        if name not in files:
            raise RefusedError(404, "no such file")
        return Response(
            files[name],
            media_type=_STATIC[name],
            headers={"cache-control": "no-cache"},
        )

    app.add_api_route("/static/{name}", static, include_in_schema=False, response_model=None)

    async def refuse(request: Request, error: Exception) -> Response:
        return _answer(served, request, error)

    for kind in (GalaxyclassError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, refuse)
    app.add_exception_handler(Exception, refuse)
    _describe_errors(app)
    guarded: Any = app
    return Guard(guarded, host=host, token=token, limits=served.limits)


def _describe_errors(app: FastAPI) -> None:
    """Put the shape of errors into the description, in place of the framework's own."""
    described = app.openapi()
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Refusal"] = REFUSAL


def _answer(served: Served, request: Request, error: Exception) -> Response:
    """An error as a page for people, as JSON for programs."""
    is_api = request.url.path in ("/predict", "/model", "/openapi.json")
    accept = "" if is_api else request.headers.get("accept", "")
    return refusal(_refused(error), accept, served)


def _refused(error: Exception) -> RefusedError:
    """An error with the status of HTTP that it has."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, GalaxyclassError):
        status = 422 if isinstance(error, _ASKED_WRONGLY) else 500
        return RefusedError(status, error.what, wanted=error.wanted, got=error.got, hint=error.hint)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        return RefusedError(
            422,
            f"{first['loc'][-1]}: {first['msg'][:1].lower()}{first['msg'][1:]}",
            got=str(first.get("input"))[:80],
        )
    if isinstance(error, HTTPException):
        what, hint = _PLAINLY.get(error.status_code, (str(error.detail), None))
        return RefusedError(error.status_code, what, hint=hint)
    log.error("%s", error, exc_info=error)
    return RefusedError(500, "something went wrong here", hint="the server's log has the error")
