"""The pages of the galaxies of a file of predictions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
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
    pages = GalaxyPages(served, rows)
    app.add_api_route("/galaxies", pages.galaxies, **options)
    app.add_api_route("/galaxies/find", pages.find, **options)
    app.add_api_route("/galaxies/table.{kind}", pages.table, **options)
    app.add_api_route("/galaxies/{row}", pages.galaxy, **options)
    app.add_api_route("/galaxies/{row}/picture.jpg", pages.picture, **options)
    app.add_api_route("/galaxies/{row}/why", pages.why, **options)
    app.add_api_route("/galaxies/{row}/why/{kind}.png", pages.map_of, **options)


class GalaxyPages:
    """The pages of a file of predictions: a method answers a kind of request."""

    def __init__(self, served: Served, rows: PredictionRows) -> None:
        self._served, self._rows, self._task = served, rows, served.model.task
        self._shown = names_to_show(self._task, rows.id_column, rows.names)
        self._example = example_column(self._task, rows.names)

    def galaxies(
        self, where: str = "", sort: str = "", order: str = "down", number: int = 1
    ) -> Response:
        """One page of the galaxies that meet some conditions."""
        error, found = None, np.empty(0, np.int64)
        try:
            found = self._found(where, sort, order)
        except ArgumentError as wrong:
            error = wrong
        last = max(1, -(-len(found) // ON_PAGE))
        current = min(max(number, 1), last)
        here = found[(current - 1) * ON_PAGE : current * ON_PAGE]
        table = self._rows.read(here, self._shown)
        views = [view_of(self._task, self._rows.id_column, row) for row in table.to_pylist()]
        ids = self._served.ids(here)
        return render_page(
            "galaxies",
            self._served,
            status=200 if error is None else 422,
            query={"where": where, "sort": sort, "order": order},
            error=error,
            count=len(found),
            number=current,
            last=last,
            galaxies=list(zip(here.tolist(), ids, views, self._by_labels(ids), strict=True)),
            columns=self._rows.names,
            example=self._example,
            kinds=list(TABLES),
        )

    def find(self, name: str = "") -> Response:
        """The page of the galaxy with an id."""
        row = self._rows.row_of(name.strip())
        if row is None:
            example = ", ".join(self._served.ids([0]))
            raise RefusedError(
                404,
                f"no galaxy {name.strip()!r}",
                wanted=f"an id of {self._rows.id_column!r}, such as {example}",
            )
        return RedirectResponse(f"/galaxies/{row}", status_code=303)

    def table(self, kind: str, where: str = "", sort: str = "", order: str = "down") -> Response:
        """The galaxies that meet some conditions, as a file."""
        found = self._found(where, sort, order)
        quoted = self._served.quote_formulas and kind == "csv"
        return download(
            kind,
            self._rows.path.stem,
            lambda path: self._rows.write(found, path, quote_formulas=quoted),
        )

    def galaxy(self, row: int) -> Response:
        """The page of one galaxy."""
        served, name = self._served, self._id(row)
        (cells,) = self._rows.read([row], self._rows.names).to_pylist()
        return render_page(
            "galaxy",
            served,
            name=name,
            view=view_of(self._task, self._rows.id_column, cells),
            error=None,
            picture=f"/galaxies/{row}/picture.jpg" if served.pictures else None,
            alike=served.alike_row(row),
            back="/galaxies",
            back_words="all galaxies",
            downloads=[],
            why=f"/galaxies/{row}/why" if served.why and served.pictures.path(name) else None,
            explainable=answers_to_explain(self._task),
            label_run=served.label_model.run,
            by_labels=self._by_labels([name])[0],
        )

    def picture(self, row: int, small: bool = False) -> Response:
        """The picture of a galaxy."""
        return jpeg_response(self._served.pictures.jpeg(self._id(row), SMALL if small else LARGE))

    def why(self, row: int, answer: str = "") -> Response:
        """The page that explains an answer for a galaxy."""
        return render_page(
            "why",
            self._served,
            explained=self._explained(row, answer),
            name=self._id(row),
            place=f"/galaxies/{row}",
            answer=answer,
            explainable=answers_to_explain(self._task),
        )

    def map_of(self, row: int, kind: str, answer: str = "") -> Response:
        """The picture of an explanation."""
        return map_picture(self._explained(row, answer), kind)

    def _found(self, where: str, sort: str, order: str) -> NDArray[np.int64]:
        return self._rows.rows_where(conditions(where), sort.strip(), descending=order != "up")

    def _id(self, row: int) -> str:
        if not 0 <= row < len(self._rows):
            raise RefusedError(
                404, f"no galaxy in row {row}", wanted=f"0 to {len(self._rows) - 1:,}"
            )
        (name,) = self._served.ids([row])
        return name

    def _by_labels(self, ids: list[str]) -> tuple[GalaxyView | None, ...]:
        paths = [self._served.pictures.path(name) for name in ids]
        return self._served.label_model.of_files(paths)

    def _explained(self, row: int, answer: str) -> Explained:
        path = self._served.pictures.path(self._id(row))
        if path is None or not self._served.why:
            raise RefusedError(404, "this galaxy cannot be explained: it has no picture here")
        return self._served.why.explain(str(row), cutout_of(self._served.model, path), answer)


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
