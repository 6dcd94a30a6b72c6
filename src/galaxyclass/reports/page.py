"""The page of a report: one HTML file without scripts, readable offline, on a phone, on paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from galaxyclass.extras import require
from galaxyclass.plots.style import COLOURS
from galaxyclass.reports.parts import ReportSection
from galaxyclass.version import __version__


def report_page(
    title: str, source: Sequence[str], sections: Sequence[ReportSection], folder: str
) -> str:
    """Write the page.

    All words on it are escaped: names of files, classes and cells of tables are shown as text.

    Parameters
    ----------
    title : str
    source : sequence of str
        Lines below it: what the report is about.
    sections : sequence of ReportSection
    folder : str
        The name of the folder of the numbers.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    MissingExtraError
        jinja2 is not installed.
    """
    jinja2 = require("jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False
    )
    environment.filters["breakable"] = _breakable
    text = files("galaxyclass.reports").joinpath("page.html").read_text(encoding="utf-8")
    page: str = environment.from_string(text).render(
        title=title,
        source=source,
        sections=sections,
        folder=folder,
        colours=COLOURS[:6],
        version=__version__,
    )
    return page


def _breakable(text: object) -> Any:
    """Text, escaped: it may be broken behind underscores, but not before a percent sign.

    What stands in backticks is code.
    """
    from markupsafe import Markup, escape

    broken = str(escape(text)).replace("_", "_<wbr>").replace(" %", "&nbsp;%")
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", broken))  # noqa: S704 - escaped above
