"""Small tables as the text of a CSV file; those of predictions are streamed (`model.writers`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    r"""Rows as the text of a CSV file, the header first.

    Examples
    --------
    >>> csv_text([("code", "mean"), ("1.1", 0.25), ("1.2", "")])
    'code,mean\n1.1,0.25\n1.2,\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
