"""The pages to label galaxies."""

from __future__ import annotations

import re
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from galaxyclass.model.writers import write_table
from galaxyclass.serving.downloads import download
from galaxyclass.serving.export import agreements, table_of_events, training_table
from galaxyclass.serving.labelling import Labelling, person_named
from galaxyclass.serving.labels import Action
from galaxyclass.serving.pages import render_page
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.served import Served


def add_labelling(app: FastAPI, served: Served, labelling: Labelling) -> None:
    """Add the pages of a labelling."""
    assert served.rows is not None, "galaxies of a file of predictions are labelled"
    id_column = served.rows.id_column

    def show(person: str = "", note: str = "") -> Response:
        progress = labelling.progress()
        if not person.strip():
            return render_page(
                "people", served, progress=progress, pairs=agreements(labelling.labels),
                names=answer_names(labelling),
            )  # fmt: skip
        name = person_named(person)
        return render_page(
            "label",
            served,
            person=name,
            shown=labelling.next_for(name),
            last=labelling.labels.last(name),
            already=note == "already",
            progress=progress,
            names=answer_names(labelling),
        )

    def keep(person: str, row: int, action: str, question: str, answer: str) -> Response:
        name = person_named(person)
        if action not in get_args(Action):
            raise RefusedError(422, f"{action!r} is nothing that can be done")
        known: Any = action
        kept = labelling.act(name, row, known, question, answer)
        query = {"person": name, **({} if kept or action == "undo" else {"note": "already"})}
        return RedirectResponse(f"/label?{urlencode(query)}", status_code=303)

    async def receive(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        texts = {key: value for key, value in form.items() if isinstance(value, str)}
        row = texts.get("row", "")
        # A button says what is done and, of a label, the answer: label:ring.
        action, _, answer = texts.get("do", "").partition(":")
        if (action != "undo" or row) and not re.fullmatch(r"[0-9]{1,18}", row):
            raise RefusedError(422, "which galaxy?", wanted="a row of the table", got=row[:40])
        return await run_in_threadpool(
            keep,
            texts.get("person", ""),
            int(row or 0),
            action,
            texts.get("question", ""),
            answer,
        )

    def table() -> Response:
        kept = training_table(labelling.labels, id_column)
        return download("csv", "labels", lambda path: write_table(path, kept))

    def events() -> Response:
        kept = table_of_events(labelling.labels, id_column)
        return download("csv", "all_labels", lambda path: write_table(path, kept))

    options: dict[str, Any] = {"include_in_schema": False, "response_model": None}
    app.add_api_route("/label", show, **options)
    app.add_api_route("/label", receive, methods=["POST"], **options)
    app.add_api_route("/label/labels.csv", table, **options)
    app.add_api_route("/label/all_labels.csv", events, **options)


def answer_names(labelling: Labelling) -> dict[str, str]:
    """The name of each answer, by what is kept of it."""
    return {
        choice.key: choice.name
        for question in labelling.labels.questions.questions
        for choice in question.choices
    }
