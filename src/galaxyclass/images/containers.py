"""Pictures inside one file: zip, tar, parquet as the hubs write it, stacks in HDF5 (Galaxy10).

A picture inside a file has the path ``FILE/NAME``, and is read by it like any other image.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import tempfile
import threading
import time
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import cv2
import numpy as np

from galaxyclass.errors import CatalogError, ImageError, MissingExtraError
from galaxyclass.extras import require
from galaxyclass.images.decoded import BYTES_PER_PIXEL, MAX_PIXELS
from galaxyclass.images.remote import RemoteStatus, address_status, is_address, open_address
from galaxyclass.io.reading import require_ordinary
from galaxyclass.short import first_line
from galaxyclass.workers.process_lock import ProcessLock

#: A compressed archive becomes at most so many times its size, and so many bytes more.
MOST_EXPANSION, LEAST_EXPANDED = 100, 64 * 2**20

#: Endings of files that may hold pictures.
CONTAINER_ENDINGS = (
    *(".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".h5", ".hdf5", ".parquet"),
)
#: Endings of such files that are read behind addresses.
REMOTE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
#: The column of a table beside pictures that have no other name: their numbers.
PICTURE_ID = "picture"
#: Columns of a parquet table that hold pictures, and such as hold their ids.
_PICTURES = ("image", "img", "picture", "jpg", "png")
_IDS = ("id_str", "id", "objid", "dr7objid", "iauname", "galaxyid", "asset_id", "image_id")
#: The ending of files of classes beside pictures.
LABEL_ENDING = ".cls"
#: The ending of pictures that have none.
PICTURE_ENDING = ".img"
#: Opened files that each thread keeps.
_KEPT = 4


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


def is_container(path: str | Path) -> bool:
    """Whether a file holds pictures, by its ending and, for tables, by its columns."""
    name = str(path).lower()
    if is_address(path):
        return name.endswith(REMOTE_ENDINGS)
    if not name.endswith(CONTAINER_ENDINGS) or not os.path.isfile(path):  # noqa: PTH113
        return False
    if name.endswith(".parquet"):
        return picture_column(path) is not None
    if name.endswith((".h5", ".hdf5")):
        return holds_stack(path)
    return True


def members(path: str | Path) -> list[str]:
    """The paths of the pictures in a file; of an archive, those of all its files.

    Raises
    ------
    CatalogError
        A damaged file, or a compressed one that becomes too large.
    MissingExtraError
        h5py is not installed.
    """
    try:
        names = _open(str(path)).names
    except ImageError as error:
        raise CatalogError(
            f"{path}: {error.what}", wanted=error.wanted, got=error.got, hint=error.hint
        ) from error
    except _DAMAGED as error:
        raise CatalogError(
            f"{path}: cannot be opened", got=first_line(error), hint="fetch it again"
        ) from error
    return [f"{path}/{name}" for name in names]


def container_of(path: str | Path) -> tuple[str, str] | None:
    """The file that a path leads into, and the name of the picture in it; None for other paths.

    Examples
    --------
    >>> container_of("sky/1.jpg") is None
    True
    """
    text = str(path)
    lower = text.lower()
    for ending in CONTAINER_ENDINGS:
        end = lower.find(f"{ending}/")
        while end >= 0:
            file = text[: end + len(ending)]
            if is_address(file) or os.path.isfile(file):  # noqa: PTH113
                return file, text[len(file) + 1 :]
            end = lower.find(f"{ending}/", end + 1)
    return None


def read_member(path: str | Path) -> tuple[bytes, os.stat_result | RemoteStatus] | None:
    """The bytes of a picture inside a file and the status of the file; None for other paths.

    Raises
    ------
    ImageError
        There is no such picture in the file, or it cannot be read.
    """
    found = container_of(path)
    if found is None:
        return None
    file, name = found
    try:
        return _open(file).read(name), _recent_status(file)
    except KeyError as error:
        raise ImageError(f"{path}: no picture of this name in the file") from error
    except ImageError as error:
        raise ImageError(
            f"{path}: {error.what}", wanted=error.wanted, got=error.got, hint=error.hint
        ) from error
    except _DAMAGED as error:
        raise ImageError(f"{path}: cannot be read", got=first_line(error)) from error


def member_status(path: str | Path) -> os.stat_result | None:
    """The status of the file that a picture is in; None for other paths."""
    found = container_of(path)
    return None if found is None else os.stat(found[0])  # noqa: PTH116


#: What the libraries raise; RuntimeError of a zip that is encrypted, or compressed in another way.
_DAMAGED = (
    *(OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError),
    *(zipfile.BadZipFile, tarfile.TarError),
)
_of_thread = threading.local()
#: Seconds for which the status of an address is believed; when it was asked for, and what it was.
_REMEMBERED_SECONDS = 60.0
_asked: dict[str, tuple[float, RemoteStatus]] = {}


def _status(path: str) -> os.stat_result | RemoteStatus:
    return address_status(path) if is_address(path) else os.stat(path)  # noqa: PTH116


def _recent_status(path: str) -> os.stat_result | RemoteStatus:
    """The status of a file; of an address one of the last minute: each is asked for over a net."""
    if not is_address(path):
        return _status(path)
    asked = _asked.get(path)
    if asked is None or time.monotonic() - asked[0] > _REMEMBERED_SECONDS:
        asked = _asked[path] = time.monotonic(), address_status(path)
    return asked[1]


def file_size(path: str) -> int:
    """Bytes of a file, or of what an address leads to; it is asked for now.

    Raises
    ------
    OSError
    """
    _asked.pop(path, None)
    return _recent_status(path).st_size


def _open(path: str) -> Container:
    """A file, opened by each thread of each process for itself, and again where it changed."""
    if not is_address(path):
        require_ordinary(path)
    status = _recent_status(path)
    # A forked process opens it again: the place in a file is the same for both.
    key = (path, status.st_size, status.st_mtime_ns, os.getpid())
    opened: dict[Any, Container] = _of_thread.__dict__.setdefault("opened", {})
    if key not in opened:
        if len(opened) >= _KEPT:
            opened.pop(next(iter(opened)))
        lower = path.lower()
        opened[key] = next(_OPENERS[end] for end in _OPENERS if lower.endswith(end))(path)
    return opened[key]


def _open_zip(path: str) -> Container:
    archive = zipfile.ZipFile(open_address(path) if is_address(path) else path)
    entries = _by_name((entry.filename, entry) for entry in archive.infolist())

    def read(name: str) -> bytes:
        entry = entries[name]
        _require_small(entry.file_size)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ImageError(
                "not an ordinary file in its archive",
                wanted="a file with all its bytes",
                got=f"a link to {archive.read(entry.filename).decode('utf-8', 'replace')[:200]}",
                hint="pack the files themselves (zip without -y)",
            )
        return archive.read(entry.filename)  # messages have the name

    return Container(_visible(list(entries)), read)


def _open_tar(path: str) -> Container:
    if is_address(path):  # its names stand all over it: it is fetched once, and whole
        return _open_copied_tar(path)
    file = open(path, "rb")  # noqa: PTH123, SIM115 - as long as the container
    return _tar_of(file)


def _tar_of(file: IO[bytes]) -> Container:
    """A tar that is not compressed, whose pictures can be read in any order."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            files = (entry for entry in archive.getmembers() if not entry.isdir())
            entries = _by_name((entry.name, entry) for entry in files)
    except BaseException:
        file.close()
        raise

    def read(name: str) -> bytes:
        entry = entries[name]
        if entry.islnk():  # the same file under another name
            entry = entries.get(_plain(entry.linkname), entry)
        if not entry.isfile() or entry.issparse():
            raise ImageError(
                "not an ordinary file in its archive",
                wanted="a file with all its bytes",
                got=_kind_in_tar(entry),
                hint="pack the files themselves: tar -h",
            )
        _require_small(entry.size)
        return _read_at(file, entry.offset_data, entry.size)

    container = Container(_visible(list(entries)), read)
    weakref.finalize(container, file.close)
    return container


