"""The pages to look at galaxies: dropped pictures, and those of a file of predictions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.model.writers import write_table
from galaxyclass.serving.batches import Answers, Upload
from galaxyclass.serving.downloads import TABLES, download
from galaxyclass.serving.pages import render_page
from galaxyclass.serving.pictures import LARGE, SMALL, to_jpeg
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.rows import PredictionRows
from galaxyclass.serving.served import Look, Served
from galaxyclass.serving.uploads import answer_table, answers_to, embedding_of, uploads_of
from galaxyclass.serving.views import GalaxyView, names_to_show, view_of

#: Galaxies on a page.
ON_PAGE = 24


def add_look(app: FastAPI, served: Served) -> None:
    """Add the pages of dropped pictures and, if there is one, of the file of predictions."""

    def home() -> Response:
        return render_page("home", served, limits=served.limits)

    async def drop(request: Request) -> Response:
        uploads = await uploads_of(request, served.predictor)
        answers = await answers_to(served.predictor, uploads)
        key = await run_in_threadpool(lambda: served.keep(_look(served, uploads, answers)))
        place = f"/look/{key}" + ("/0" if len(uploads) == 1 else "")
        return RedirectResponse(place, status_code=303)

    def looked(key: str) -> Response:
        look = _found(served, key)
        views = [_view_of_look(served, look, number) for number in range(len(look.names))]
        galaxies = list(zip(look.names, views, _errors(look), strict=True))
        return render_page("look", served, key=key, galaxies=galaxies, kinds=list(TABLES))

    def looked_at(key: str, number: int) -> Response:
        look = _found(served, key, number)
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
        )

    def looked_picture(key: str, number: int) -> Response:
        return _jpeg(_found(served, key, number).jpegs[number])

    def looked_table(key: str, kind: str) -> Response:
        look = _found(served, key)
        return download(kind, "predictions", lambda path: write_table(path, look.table))

    app.add_route("/", _sync(home), methods=["GET"], include_in_schema=False)
    options: dict[str, Any] = {"include_in_schema": False, "response_model": None}
    app.add_api_route("/look", drop, methods=["POST"], **options)
    app.add_api_route("/look/{key}", looked, **options)
    app.add_api_route("/look/{key}/table.{kind}", looked_table, **options)
    app.add_api_route("/look/{key}/{number}", looked_at, **options)
    app.add_api_route("/look/{key}/{number}/picture.jpg", looked_picture, **options)
    if served.rows is not None:
        _add_rows(app, served, served.rows, options)


def _add_rows(app: FastAPI, served: Served, rows: PredictionRows, options: dict[str, Any]) -> None:
    """The pages of the file of predictions."""
    shown = names_to_show(served.model.task, rows.id_column, rows.names)

    def galaxies(where: str = "", sort: str = "", order: str = "down", number: int = 1) -> Response:
        query = {"where": where, "sort": sort, "order": order}
        error, found = None, np.empty(0, np.int64)
        try:
            found = rows.rows_where(conditions(where), sort.strip(), descending=order != "up")
        except ArgumentError as wrong:
            error = wrong
        last = max(1, -(-len(found) // ON_PAGE))
        current = min(max(number, 1), last)
        here = found[(current - 1) * ON_PAGE : current * ON_PAGE]
        table = rows.read(here, shown)
        views = [view_of(served.model.task, rows.id_column, row) for row in table.to_pylist()]
        ids = served.ids(here)
        return render_page(
            "galaxies",
            served,
            status=200 if error is None else 422,
            query=query,
            error=error,
            count=len(found),
            number=current,
            last=last,
            galaxies=list(zip(here.tolist(), ids, views, strict=True)),
            columns=rows.names,
            kinds=list(TABLES),
        )

    def find(name: str = "") -> Response:
        row = rows.row_of(name.strip())
        if row is None:
            raise RefusedError(
                404,
                f"no galaxy {name.strip()!r}",
                wanted=f"an id of {rows.id_column!r}, such as {', '.join(served.ids([0]))}",
            )
        return RedirectResponse(f"/galaxies/{row}", status_code=303)

    def table(kind: str, where: str = "", sort: str = "", order: str = "down") -> Response:
        found = rows.rows_where(conditions(where), sort.strip(), descending=order != "up")
        return download(kind, rows.path.stem, lambda path: rows.write(found, path))

    def galaxy(row: int) -> Response:
        _require_row(rows, row)
        (cells,) = rows.read([row], rows.names).to_pylist()
        (name,) = served.ids([row])
        return render_page(
            "galaxy",
            served,
            name=name,
            view=view_of(served.model.task, rows.id_column, cells),
            error=None,
            picture=f"/galaxies/{row}/picture.jpg" if served.pictures else None,
            alike=served.alike_row(row),
            back="/galaxies",
            back_words="all galaxies",
            downloads=[],
        )

    def picture(row: int, small: bool = False) -> Response:
        _require_row(rows, row)
        (name,) = served.ids([row])
        return _jpeg(served.pictures.jpeg(name, SMALL if small else LARGE))

    app.add_api_route("/galaxies", galaxies, **options)
    app.add_api_route("/galaxies/find", find, **options)
    app.add_api_route("/galaxies/table.{kind}", table, **options)
    app.add_api_route("/galaxies/{row}", galaxy, **options)
    app.add_api_route("/galaxies/{row}/picture.jpg", picture, **options)


def conditions(text: str) -> list[str]:
    """The conditions of a line of text.

    Examples
    --------
    >>> conditions("4.1 > 0.5 and strange = False"), conditions(" ")
    (['4.1 > 0.5', 'strange = False'], [])
    """
    parts = re.split(r"\s+and\s+|\s*;\s*|\s*&&\s*", text.strip(), flags=re.IGNORECASE)
    return [part for part in parts if part]


def _sync(handler: Any) -> Any:
    async def handle(_: Request) -> Response:
        response: Response = await run_in_threadpool(handler)
        return response

    return handle


def _look(served: Served, uploads: Sequence[Upload], answers: Answers) -> Look:
    jpegs: list[bytes | None] = []
    for upload, row in zip(uploads, answers.rows, strict=True):
        try:
            jpeg = None if row is None else to_jpeg(
                upload.data, served.rendering, LARGE, served.limits.pixels
            )  # fmt: skip
        except ImageError:
            jpeg = None
        jpegs.append(jpeg)
    return Look(
        tuple(upload.name for upload in uploads),
        answer_table(uploads, answers),
        embedding_of(answers),
        tuple(jpegs),
    )


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


def _require_row(rows: PredictionRows, row: int) -> None:
    if not 0 <= row < len(rows):
        raise RefusedError(404, f"no galaxy in row {row}", wanted=f"0 to {len(rows) - 1:,}")


def _jpeg(data: bytes | None) -> Response:
    if data is None:
        raise RefusedError(404, "no picture of this galaxy")
    return Response(
        data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"}
    )
