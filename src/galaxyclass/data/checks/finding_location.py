"""Findings about single galaxies: their location, put before the message."""

from __future__ import annotations

from galaxyclass.data.catalog.catalog import Catalog, file_of
from galaxyclass.data.checks.findings import Finding, finding

#: With more wrong cells than both of these, a column gets one finding instead of one for each cell:
#: it is not the kind of column that it was taken for, and leaving out galaxies would not help.
WHOLE_COLUMN_CELLS = 1000
WHOLE_COLUMN_SHARE = 0.1


def is_whole_column(wrong: int, total: int) -> bool:
    """Whether so many cells are wrong that the column as a whole is.

    Examples
    --------
    >>> is_whole_column(900, 1000), is_whole_column(5000, 61578), is_whole_column(7000, 61578)
    (False, False, True)
    """
    return wrong > WHOLE_COLUMN_CELLS and wrong > WHOLE_COLUMN_SHARE * total


def galaxy_finding(
    catalog: Catalog,
    code: str,
    row: int,
    message: str,
    *,
    column: str | None = None,
    file: str | None = None,
) -> Finding:
    """A finding about one galaxy, with its location before the message.

    ``file`` is by default the file of the table.
    """
    name = f"{catalog.ids.column} {catalog.ids.values[row]}"
    if catalog.table is None:
        return finding(
            code,
            f"{catalog.paths[row]}: {message}",
            file=catalog.paths[row],
            id=catalog.ids.values[row],
            index=row,
        )
    return finding(
        code,
        f"{catalog.table}, {catalog.line_of(row)}, {name}: {message}",
        file=file or str(file_of(catalog.table, catalog.table_parts, row)),
        row=int(catalog.rows[row]),
        id=catalog.ids.values[row],
        column=column,
        index=row,
    )