def _kind_in_tar(entry: tarfile.TarInfo) -> str:
    if entry.issym() or entry.islnk():
        return f"a link to {entry.linkname}"
    if entry.issparse():
        return "a sparse file"
    return "a named pipe" if entry.isfifo() else "a device"


_Entry = TypeVar("_Entry")


def _by_name(entries: Iterable[tuple[str, _Entry]]) -> dict[str, _Entry]:
    """The files of an archive by name; of two of one name, one would be lost.

    Raises
    ------
    ImageError
    """
    found: dict[str, _Entry] = {}
    for name, entry in entries:
        plain = _plain(name)
        if plain in found and not plain.endswith("/"):
            raise ImageError(
                "two files of the archive have one name",
                wanted="names that are all different",
                got=plain,
                hint="pack the files again",
            )
        found[plain] = entry
    return found


if hasattr(os, "pread"):

    def _read_at(file: IO[bytes], offset: int, size: int) -> bytes:
        """Bytes of a file that threads, and forked processes, may share."""
        return os.pread(file.fileno(), size, offset)

else:  # pragma: no cover - Windows, which does not fork
    _TURN = threading.Lock()

    def _read_at(file: IO[bytes], offset: int, size: int) -> bytes:
        with _TURN:
            file.seek(offset)
            return file.read(size)


