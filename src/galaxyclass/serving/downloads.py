"""Tables to download, in the formats of `galaxyclass.predict`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from galaxyclass.io.temporary import TemporaryFolder
from galaxyclass.serving.refusals import RefusedError

#: The kinds of table, and their media types.
TABLES: dict[str, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "vot": "application/x-votable+xml",
}
_ZIP = "zip"


def download(kind: str, name: str, write: Callable[[Path], object]) -> Response:
    """A table as a file, which is removed once it is sent.

    Parameters
    ----------
    kind : str
        One of `TABLES`, or ``zip``.
    name : str
        Of the file, without its ending.
    write : callable
        Writes the table to a path.

    Raises
    ------
    RefusedError
        Another kind.
    """
    if kind not in (*TABLES, _ZIP):
        raise RefusedError(404, f"no table of the kind {kind!r}", wanted=", ".join(TABLES))
    folder = TemporaryFolder()
    path = folder.path / f"table.{kind}"
    try:
        write(path)
    except BaseException:
        folder.remove()
        raise
    return FileResponse(
        path,
        media_type=TABLES.get(kind, "application/zip"),
        filename=f"{name}.{kind}",
        background=BackgroundTask(folder.remove),
    )
