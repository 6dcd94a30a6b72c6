"""Pictures behind addresses (``s3://…``, ``https://…``), which fsspec lists and reads.

What cannot be reached (a network that is down, a server that is busy) is tried again, and is
another error than a picture that is not there: it says `UNREACHED`.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

from galaxyclass.errors import CatalogError, ImageError, MissingExtraError
from galaxyclass.extras import require

#: In messages of what may be there but cannot be reached now.
UNREACHED = "cannot be reached"
#: Seconds before each further try.
PAUSES = (0.5, 2.0, 8.0)

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://.")
_OF_EXTRA = ("s3", "s3a", "http", "https")
_ahead = threading.local()


class RemoteStatus(NamedTuple):
    """Size in bytes and state of a file behind an address, named as those of ``os.stat``.

    ``st_mtime_ns`` is no time, but a number that is another one where the file has changed.
    """

    st_size: int
    st_mtime_ns: int


def is_address(path: str | Path) -> bool:
    """Whether a path is an address.

    Examples
    --------
    >>> is_address("s3://sky/1.jpg"), is_address("sky/1.jpg"), is_address("C:/sky/1.jpg")
    (True, False, False)
    """
    return isinstance(path, str) and "://" in path and _ADDRESS.match(path) is not None


def is_web(address: str) -> bool:
    """Whether an address is that of a web server.

    Examples
    --------
    >>> is_web("https://sky.org/1.jpg"), is_web("s3://sky/1.jpg")
    (True, False)
    """
    return address.lower().startswith(("http://", "https://"))


def find_filesystem(address: str) -> tuple[Any, str]:
    """What reads an address, and the path that it knows it by.

    Raises
    ------
    MissingExtraError
        fsspec, or what it needs for this kind of address, is not installed.
    CatalogError
        There is no such kind of address.
    """
    match = _ADDRESS.match(address)
    scheme = match[1].lower() if match else ""
    files = filesystem_of(scheme)
    return files, files._strip_protocol(address)


@cache
def filesystem_of(scheme: str) -> Any:
    """What reads one kind of address, such as ``s3``; its errors are those of `find_filesystem`."""
    fsspec: Any = require("fsspec")
    try:
        return fsspec.filesystem(scheme)
    except ImportError as error:
        missing = error.name or scheme
        extra = scheme in _OF_EXTRA
        hint = 'pip install "galaxyclass[remote]"' if extra else f"pip install {missing}"
        raise MissingExtraError(
            f"{missing} is not installed, which reads {scheme}://", hint=hint
        ) from error
    except ValueError as error:
        raise CatalogError(
            f"{scheme}://: not a kind of address that fsspec reads",
            argument="images",
            wanted="https://, s3://, gs:// and others of fsspec; or a path",
        ) from error


def read_address(address: str) -> tuple[bytes, RemoteStatus]:
    """The content behind an address.

    Raises
    ------
    ImageError
        There is nothing, it may not be read, or it cannot be reached.
    MissingExtraError, CatalogError
        As for `find_filesystem`.
    """
    contents: dict[str, bytes | ImageError] = getattr(_ahead, "contents", {})
    content = contents.pop(address, None)
    if content is None:
        content = _fetch([address])[address]
    if isinstance(content, ImageError):
        raise content
    return content, RemoteStatus(len(content), 1)


@contextmanager
def fetched(addresses: Sequence[str]) -> Iterator[None]:
    """Fetch several addresses at once; `read_address` of this thread then finds them."""
    if len(addresses) < 2:
        yield
        return
    _ahead.contents = _fetch(addresses)
    try:
        yield
    finally:
        _ahead.contents = {}


def _fetch(addresses: Sequence[str]) -> dict[str, bytes | ImageError]:
    files, _ = find_filesystem(addresses[0])
    path_of = {address: files._strip_protocol(address) for address in addresses}
    found: dict[str, bytes | ImageError] = {}
    waiting = list(path_of)
    for pause in (*PAUSES, None):
        paths = list(dict.fromkeys(path_of[address] for address in waiting))
        try:
            # Not `cat`, which takes brackets and stars in names for patterns.
            found_bytes = files.cat_ranges(paths, None, None, on_error="return")
            contents = dict(zip(paths, found_bytes, strict=True))
        except Exception as error:  # of each library that fsspec stands on
            contents = dict.fromkeys(paths, error)
        again = []
        for address in waiting:
            content = contents.get(path_of[address], FileNotFoundError())
            if isinstance(content, bytes):
                found[address] = content
            else:
                found[address] = _error(address, content)
                again += [address] if UNREACHED in found[address].what else []  # type: ignore[union-attr]
        waiting = again
        if not waiting or pause is None:
            break
        time.sleep(pause)
    return found


def _error(address: str, error: BaseException) -> ImageError:
    if isinstance(error, FileNotFoundError | IsADirectoryError):
        return ImageError(f"{address}: no such file")
    status = getattr(error, "status", None)
    if isinstance(error, PermissionError) or status in (401, 403):
        return ImageError(f"{address}: no permission to read it")
    if isinstance(status, int) and 400 <= status < 500 and status not in (408, 429):
        return ImageError(f"{address}: no such file", got=f"status {status}")
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return ImageError(f"{address}: {UNREACHED}", got=text)


def open_address(address: str) -> IO[bytes]:
    """A file behind an address, opened for reading at any place.

    Raises
    ------
    OSError
        There is none, or it cannot be reached.
    """
    files, path = find_filesystem(address)
    try:
        opened: IO[bytes] = files.open(path, "rb")
    except (OSError, MissingExtraError):
        raise
    except Exception as error:  # of each library that fsspec stands on
        raise OSError(f"{UNREACHED} ({error})") from error
    return opened


def address_status(address: str) -> RemoteStatus:
    """Size and state of a file behind an address.

    Raises
    ------
    OSError
        There is none, or it cannot be reached.
    """
    files, path = find_filesystem(address)
    try:
        info = files.info(path)
    except OSError:
        raise
    except Exception as error:  # of each library that fsspec stands on
        raise OSError(f"{UNREACHED} ({error})") from error
    state = [info.get(key) for key in ("ETag", "etag", "LastModified", "mtime", "size")]
    number = int.from_bytes(hashlib.sha256(repr(state).encode()).digest()[:7], "big")
    return RemoteStatus(int(info.get("size") or 0), number)


def is_remote_folder(address: str) -> bool:
    """Whether an address is that of a folder: it lists others below it."""
    files, path = find_filesystem(address)
    try:
        return bool(files.isdir(path))
    except Exception:
        return False


def walk_addresses(root: str) -> Iterator[str]:
    """The addresses of all files below a folder, folder after folder, in the order of their names.

    One folder is in memory at a time. Hidden files and folders are left out.

    Raises
    ------
    CatalogError
        It cannot be listed.
    """
    files, path = find_filesystem(root)
    yield from _walk(files, path, root.rstrip("/"))


def _walk(files: Any, path: str, address: str) -> Iterator[str]:
    try:
        entries = files.ls(path, detail=True)
    except Exception as error:  # of each library that fsspec stands on
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise CatalogError(
            f"{address}: cannot be listed",
            argument="images",
            got=text,
            hint="check the address, and that it may be listed; or name a list of addresses",
        ) from error
    folders = []
    for entry in sorted(entries, key=lambda each: str(each["name"])):
        full = str(entry["name"]).rstrip("/")
        name = full.rsplit("/", 1)[-1]
        if not name or name.startswith(".") or full == path.rstrip("/"):
            continue
        if name.startswith("?") and is_web(address):  # the page's links that sort it
            continue
        if entry["type"] == "directory":
            folders.append((entry["name"], f"{address}/{name}"))
        else:
            yield f"{address}/{name}"
    for inside, below in folders:
        yield from _walk(files, inside, below)


def plain_name(address: str) -> str:
    """An address as a name: without the escapes of HTTP.

    Examples
    --------
    >>> plain_name("https://sky.org/a%20b.jpg")
    'https://sky.org/a b.jpg'
    """
    return unquote(address) if is_web(address) else address
