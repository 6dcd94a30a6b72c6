"""The journal of a pack in the making: which shards are safely on the disk, and what they show.

A shard is entered only after its pixels are synced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from galaxyclass.images.inspect import Inspection
from galaxyclass.images.packs.layout import Shard
from galaxyclass.io.journal import Journal, open_journal

#: What an image takes in the journal, a little more than usual.
_LOOK_BYTES = 120


class ShardJournal:
    """What a journal says of shards."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._places = {entry["shard"]: place for place, entry in enumerate(journal)}

    def reserve(self, images: int) -> None:
        """Take the room for so many images now."""
        self._journal.reserve(images * _LOOK_BYTES)

    def __contains__(self, shard: Shard) -> bool:
        return shard.number in self._places

    def add(self, results: Sequence[tuple[Shard, list[Inspection]]]) -> None:
        """Enter shards whose pixels are on the disk, and see to it that the entries are, too."""
        first = len(self._journal)
        self._journal.add(*({"shard": shard.number, "looks": looks} for shard, looks in results))
        self._places |= {shard.number: first + more for more, (shard, _) in enumerate(results)}

    def looks(self, shard: Shard) -> list[Inspection]:
        """What was entered for a shard."""
        entry = self._journal[self._places[shard.number]]
        return [Inspection(*look) for look in entry["looks"]]


@contextmanager
def open_shard_journal(path: Path, key: str) -> Iterator[ShardJournal]:
    """Open the journal of a pack; it is made, or made anew, unless it is that of this key.

    It stays when it is closed.
    """
    with open_journal(path, key, patience=None) as journal:
        if not journal.begun:
            journal.begin()
        yield ShardJournal(journal)