def _open_copied_tar(path: str) -> Container:
    """A compressed or remote tar, copied once for all threads into a temporary file."""
    status = _status(path)
    key = (path, status.st_size, status.st_mtime_ns)
    with _UNPACKING:
        if key not in _unpacked:
            if len(_unpacked) >= _KEPT:
                _unpacked.pop(next(iter(_unpacked)))
            plain = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the container
            try:
                with _decompressed(path) as stream:
                    _copy(stream, plain, MOST_EXPANSION * status.st_size + LEAST_EXPANDED)
            except BaseException:
                plain.close()
                raise
            plain.flush()
            plain.seek(0)
            _unpacked[key] = _tar_of(plain)
        return _unpacked[key]


def _copy(stream: IO[bytes], plain: IO[bytes], most: int) -> None:
    """Copy a stream, which may be far longer than the file that it comes from."""
    copied = 0
    while block := stream.read(1 << 20):
        copied += len(block)
        if copied > most:
            raise ImageError(
                "the archive becomes too large when it is uncompressed",
                wanted=f"at most {most:,} bytes: {MOST_EXPANSION} times those of its file and "
                f"{LEAST_EXPANDED:,} more",
                hint="uncompress it yourself, and name the .tar",
            )
        plain.write(block)


def _decompressed(path: str) -> IO[bytes]:
    source: Any = open_address(path) if is_address(path) else path
    if path.lower().endswith(".tar"):
        return cast(IO[bytes], source)
    for ending, opener in _DECOMPRESSORS.items():
        if path.lower().endswith(ending):
            return cast(IO[bytes], opener(source))
    return cast(IO[bytes], gzip.open(source))


_DECOMPRESSORS: dict[str, Callable[[str], Any]] = {".bz2": bz2.open, ".xz": lzma.open}
_UNPACKING = ProcessLock()
_unpacked: dict[Any, Container] = {}


def label_members(path: str | Path) -> dict[str, str]:
    """The classes beside the pictures of an archive, as WebDataset keeps them: id -> class.

    A picture ``000.jpg`` has its class in ``000.cls``. Empty of an archive without such files.

    Raises
    ------
    CatalogError
        As for `members`; a class is not a line of text.
    """
    members(path)  # for its errors
    archive = _open(str(path))
    labels = {}
    for name in archive.names:
        if not name.lower().endswith(LABEL_ENDING):
            continue
        try:
            text = archive.read(name).decode("utf-8", "replace").strip()
        except (ImageError, *_DAMAGED) as error:
            raise CatalogError(f"{path}/{name}: cannot be read", got=first_line(error)) from error
        if not text or "\n" in text or "\ufffd" in text:
            raise CatalogError(
                f"{path}/{name}: not a class", wanted="a number or a word", got=repr(text[:40])
            )
        labels[name.rsplit("/", 1)[-1][: -len(LABEL_ENDING)]] = text
    return labels


def _require_small(size: int) -> None:
    """Refuse a file in an archive that is larger than any picture: a few bytes may hold much.

    Raises
    ------
    ImageError
    """
    if size > BYTES_PER_PIXEL * MAX_PIXELS:
        raise ImageError(
            "the file is too large for an image of one galaxy",
            wanted=f"at most {BYTES_PER_PIXEL * MAX_PIXELS:,} bytes",
            got=f"{size:,} bytes",
            hint="cut the galaxies out of it first",
        )


def _plain(name: str) -> str:
    """The name of a file in an archive, without the ``./`` that ``tar cf sky.tar ./sky`` writes.

    Examples
    --------
    >>> _plain("./sky/1.jpg")
    'sky/1.jpg'
    """
    return name.removeprefix("./")


def _visible(names: Sequence[str]) -> list[str]:
    """The files of an archive, without folders and hidden ones."""
    return sorted(
        name
        for name in names
        if not name.endswith("/")
        and not any(
            part.startswith((".", "__MACOSX")) and part not in (".", "..")
            for part in name.split("/")
        )
    )


def picture_column(path: str | Path) -> str | None:
    """The column of a parquet file that holds pictures; None where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return None
    for field in schema:
        kind = field.type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return str(field.name)
        is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        if is_bytes and field.name.lower() in _PICTURES:
            return str(field.name)
    return None


def parquet_names(path: str | Path) -> tuple[list[str], str | None]:
    """The names of the pictures in a parquet file, and the column that they are from.

    The names are those of an id column, if its cells are all different, or their numbers.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    columns = {name.lower(): name for name in file.schema_arrow.names}
    for wanted in _IDS:
        if (column := columns.get(wanted)) is None:
            continue
        cells = [str(cell) for cell in file.read([column])[column].to_pylist()]
        if len(set(cells)) == len(cells) and not any("/" in cell for cell in cells):
            return cells, column
    return [picture_name(number) for number in range(file.metadata.num_rows)], None


