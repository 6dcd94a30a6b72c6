"""The journal of a pack in the making: which shards are safely on the disk, and what they show.

One JSON object a line: first the pack's key, then one for each shard. A shard is entered only
after its pixels are synced; a last line that a kill cut short is dropped.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from galaxyclass.images.inspect import Inspection
from galaxyclass.images.packs.layout import Shard

#: What an image takes in the journal, a little more than usual.
_LOOK_BYTES = 120


def key_of_journal(path: Path) -> str | None:
    """The key of the pack that a journal is of; None where it cannot be told."""
    with path.open("rb") as file, suppress(ValueError, KeyError, TypeError):
        return str(json.loads(file.readline())["key"])
    return None


class Journal:
    """An open journal. Memory is bounded: the looks stay on the disk, only their places do not.

    Parameters
    ----------
    path : Path
        Is made, or made anew, unless it is the journal of a pack of this key.
    key : str
    """

    def __init__(self, path: Path, key: str) -> None:
        self._places: dict[int, int] = {}
        self._file = path.open("r+b" if path.exists() else "w+b")
        head = json.dumps({"key": key}).encode() + b"\n"
        if self._file.readline() == head:
            self._end = self._find_shards(len(head))
            self._file.truncate(self._end)
        else:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(head)
            self._end = len(head)

    def _find_shards(self, end: int) -> int:
        """Note where each shard's line begins; returns where the last whole one ends."""
        for line in self._file:
            try:
                shard = json.loads(line)["shard"] if line.endswith(b"\n") else None
            except ValueError:
                shard = None
            if shard is None:
                break
            self._places[shard] = end
            end += len(line)
        return end

    def reserve(self, images: int) -> None:
        """Take the room for so many images now: when the pixels fill the disk, it is too late.

        The room is zeros after the last line, which reading takes for the end.
        """
        if images and hasattr(os, "posix_fallocate"):
            self._file.flush()
            try:
                os.posix_fallocate(self._file.fileno(), self._end, images * _LOOK_BYTES)
            except OSError as error:
                # Some file systems cannot (ZFS, some network mounts): then it is hoped for.
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise

    def __contains__(self, shard: Shard) -> bool:
        return shard.number in self._places

    def add(self, results: Sequence[tuple[Shard, list[Inspection]]]) -> None:
        """Enter shards whose pixels are on the disk, and see to it that the entries are, too."""
        places, end, lines = {}, self._end, []
        for shard, looks in results:
            line = json.dumps({"shard": shard.number, "looks": looks}).encode() + b"\n"
            places[shard.number] = end
            end += len(line)
            lines.append(line)
        self._file.seek(self._end)
        self._file.write(b"".join(lines))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._places |= places
        self._end = end

    def looks(self, shard: Shard) -> list[Inspection]:
        """What was entered for a shard."""
        self._file.seek(self._places[shard.number])
        return [Inspection(*look) for look in json.loads(self._file.readline())["looks"]]

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
