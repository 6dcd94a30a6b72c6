"""Lists of pictures that lie behind addresses themselves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from galaxyclass.errors import CatalogError
from galaxyclass.images.containers import is_container
from galaxyclass.images.remote import open_address
from galaxyclass.io.temporary import TemporaryFolder
from galaxyclass.short import first_line
from galaxyclass.survey.listed import LIST_ENDINGS, listed_pieces, without_query
from galaxyclass.survey.pieces import ListColumns, Piece

_BLOCK = 4 << 20


def remote_pieces(address: str, columns: ListColumns, notes: list[str]) -> Iterator[Piece]:
    """The pictures that a list behind an address names; it is fetched into a temporary file.

    Parameters
    ----------
    address : str
    columns, notes
        As for `listed_pieces`.

    Raises
    ------
    CatalogError, ArgumentError
        As for `listed_pieces`; it cannot be fetched, or holds pictures itself.
    """
    with TemporaryFolder() as folder:
        copy = folder / f"list{_ending(address)}"
        try:
            with open_address(address) as stream, copy.open("wb") as file:
                shutil.copyfileobj(stream, file, _BLOCK)
        except OSError as error:
            raise CatalogError(
                f"{address}: the list cannot be fetched",
                argument="images",
                got=first_line(error),
                hint="check the address, and that it may be read",
            ) from error
        if is_container(copy):
            raise CatalogError(
                f"{address}: a table of pictures behind an address",
                argument="images",
                wanted="a list of paths; or pictures, or archives of them (.zip, .tar)",
                hint="copy it here",
            )
        yield from listed_pieces(str(copy), columns, notes, address)


def _ending(address: str) -> str:
    """The ending of a list's name.

    Examples
    --------
    >>> _ending("s3://sky/list.csv.gz"), _ending("https://sky.org/list.parquet?version=2")
    ('.csv.gz', '.parquet')
    """
    lower = without_query(address).lower()
    return max((ending for ending in LIST_ENDINGS if lower.endswith(ending)), key=len, default="")