def _open_parquet(path: str) -> Container:
    import pyarrow.parquet as pq

    column = picture_column(path)
    if column is None:
        return Container((), lambda _: b"")
    file = pq.ParquetFile(path)
    ids, _ = parquet_names(path)
    names = [name + PICTURE_ENDING for name in ids]
    row_of = {name: row for row, name in enumerate(names)}
    counts = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
    ends = np.cumsum(counts)
    kept: dict[int, Any] = {}

    def read(name: str) -> bytes:
        row = row_of[name]
        group = int(np.searchsorted(ends, row, side="right"))
        if group not in kept:
            kept.clear()
            kept[group] = file.read_row_group(group, columns=[column])[column]
        cell = kept[group][row - int(ends[group] - counts[group])].as_py()
        data = cell["bytes"] if isinstance(cell, dict) else cell
        return data or b""

    return Container(names, read)


def open_hdf5(path: str | Path) -> Any:
    """An HDF5 file, opened for reading.

    Raises
    ------
    MissingExtraError
        h5py is not installed.
    CatalogError
        It is damaged.
    """
    try:
        h5py = require("h5py")
    except MissingExtraError as error:
        raise MissingExtraError(
            f"{path}: h5py is not installed, which reads HDF5", hint=error.hint
        ) from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise CatalogError(
            f"{path}: not an HDF5 file, or a damaged one",
            got=first_line(error),
            hint="fetch it again",
        ) from error


def data_sets(path: str | Path, file: Any) -> dict[str, Any]:
    """The data sets of an HDF5 file, by name.

    Raises
    ------
    CatalogError
        It is damaged; a data set names other files for its data, which nobody has given.
    """
    found: dict[str, Any] = {}

    def visit(name: str, entry: Any) -> None:
        if hasattr(entry, "shape") and hasattr(entry, "dtype"):
            found[name] = entry

    try:
        file.visititems(visit)
        elsewhere = [name for name, entry in found.items() if entry.external or entry.is_virtual]
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise CatalogError(
            f"{path}: a damaged HDF5 file", got=first_line(error), hint="fetch it again"
        ) from error
    if elsewhere:
        raise CatalogError(
            f"{path}: an HDF5 file whose data are in other files",
            wanted="all data in the file itself",
            got=", ".join(elsewhere[:4]),
            hint="write the data into one file: h5repack",
        )
    return found


def is_stack(entry: Any) -> bool:
    """Whether a data set of HDF5 is a stack of pictures: (pictures, height, width[, bands])."""
    shape = getattr(entry, "shape", ())
    return len(shape) in (3, 4) and min(shape[1:3]) > 1 and entry.dtype.kind in "uif"


def holds_stack(path: str | Path) -> bool:
    """Whether an HDF5 file has a stack of pictures."""
    with open_hdf5(path) as file:
        return _stack(path, file) is not None


def _stack(path: str | Path, file: Any) -> Any:
    found = [entry for entry in data_sets(path, file).values() if is_stack(entry)]
    named = [entry for entry in found if entry.name.rsplit("/", 1)[-1].lower() in _STACKS]
    return (named or found or [None])[0]


_STACKS = ("images", "image", "img", "x")


def _open_hdf5(path: str) -> Container:
    file = open_hdf5(path)
    stack = _stack(path, file)
    count = 0 if stack is None else len(stack)
    names = [picture_name(number) + PICTURE_ENDING for number in range(count)]

    def read(name: str) -> bytes:
        try:
            number = int(name.removesuffix(PICTURE_ENDING))
        except ValueError:
            raise KeyError(name) from None
        if not 0 <= number < count:
            raise KeyError(name)
        return _encoded(stack[number])

    return Container(names, read)


def _encoded(picture: np.ndarray) -> bytes:
    """A picture of a stack as a file: PNG, or NumPy's format where PNG cannot hold it."""
    if picture.ndim == 3 and picture.shape[0] <= 8 < picture.shape[2]:  # bands first
        picture = np.moveaxis(picture, 0, 2)
    if picture.dtype == np.uint8 and (picture.ndim == 2 or picture.shape[2] in (1, 3)):
        grey = picture.ndim == 2 or picture.shape[2] == 1
        bgr = picture if grey else picture[..., ::-1]
        _, data = cv2.imencode(".png", np.ascontiguousarray(bgr), [cv2.IMWRITE_PNG_COMPRESSION, 0])
        return data.tobytes()
    buffer = io.BytesIO()
    np.save(buffer, picture, allow_pickle=False)
    return buffer.getvalue()


_OPENERS: dict[str, Callable[[str], Container]] = {
    ".zip": _open_zip,
    ".tar": _open_tar,
    **dict.fromkeys((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"), _open_copied_tar),
    ".parquet": _open_parquet,
    ".h5": _open_hdf5,
    ".hdf5": _open_hdf5,
}
