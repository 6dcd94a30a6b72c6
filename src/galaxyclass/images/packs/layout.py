"""What a pack is on disk: names of its files, its key, its index. Pure: nothing is read here.

<key>/
  pack.json       written last; a folder that has it is a complete pack
  images.npy      (images, size, size, channels) uint8, as numpy writes it
  index.parquet   one row per image, in the same order: an `ImageRecord` each
  journal.jsonl   only while the pack is being made: which shards are safely on the disk
  lock            held by the process that makes the pack
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import PackError
from galaxyclass.io.versioned import FileFormat
from galaxyclass.recipes.preprocessing import Preprocessing

#: Increased when the files of a pack, or the pixels of a cutout, change their meaning.
PACK_FORMAT = 3

PACK_MANIFEST = "pack.json"
IMAGES = "images.npy"
INDEX = "index.parquet"
JOURNAL = "journal.jsonl"
LOCK = "lock"
FILES = (PACK_MANIFEST, IMAGES, INDEX, JOURNAL, LOCK)

#: A shard is the images that one process prepares before it writes them, of a bounded number of
#: bytes. Small shards share the work evenly; a kill costs about one shard for each process.
SHARD_IMAGES = 64
SHARD_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Shard:
    """Consecutive images of a pack: the shard's number, its first row, and how many rows it has."""

    number: int
    start: int
    count: int


@dataclass(frozen=True)
class PackManifest:
    """The content of ``pack.json``; ``checksums`` are CRC-32 of the pixels of each shard."""

    key: str
    preprocessing: Preprocessing
    count: int
    checksums: Sequence[int]

    def to_json(self) -> str:
        """The text of the file."""
        content = {
            "format": PACK_FORMAT,
            "key": self.key,
            "count": self.count,
            "preprocessing": self.preprocessing.model_dump(),
            "checksums": " ".join(f"{checksum:08x}" for checksum in self.checksums),
        }
        return json.dumps(content, indent=2) + "\n"


def parse_pack_manifest(text: str, source: str) -> PackManifest:
    """Understand the text of a ``pack.json``.

    Raises
    ------
    PackError
        The text is of another version, or it makes no sense.
    """
    again = "delete the pack and make it again"
    packs = FileFormat("pack", PACK_FORMAT, PackError, again, if_damaged=again)
    return packs.parse(text, source, _read)


def _read(content: dict[str, Any]) -> PackManifest:
    return PackManifest(
        key=str(content["key"]),
        preprocessing=Preprocessing.model_validate(content["preprocessing"]),
        count=int(content["count"]),
        checksums=[int(checksum, 16) for checksum in content["checksums"].split()],
    )


def key_of(
    paths: Sequence[str], identities: NDArray[np.int64], preprocessing: Preprocessing
) -> str:
    """The key of a pack: another file, another time of change, other settings, another key.

    Parameters
    ----------
    paths : sequence of str
        In the order of the pack; a relative path stands for the file it names now.
    identities : (images, 2) int64
        Size in bytes and time of change in ns of each file; 0 and 0 where there is none.
    preprocessing : Preprocessing

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    PackError
        A file's name is not text.
    """
    state = hashlib.blake2b(digest_size=16)
    state.update(f"pack {PACK_FORMAT} {preprocessing.model_dump_json()}\n".encode())
    here = os.getcwd() if any(not os.path.isabs(path) for path in paths) else ""  # noqa: PTH109, PTH117
    state.update(f"{here}\n".encode())
    for path, (size, mtime_ns) in zip(paths, identities.tolist(), strict=True):
        try:
            state.update(f"{path}\0{size}\0{mtime_ns}\n".encode())
        except UnicodeEncodeError as error:
            raise PackError(
                f"{path!r}: the file's name is not valid UTF-8", hint="rename the file"
            ) from error
    return state.hexdigest()


def shards_of(count: int, cutout_bytes: int) -> list[Shard]:
    """The shards of ``count`` images.

    Examples
    --------
    >>> shards_of(100, 64 * 64 * 3)
    [Shard(number=0, start=0, count=64), Shard(number=1, start=64, count=36)]
    """
    length = max(1, min(SHARD_IMAGES, SHARD_BYTES // cutout_bytes))
    return [
        Shard(number, start, min(length, count - start))
        for number, start in enumerate(range(0, count, length))
    ]


def images_header(count: int, shape: tuple[int, int, int]) -> bytes:
    """The first bytes of ``images.npy``; the pixels follow."""
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()
