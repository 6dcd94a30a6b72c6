"""Reading FITS, VOTable, ECSV and IPAC tables by astropy: units, UCDs and descriptions are kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.data.tables.content import TableKind, whole_content
from galaxyclass.data.tables.in_memory import as_arrow
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError, MissingExtraError
from galaxyclass.extras import require
from galaxyclass.images.fits_hdus import astropy_warnings
from galaxyclass.short import first_line

#: What a reader gives: the table, and what of the file it did not read.
Read = tuple[pa.Table, tuple[Unused, ...]]


def read_astronomical(path: Path, kind: TableKind) -> Read:
    """Read the first table of a FITS, VOTable, ECSV or IPAC file.

    Raises
    ------
    MissingExtraError
        astropy is not installed.
    CatalogError
        A damaged file, or one without a table.
    """
    try:
        require("astropy.table")
    except MissingExtraError as error:
        raise MissingExtraError(
            f"{path}: {error.what}, which reads {_NAMES[kind]}", hint=error.hint
        ) from error
    try:
        with astropy_warnings():
            table, unused = _READERS[kind](path)
            return as_arrow(table), unused
    except CatalogError:
        raise
    except Exception as error:  # astropy raises whatever a damaged file leads to
        raise CatalogError(
            f"{path}: cannot be read as {_NAMES[kind]}",
            got=first_line(error),
            hint="open it in another program, such as TOPCAT, and save it anew",
        ) from error


def _read_fits(path: Path) -> tuple[Any, tuple[Unused, ...]]:
    from astropy.io import fits
    from astropy.table import Table

    content = whole_content(path)
    with fits.open(content) as file:
        tables = [number for number, part in enumerate(file) if hasattr(part, "columns")]
        if not tables:
            pictures = [part for part in file if getattr(part, "shape", ())]
            raise CatalogError(
                f"{path}: a FITS file without a table",
                wanted="a binary table",
                got="a picture" if pictures else "headers alone",
                hint="give pictures as `images`" if pictures else "give another file as `table`",
            )
        first = file[tables[0]]
        if first.fileinfo()["datLoc"] + first.size > len(content.getvalue()):
            raise CatalogError(
                f"{path}: the FITS file ends in the middle of its table",
                wanted=f"{first.header['NAXIS2']:,} rows",
                hint="fetch it again",
            )
        names = [file[number].name or f"HDU {number}" for number in tables]
        return Table.read(first), _others(names)


def _read_votable(path: Path) -> tuple[Any, tuple[Unused, ...]]:
    from astropy.io.votable import parse

    content = whole_content(path)
    _require_own_data(path, content.getvalue())
    tables = list(parse(content).iter_tables())
    if not tables:
        raise CatalogError(
            f"{path}: a VOTable without a table",
            wanted="a TABLE with FIELDs",
            hint="a service may have answered with an error: look into the file",
        )
    names = [table.name or table.ID or f"table {n}" for n, table in enumerate(tables, start=1)]
    return tables[0].to_table(use_names_over_ids=True), _others(names)


def _require_own_data(path: Path, content: bytes) -> None:
    """Refuse a VOTable whose data are elsewhere: astropy would read any file or address it names.

    Raises
    ------
    CatalogError
    """
    if not any("STREAM".encode(code) in content for code in ("utf-8", "utf-16-le")):
        return
    from astropy.utils.xml.iterparser import get_xml_iterator

    with get_xml_iterator(io.BytesIO(content)) as events:
        for is_start, tag, attributes, _ in events:
            if is_start and tag.endswith("STREAM") and "href" in attributes:
                raise CatalogError(
                    f"{path}: a VOTable whose data are not in the file",
                    wanted="all data in the file itself",
                    got=f"data in {attributes['href']}",
                    hint="fetch the data, and save both as one table",
                )


def _read_ecsv(path: Path) -> tuple[Any, tuple[Unused, ...]]:
    from astropy.table import Table

    return Table.read(whole_content(path), format="ascii.ecsv"), ()


def _read_ipac(path: Path) -> tuple[Any, tuple[Unused, ...]]:
    from astropy.table import Table

    return Table.read(whole_content(path), format="ascii.ipac"), ()


def _others(names: list[str]) -> tuple[Unused, ...]:
    if len(names) < 2:
        return ()
    why = f"only the first table of a file is read, here {names[0]}"
    return (Unused("tables", len(names) - 1, ", ".join(names[1:5]), why),)


_READERS: dict[TableKind, Callable[[Path], tuple[Any, tuple[Unused, ...]]]] = {
    "fits": _read_fits,
    "votable": _read_votable,
    "ecsv": _read_ecsv,
    "ipac": _read_ipac,
}
_NAMES: dict[TableKind, str] = {
    "fits": "FITS",
    "votable": "a VOTable",
    "ecsv": "ECSV",
    "ipac": "an IPAC table",
}
