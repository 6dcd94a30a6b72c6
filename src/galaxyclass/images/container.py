"""A file that holds pictures, and the status of files and of what addresses lead to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from galaxyclass.images.remote import RemoteStatus, address_status, is_address

#: The column of a table beside pictures that have no other name: their numbers.
PICTURE_ID = "picture"
#: The ending of pictures that have none.
PICTURE_ENDING = ".img"
#: Opened files that each thread keeps, and that all threads keep together.
KEPT, KEPT_SHARED = 4, 16


@dataclass(frozen=True)
class Container:
    """A file that holds pictures.

    Attributes
    ----------
    names : sequence of str
        Of the pictures, in their order.
    read : callable
        From a name to the bytes of a picture: a JPEG, PNG, TIFF or NumPy file.
    """

    names: Sequence[str]
    read: Callable[[str], bytes]


def picture_name(number: int) -> str:
    """The name of a picture that has only a number.

    Examples
    --------
    >>> picture_name(17)
    '0000017'
    """
    return f"{number:07d}"


#: Seconds for which the status of an address is believed; when it was asked for, and what it was.
_REMEMBERED_SECONDS = 60.0
_statuses: dict[str, tuple[float, RemoteStatus]] = {}


def status_of(path: str) -> os.stat_result | RemoteStatus:
    """The status of a file, or of what an address leads to, asked for now."""
    return address_status(path) if is_address(path) else os.stat(path)  # noqa: PTH116


def recent_status(path: str) -> os.stat_result | RemoteStatus:
    """The status of a file; of an address one of the last minute: each is asked for over a net."""
    if not is_address(path):
        return status_of(path)
    remembered = _statuses.get(path)
    if remembered is None or time.monotonic() - remembered[0] > _REMEMBERED_SECONDS:
        remembered = _statuses[path] = time.monotonic(), address_status(path)
    return remembered[1]


def file_size(path: str) -> int:
    """Bytes of a file, or of what an address leads to; it is asked for now.

    Raises
    ------
    OSError
    """
    _statuses.pop(path, None)
    return recent_status(path).st_size
