"""The journal of a job that can go on after a kill: which job it is, and which pieces are done.

One JSON object a line: first the job's key, then an entry for each piece that is safely on the
disk. A last line that a kill cut short is dropped. The journal is removed when the job is done: a
journal on the disk means an unfinished job. Its lock keeps two processes from doing the same job at
once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from galaxyclass.io.lock import open_locked, release

Entry = Mapping[str, Any]


def job_key(what: str, **arguments: object) -> str:
    """A key that identifies a job by its arguments; a relative path counts as the absolute one."""
    plain = {
        name: str(value.absolute()) if isinstance(value, Path) else repr(value)
        for name, value in sorted(arguments.items())
    }
    return hashlib.sha256(json.dumps([what, plain]).encode()).hexdigest()


def journal_of(output: Path) -> Path:
    """The path of the journal of a job that makes a file."""
    return output.with_name(f".{output.name}.unfinished")


def key_of_journal(path: Path) -> str | None:
    """The key of the job that wrote a journal; None where the file does not say."""
    with path.open("rb") as file:
        return _key(file.readline())


@contextmanager
def open_journal(path: Path, key: str, *, patience: float | None = 0.0) -> Iterator[Journal]:
    """Open the journal of a job, or make it where it is missing, and hold its lock.

    Parameters
    ----------
    path : Path
    key : str
        The job's key. A journal of another job is left as it is until `Journal.begin`.
    patience : float or None
        Seconds to wait for another process that holds the lock; None waits without limit.

    Raises
    ------
    BlockingIOError
        Another process holds the lock.
    """
    descriptor = open_locked(path, patience=patience)
    file = os.fdopen(descriptor, "r+b")
    try:
        journal = Journal(path, key, file)
        try:
            yield journal
        finally:
            if not journal.begun and journal.previous_key is None:
                journal.remove()
    finally:
        if not file.closed:
            release(descriptor)
        with suppress(OSError):  # what a full disk refused is refused again; all else is synced
            file.close()


class Journal:
    """An open journal. The entries stay on the disk; memory holds only their offsets.

    Attributes
    ----------
    previous_key : str or None
        The key of the job that left the journal; None where it is new or unreadable.
    begun : bool
        Whether the journal is this job's: the job goes on, or has begun.
    """

    def __init__(self, path: Path, key: str, file: IO[bytes]) -> None:
        self.path, self.key, self._file = path, key, file
        self._offsets: list[int] = []
        self._end = 0
        self.previous_key = _key(file.readline())
        self.begun = self.previous_key == key
        if self.begun:
            self._find_entries()

    def begin(self) -> None:
        """Start the journal of this job anew, without entries."""
        self._file.seek(0)
        self._file.truncate()
        self._offsets = []
        self._end = self._file.write(json.dumps({"key": self.key}).encode() + b"\n")
        self._sync()
        self.begun = True

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, index: int) -> dict[str, Any]:
        self._file.seek(self._offsets[index])
        entry: dict[str, Any] = json.loads(self._file.readline())
        return entry

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(len(self)))

    def add(self, *entries: Entry) -> None:
        """Add entries for pieces that are on the disk, and sync the journal."""
        offsets, end, lines = [], self._end, []
        for entry in entries:
            lines.append(json.dumps(entry).encode() + b"\n")
            offsets.append(end)
            end += len(lines[-1])
        self._file.seek(self._end)
        self._file.write(b"".join(lines))
        self._sync()
        self._offsets += offsets
        self._end = end

    def reserve(self, size: int) -> None:
        """Reserve disk space for ``size`` bytes of entries, before the results fill the disk.

        The space is zeros after the last line, which reading takes for the end.
        """
        if size and hasattr(os, "posix_fallocate"):
            self._file.flush()
            try:
                os.posix_fallocate(self._file.fileno(), self._end, size)
            except OSError as error:
                # Some file systems cannot reserve (ZFS, some network mounts).
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise

    def remove(self) -> None:
        """Remove the journal: the job is done, or given up."""
        if os.name == "nt":  # pragma: no cover - Windows removes no file that is open
            release(self._file.fileno())
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _find_entries(self) -> None:
        """Note where each entry begins, and cut off what follows the last whole one."""
        end = self._file.tell()
        for line in self._file:
            if not line.endswith(b"\n") or _parsed(line) is None:
                break
            self._offsets.append(end)
            end += len(line)
        self._end = end
        self._file.truncate(end)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _key(line: bytes) -> str | None:
    head = _parsed(line) if line.endswith(b"\n") else None
    return None if head is None or "key" not in head else str(head["key"])
