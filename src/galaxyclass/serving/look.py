"""The pages of dropped pictures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
from fastapi import FastAPI
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from galaxyclass.errors import ImageError
from galaxyclass.serving.batches import Answers, Upload
from galaxyclass.serving.downloads import TABLES, download
from galaxyclass.serving.galaxies import (
    add_galaxies,
    answers_to_explain,
    jpeg_response,
    map_picture,
)
from galaxyclass.serving.pages import render_page
from galaxyclass.serving.pictures import LARGE, to_jpeg
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.served import Look, Served
from galaxyclass.serving.unpacked import unpacked
from galaxyclass.serving.uploads import answer_table, answers_to, embedding_of, uploads_of
from galaxyclass.serving.views import GalaxyView, view_of
from galaxyclass.serving.why import Explained, cutout_of_upload
from galaxyclass.tasks.names import free_name


def add_look(app: FastAPI, served: Served) -> None:
    """Add the pages of dropped pictures and, if there is one, of the file of predictions."""
    pages = LookPages(served)
    app.add_route("/", _sync(pages.home), methods=["GET"], include_in_schema=False)
    options: dict[str, Any] = {"include_in_schema": False, "response_model": None}
    app.add_api_route("/look", pages.drop, methods=["POST"], **options)
    app.add_api_route("/look/{key}", pages.look, **options)
    app.add_api_route("/look/{key}/table.{kind}", pages.table, **options)
    app.add_api_route("/look/{key}/{number}", pages.galaxy, **options)
    app.add_api_route("/look/{key}/{number}/picture.jpg", pages.picture, **options)
    app.add_api_route("/look/{key}/{number}/why", pages.why, **options)
    app.add_api_route("/look/{key}/{number}/why/{kind}.png", pages.map_of, **options)
    if served.rows is not None:
        add_galaxies(app, served, served.rows, options)


class LookPages:
    """The pages of dropped pictures: a method answers a kind of request."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def home(self) -> Response:
        """The page that pictures are dropped on."""
        return render_page("home", self._served, limits=self._served.limits)

    async def drop(self, request: Request) -> Response:
        """Predict the pictures of a form, and lead to their page."""
        served = self._served
        uploads = await uploads_of(request, served.predictor)
        answers = await answers_to(served.predictor, uploads)
        key = await run_in_threadpool(lambda: served.keep(_look(served, uploads, answers)))
        place = f"/look/{key}" + ("/0" if len(uploads) == 1 else "")
        return RedirectResponse(place, status_code=303)

    def look(self, key: str) -> Response:
        """The pictures that were dropped together."""
        look = _found(self._served, key)
        views = [_view_of_look(self._served, look, number) for number in range(len(look.names))]
        by_labels = (None,) * len(views) if look.by_labels is None else look.by_labels.views
        galaxies = list(zip(look.names, views, _errors(look), by_labels, strict=True))
        return render_page("look", self._served, key=key, galaxies=galaxies, kinds=list(TABLES))

    def galaxy(self, key: str, number: int) -> Response:
        """The page of one of them."""
        served, look = self._served, _found(self._served, key, number)
        return render_page(
            "galaxy",
            served,
            name=look.names[number],
            view=_view_of_look(served, look, number),
            error=_errors(look)[number],
            picture=f"/look/{key}/{number}/picture.jpg" if look.jpegs[number] else None,
            alike=served.alike_embedding(look.embedding[number]),
            back=f"/look/{key}",
            back_words="all dropped pictures",
            downloads=[(kind, f"/look/{key}/table.{kind}") for kind in TABLES],
            why=f"/look/{key}/{number}/why" if _can_explain(look, number) else None,
            explainable=answers_to_explain(served.model.task),
            label_run=None if look.by_labels is None else look.by_labels.run,
            by_labels=None if look.by_labels is None else look.by_labels.views[number],
        )

    def why(self, key: str, number: int, answer: str = "") -> Response:
        """The page that explains an answer for one of them."""
        look = _found(self._served, key, number)
        return render_page(
            "why",
            self._served,
            name=look.names[number],
            explained=_explained_look(self._served, key, number, answer),
            place=f"/look/{key}/{number}",
            answer=answer,
            explainable=answers_to_explain(self._served.model.task),
        )

    def map_of(self, key: str, number: int, kind: str, answer: str = "") -> Response:
        """The picture of an explanation."""
        return map_picture(_explained_look(self._served, key, number, answer), kind)

    def picture(self, key: str, number: int) -> Response:
        """One of the pictures."""
        return jpeg_response(_found(self._served, key, number).jpegs[number])

    def table(self, key: str, kind: str) -> Response:
        """The predictions of all of them, as a file."""
        table = _whole_table(_found(self._served, key))
        return download(kind, "predictions", lambda path: self._served.write_table(path, table))


def _sync(handler: Any) -> Any:
    async def handle(_: Request) -> Response:
        response: Response = await run_in_threadpool(handler)
        return response

    return handle


def _look(served: Served, uploads: Sequence[Upload], answers: Answers) -> Look:
    jpegs: list[bytes | None] = []
    cutouts: list[NDArray[np.uint8] | None] = []
    for upload, row in zip(uploads, answers.rows, strict=True):
        jpeg, cutout = None, None
        if row is not None:
            with suppress(ImageError):
                data = unpacked(upload.data, served.limits)
                jpeg = to_jpeg(data, served.rendering, LARGE, served.limits.pixels)
                cutout = cutout_of_upload(served.model, data) if served.why else None
        jpegs.append(jpeg)
        cutouts.append(cutout)
    return Look(
        tuple(upload.name for upload in uploads),
        answer_table(uploads, answers),
        embedding_of(answers),
        tuple(jpegs),
        tuple(cutouts) if served.why else (),
        served.label_model.of_uploads(uploads, served.limits),
    )


def _whole_table(look: Look) -> pa.Table:
    """The predictions of the model and, before the errors, of the model of the labels."""
    if look.by_labels is None:
        return look.table
    table, taken = look.table, set(look.table.column_names)
    added = look.by_labels.table
    for name, column in zip(added.column_names, added.columns, strict=True):
        free = free_name(name, taken, "_by_labels")
        taken.add(free)
        table = table.add_column(table.num_columns - 1, free, column)
    return table


def _found(served: Served, key: str, number: int = 0) -> Look:
    look = served.looks.find(key)
    if look is None or not 0 <= number < len(look.names):
        raise RefusedError(
            404, "these pictures are no longer remembered", hint="drop them on the page again"
        )
    return look


def _view_of_look(served: Served, look: Look, number: int) -> GalaxyView:
    cells = look.table.slice(number, 1).to_pylist()[0]
    names = look.table.column_names
    cells.pop(names[-1])
    return view_of(served.model.task, names[0], cells)


def _errors(look: Look) -> list[str | None]:
    errors: list[str | None] = look.table.columns[-1].to_pylist()
    return errors


def _can_explain(look: Look, number: int) -> bool:
    return bool(look.cutouts) and look.cutouts[number] is not None


def _explained_look(served: Served, key: str, number: int, answer: str) -> Explained:
    look = _found(served, key, number)
    cutout = look.cutouts[number] if look.cutouts else None
    if cutout is None:
        raise RefusedError(404, "this picture cannot be explained")
    return served.why.explain(f"{key}/{number}", cutout, answer)
