"""The pages of the galaxies of a file of predictions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import FastAPI
from starlette.responses import RedirectResponse, Response

from galaxyclass.errors import ArgumentError
from galaxyclass.serving.downloads import TABLES, download
from galaxyclass.serving.pages import render_page
from galaxyclass.serving.pictures import LARGE, SMALL
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.rows import PredictionRows
from galaxyclass.serving.served import Served
from galaxyclass.serving.views import GalaxyView, names_to_show, view_of
from galaxyclass.serving.why import Explained, cutout_of
from galaxyclass.tasks.task import Task

#: Galaxies on a page.
ON_PAGE = 24


def add_galaxies(
    app: FastAPI, served: Served, rows: PredictionRows, options: dict[str, Any]
) -> None:
    """Add the pages of a file of predictions."""
    shown = names_to_show(served.model.task, rows.id_column, rows.names)
    example = example_column(served.model.task, rows.names)

    def by_labels(ids: list[str]) -> tuple[GalaxyView | None, ...]:
        return served.label_model.of_files([served.pictures.path(name) for name in ids])

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
            galaxies=list(zip(here.tolist(), ids, views, by_labels(ids), strict=True)),
            columns=rows.names,
            example=example,
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
        quoted = served.quote_formulas and kind == "csv"
        return download(
            kind, rows.path.stem, lambda path: rows.write(found, path, quote_formulas=quoted)
        )

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
            why=f"/galaxies/{row}/why" if served.why and served.pictures.path(name) else None,
            explainable=answers_to_explain(served.model.task),
            label_run=served.label_model.run,
            by_labels=by_labels([name])[0],
        )

    def explained(row: int, answer: str) -> Explained:
        _require_row(rows, row)
        path = served.pictures.path(served.ids([row])[0])
        if path is None or not served.why:
            raise RefusedError(404, "this galaxy cannot be explained: it has no picture here")
        return served.why.explain(str(row), cutout_of(served.model, path), answer)

    def why(row: int, answer: str = "") -> Response:
        return render_page(
            "why",
            served,
            explained=explained(row, answer),
            name=served.ids([row])[0],
            place=f"/galaxies/{row}",
            answer=answer,
            explainable=answers_to_explain(served.model.task),
        )

    def map_of(row: int, kind: str, answer: str = "") -> Response:
        return map_picture(explained(row, answer), kind)

    def picture(row: int, small: bool = False) -> Response:
        _require_row(rows, row)
        (name,) = served.ids([row])
        return jpeg_response(served.pictures.jpeg(name, SMALL if small else LARGE))

    app.add_api_route("/galaxies", galaxies, **options)
    app.add_api_route("/galaxies/find", find, **options)
    app.add_api_route("/galaxies/table.{kind}", table, **options)
    app.add_api_route("/galaxies/{row}", galaxy, **options)
    app.add_api_route("/galaxies/{row}/picture.jpg", picture, **options)
    app.add_api_route("/galaxies/{row}/why", why, **options)
    app.add_api_route("/galaxies/{row}/why/{kind}.png", map_of, **options)


def example_column(task: Task, columns: Sequence[str]) -> str:
    """A column of predictions as the fields of the page take it, or the code of an answer."""
    if task.decision_tree is not None:
        codes = [answer.code for answer in task.decision_tree.answers]
        return "4.1" if "4.1" in codes else codes[0]
    return next((name for name in task.names if name in columns), columns[0])


def conditions(text: str) -> list[str]:
    """The conditions of a line of text.

    Examples
    --------
    >>> conditions("4.1 > 0.5 and strange = False"), conditions(" ")
    (['4.1 > 0.5', 'strange = False'], [])
    """
    parts = re.split(r"\s+and\s+|\s*;\s*|\s*&&\s*", text.strip(), flags=re.IGNORECASE)
    return [part for part in parts if part]


def answers_to_explain(task: Task) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each question its title, and the column and the name of each answer that was learnt."""
    tree = task.decision_tree
    order = range(len(task.groups)) if tree is None else tree.order
    questions = []
    for index in order:
        title, where, names = task.groups[index]
        text = title if tree is None else tree.questions[index].text
        answers = zip(task.names[where], names, task.known_mask[where], strict=True)
        known = [(column, name) for column, name, is_known in answers if is_known]
        if known:
            questions.append((text, known))
    return questions


def map_picture(explained: Explained, kind: str) -> Response:
    """What the model sees of a galaxy, or the map over it.

    Raises
    ------
    RefusedError
        Another kind.
    """
    kinds = {"seen": explained.seen, "map": explained.map}
    if kind not in kinds:
        raise RefusedError(404, f"no picture {kind[:40]!r}", wanted=", ".join(kinds))
    return Response(
        kinds[kind], media_type="image/png", headers={"cache-control": "private, max-age=3600"}
    )


def _require_row(rows: PredictionRows, row: int) -> None:
    if not 0 <= row < len(rows):
        raise RefusedError(404, f"no galaxy in row {row}", wanted=f"0 to {len(rows) - 1:,}")


def jpeg_response(data: bytes | None) -> Response:
    """A picture.

    Raises
    ------
    RefusedError
        There is none.
    """
    if data is None:
        raise RefusedError(404, "no picture of this galaxy")
    return Response(
        data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"}
    )
