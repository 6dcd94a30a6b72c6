"""Pages from templates: every name is escaped, and nothing comes from another host."""

from __future__ import annotations

import shlex
from functools import cache
from typing import Any
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, JSONResponse, Response

from galaxyclass.serving.refusals import RefusedError, error_json
from galaxyclass.serving.served import Served
from galaxyclass.serving.views import shown_cell
from galaxyclass.version import __version__


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("galaxyclass.serving"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda value: "" if value is None else f"{100 * value:.0f} %"
    environment.filters["signed"] = lambda value: f"{value:+.2f}".replace("-", "−")
    environment.filters["number"] = shown_cell
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["zip_links"] = lambda kinds, before, after="": [
        (kind, f"{before}{kind}{after}") for kind in kinds
    ]
    environment.filters["query"] = lambda pairs: urlencode(pairs, doseq=True)
    environment.filters["shell"] = lambda text: shlex.quote(str(text))
    return environment


def render_page(
    template: str, served: Served, /, *, status: int = 200, **content: Any
) -> HTMLResponse:
    """A page of a template.

    Parameters
    ----------
    template : str
        Its name, without the ending.
    served : Served
    status : int
        Of HTTP.
    **content
        What the template shows.
    """
    text = (
        _templates()
        .get_template(f"{template}.html")
        .render(here=template, served=served, version=__version__, **content)
    )
    return HTMLResponse(text, status_code=status)


def refusal(error: RefusedError, accept: str, served: Served | None = None) -> Response:
    """A refused request as a page for people, as JSON for programs.

    Parameters
    ----------
    error : RefusedError
    accept : str
        The header ``Accept``.
    served : Served, optional
        What is served; without it the page says nothing of it.
    """
    response: Response
    if "text/html" in accept:
        name = "stranger" if served is None else "refused"
        text = _templates().get_template(f"{name}.html").render(
            here=name, served=served, version=__version__, error=error
        )  # fmt: skip
        response = HTMLResponse(text, status_code=error.status)
    else:
        response = JSONResponse(error_json(error), status_code=error.status)
    if error.retry_seconds is not None:
        response.headers["retry-after"] = str(error.retry_seconds)
    return response
