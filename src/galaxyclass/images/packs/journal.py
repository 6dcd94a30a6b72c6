"""The journal of an unfinished pack: the shards that are on the disk, and their inspections.

A shard is entered only after its pixels are synced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from galaxyclass.images.inspect import Inspection
from galaxyclass.images.packs.layout import Shard
from galaxyclass.images.packs.shards import MadeShard
from galaxyclass.io.journal import Journal, open_journal

#: Bytes of an image in the journal, a little more than the usual.
_INSPECTION_BYTES = 120


class ShardJournal:
    """The entries of a journal, by shard."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows = {entry["shard"]: row for row, entry in enumerate(journal)}

    def reserve(self, images: int) -> None:
        """Reserve disk space for the entries of so many images."""
        self._journal.reserve(images * _INSPECTION_BYTES)

    def __contains__(self, shard: Shard) -> bool:
        return shard.number in self._rows

    def add(self, results: Sequence[tuple[Shard, MadeShard]]) -> None:
        """Add entries of shards whose pixels are on the disk, and sync the journal."""
        first = len(self._journal)
        self._journal.add(
            *(
                {"shard": shard.number, "looks": made.inspections, "checksum": made.checksum}
                for shard, made in results
            )
        )
        self._rows |= {shard.number: first + row for row, (shard, _) in enumerate(results)}

    def __getitem__(self, shard: Shard) -> MadeShard:
        """What is known of a shard."""
        entry = self._journal[self._rows[shard.number]]
        inspections = [Inspection(*inspection) for inspection in entry["looks"]]
        return MadeShard(inspections, entry["checksum"])


@contextmanager
def open_shard_journal(path: Path, key: str) -> Iterator[ShardJournal]:
    """Open the journal of the pack of this key; a journal of another pack is started anew.

    The file stays when it is closed.
    """
    with open_journal(path, key, patience=None) as journal:
        if not journal.begun:
            journal.begin()
        yield ShardJournal(journal)
