"""The routes that finetune on the labels of the page, and use the result."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from galaxyclass.serving.finetuning_state import FinetuningState
from galaxyclass.serving.label_finetuning import LabelFinetuning
from galaxyclass.serving.labelling import person_named
from galaxyclass.serving.refusals import RefusedError, error_json


def add_finetuning(app: FastAPI, finetuning: LabelFinetuning, options: dict[str, Any]) -> None:
    """Add the routes of a finetuning."""

    def changed(request: Request, person: str = "", note: str = "") -> Response:
        """Back to the page; to programs how far it is."""
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse(finetuning_json(finetuning.state), status_code=202)
        values = {"person": person_named(person)} if person else {}
        query = urlencode({**values, **({"note": note} if note else {})})
        place = f"/label?{query}" if query else "/label"
        return RedirectResponse(place if person else f"{place}#finetune", status_code=303)

    async def finetune(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        is_new = await run_in_threadpool(finetuning.start)
        return changed(request, str(form.get("person", "")), "" if is_new else "learnt")

    async def use(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        choices = {"yes": finetuning.use, "no": finetuning.release}
        choice = str(form.get("use", ""))
        if choice not in choices:
            raise RefusedError(422, "use the model?", wanted=", ".join(choices), got=choice[:40])
        await run_in_threadpool(choices[choice])
        return changed(request)

    def how_far() -> Response:
        return JSONResponse(finetuning_json(finetuning.state))

    app.add_api_route("/label/finetune", finetune, methods=["POST"], **options)
    app.add_api_route("/label/finetune", how_far, **options)
    app.add_api_route("/label/use", use, methods=["POST"], **options)


def finetuning_json(state: FinetuningState) -> dict[str, Any]:
    """How far a finetuning is, as plain data."""
    run = state.latest
    model = None if run is None else {**asdict(run), "folder": str(run.folder)}
    error = {} if state.error is None else error_json(state.error)
    doing = {"stage": state.stage, "words": state.words, "is_queued": state.is_queued}
    return {**doing, "model": model, "is_used": state.is_used, **error}
