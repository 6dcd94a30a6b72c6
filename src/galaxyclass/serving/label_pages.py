"""The pages to label galaxies."""

from __future__ import annotations

import re
import shlex
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from galaxyclass.data.labels.log import Action
from galaxyclass.data.labels.table import training_table
from galaxyclass.serving.downloads import TABLES, download
from galaxyclass.serving.export import agreements, table_of_events
from galaxyclass.serving.finetune_pages import add_finetuning
from galaxyclass.serving.label_finetuning import LabelFinetuning
from galaxyclass.serving.labelling import Labelling, person_named
from galaxyclass.serving.pages import render_page
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.served import Served
from galaxyclass.serving.subjects import SUBJECTS, subject_table, write_subjects


def add_labelling(app: FastAPI, served: Served, labelling: Labelling) -> None:
    """Add the pages of a labelling."""
    assert served.rows is not None, "galaxies of a file of predictions are labelled"
    finetuning = LabelFinetuning(served, labelling, served.rows.id_column)
    served.at_end.callback(finetuning.stop)
    pages = LabelPages(served, labelling, served.rows.id_column, finetuning)
    options: dict[str, Any] = {"include_in_schema": False, "response_model": None}
    app.add_api_route("/label", pages.show, **options)
    app.add_api_route("/label", pages.receive, methods=["POST"], **options)
    add_finetuning(app, finetuning, options)
    app.add_api_route("/label/labels.{kind}", pages.table, **options)
    app.add_api_route("/label/all_labels.{kind}", pages.events, **options)
    app.add_api_route("/label/subjects.zip", pages.volunteers, **options)


class LabelPages:
    """The pages of a labelling: a method answers a kind of request."""

    def __init__(
        self, served: Served, labelling: Labelling, id_column: str, finetuning: LabelFinetuning
    ) -> None:
        self._served, self._labelling, self._id_column = served, labelling, id_column
        self._finetuning = finetuning

    def show(self, person: str = "", note: str = "") -> Response:
        """The next galaxy of a person; without a name, the people and what they have done."""
        served, labelling = self._served, self._labelling
        progress = labelling.progress()
        if not person.strip():
            return render_page(
                "people", served, progress=progress, pairs=agreements(labelling.labels),
                names=answer_names(labelling), kinds=list(TABLES), subjects=SUBJECTS,
                command=finetuning_command(served, labelling), finetuning=self._finetuning.state,
                note=note,
            )  # fmt: skip
        name = person_named(person)
        return render_page(
            "label",
            served,
            person=name,
            shown=labelling.next_for(name),
            last=labelling.labels.last(name),
            note=note,
            progress=progress,
            names=answer_names(labelling),
            finetuning=self._finetuning.state,
        )

    async def receive(self, request: Request) -> Response:
        """Keep a label, and lead to the next galaxy."""
        form = await request.form(max_files=0, max_fields=10)
        texts = {key: value for key, value in form.items() if isinstance(value, str)}
        row = texts.get("row", "")
        # A button says what is done and, of a label, the answer: label:ring.
        action, _, answer = texts.get("do", "").partition(":")
        if (action != "undo" or row) and not re.fullmatch(r"[0-9]{1,18}", row):
            raise RefusedError(422, "which galaxy?", wanted="a row of the table", got=row[:40])
        return await run_in_threadpool(
            self._keep,
            texts.get("person", ""),
            int(row or 0),
            action,
            texts.get("question", ""),
            answer,
        )

    def table(self, kind: str) -> Response:
        """The labels as a table to train on."""
        kept = training_table(self._labelling.labels, self._id_column)
        return download(kind, "labels", lambda path: self._served.write_table(path, kept))

    def events(self, kind: str) -> Response:
        """All that was ever labelled, by whom and when."""
        kept = table_of_events(self._labelling.labels, self._id_column)
        return download(kind, "all_labels", lambda path: self._served.write_table(path, kept))

    def volunteers(self, which: str = "doubtful") -> Response:
        """Pictures and a manifest to upload, for volunteers to look at."""
        kept = subject_table(self._labelling, self._id_column, which)
        folder = self._served.pictures.folder
        if folder is None:
            raise RefusedError(
                404,
                "there are no pictures for volunteers",
                hint="start the server with `images`, the folder of the pictures",
            )
        quoted = self._served.quote_formulas
        return download(
            "zip",
            f"subjects_{which}",
            lambda path: write_subjects(path, kept, folder, quote_formulas=quoted),
        )

    def _keep(self, person: str, row: int, action: str, question: str, answer: str) -> Response:
        name = person_named(person)
        if action not in get_args(Action):
            raise RefusedError(422, f"{action!r} is nothing that can be done")
        known: Any = action
        kept = self._labelling.act(name, row, known, question, answer)
        query = {"person": name, **({} if kept or action == "undo" else {"note": "already"})}
        return RedirectResponse(f"/label?{urlencode(query)}", status_code=303)


def finetuning_command(served: Served, labelling: Labelling) -> str:
    """What to type to finetune on the labels, as they lie on the disk."""
    folder = served.pictures.folder
    images = shlex.quote(str(folder)) if folder is not None else "IMAGES"
    labels = labelling.labels.path
    output = shlex.quote(str(labels.with_name(f"{labels.stem}-model")))
    table = shlex.quote(str(labels))
    return f"galaxyclass finetune --images {images} --table {table} --output {output}"


def answer_names(labelling: Labelling) -> dict[str, str]:
    """The name of each answer, by what is kept of it."""
    return {
        choice.key: choice.name
        for question in labelling.labels.questions.questions
        for choice in question.choices
    }
