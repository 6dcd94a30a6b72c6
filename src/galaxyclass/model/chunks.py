"""The finished chunks of a prediction, from which a stopped job goes on.

Beside the output, ``predictions.csv.chunks/`` holds the rows of every finished chunk. The journal
``.predictions.csv.unfinished`` identifies the job and lists the failures and statistics of each
chunk. A chunk is entered in the journal once its rows are on the disk; otherwise it is written
again. The journal is removed last, so that the same job clears what a kill left.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa

from galaxyclass.calibration.comparison import TraitSums, parse_traits
from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import sync, sync_folder, translated, write_text, writing
from galaxyclass.io.checksums import file_checksum
from galaxyclass.io.journal import Entry, Journal, journal_of, open_journal
from galaxyclass.io.output import require_free
from galaxyclass.model.checks import Statistics, parse_statistics
from galaxyclass.model.provenance import provenance_file, provenance_json
from galaxyclass.model.writers import WRITERS, write_failures, writer_of

log = logging.getLogger(__name__)

_OURS = re.compile(rf"(\d{{8}}|whole)({'|'.join(map(re.escape, WRITERS))})|\..*\.tmp")
#: The journal's entry once all chunks are one file, which waits for its name.
_JOINED: Entry = {"joined": True}


@dataclass(frozen=True)
class ChunkRecord:
    """The journal's entry of a finished chunk.

    ``images`` counts its images; ``failures`` are (path, error) of those that could not be decoded;
    ``traits`` compares the others with those that the model knows.
    """

    images: int
    failures: tuple[tuple[str, str], ...]
    statistics: Statistics
    traits: TraitSums = field(default_factory=TraitSums)


class Chunks:
    """The chunks of one job, held by one process at a time (see `open_chunks`).

    Attributes
    ----------
    count : int
        How many chunks are finished.
    images, failed : int
        How many images are in them, and how many of those could not be decoded.
    statistics : Statistics
        Of all predictions in them.
    traits : TraitSums
        Of all images in them.
    complete : bool
        Whether the output was finished before: only leftovers of a kill are removed.
    """

    def __init__(
        self, output: Path, journal: Journal, nothing: Statistics, *, quote_formulas: bool = False
    ) -> None:
        self.output = output
        self.folder = chunks_folder(output)
        self.count, self.images, self.failed, self.statistics = 0, 0, 0, nothing
        self.traits = TraitSums()
        self.complete = False
        self._journal = journal
        self._writer = writer_of(output, quote_formulas=quote_formulas)
        self._quote_formulas = quote_formulas

    def read(self) -> bool:
        """Read the finished chunks from the journal; False if a file is missing or damaged."""
        joined = False
        checksums = []
        for entry in self._journal:
            if entry == _JOINED:
                joined = True
            else:
                self._count_in(_parsed(entry))
                checksums.append(entry.get("checksum"))
        self.complete = joined and not self._whole.exists() and self.output.is_file()
        return self.complete or all(map(self._is_whole, range(self.count), checksums))

    def _is_whole(self, index: int, checksum: int | None) -> bool:
        path = self._rows(index)
        if not path.is_file():
            return False
        if file_checksum(path) != checksum:
            log.warning("%s: damaged; the prediction begins anew", path)
            return False
        return True

    def add(self, table: pa.Table, record: ChunkRecord) -> None:
        """Write the next chunk; when this returns it survives a kill and a power cut.

        Raises
        ------
        OutputError
            The disk is full; the chunks before are kept.
        """
        with translated(self.output):
            with writing(self._rows(self.count)) as temporary:
                self._writer.write_chunk(temporary, table)
                checksum = file_checksum(temporary)
            self._journal.add({**asdict(record), "checksum": checksum})
        self._count_in(record)

    def _count_in(self, record: ChunkRecord) -> None:
        self.count += 1
        self.images += record.images
        self.failed += len(record.failures)
        self.statistics += record.statistics
        self.traits += record.traits

    def _rows(self, index: int) -> Path:
        return self.folder / f"{index:08}{self.output.suffix.lower()}"

    @property
    def _whole(self) -> Path:
        return self.folder / f"whole{self.output.suffix.lower()}"

    def finish(self, empty: pa.Table, failed: Path, *, keep_journal: bool = False) -> Path | None:
        """Join the chunks into the output and remove them.

        The list of failures is written first, the output last: if the output exists, all is done.

        Parameters
        ----------
        empty : pyarrow.Table
            The output's columns, without rows.
        failed : Path
            Where the images that could not be decoded are listed; removed where there are none.
        keep_journal : bool
            Leave the journal for `forget_predictions`: until then the same job finds its output.

        Returns
        -------
        Path or None
            ``failed``, where it was written.
        """
        with translated(self.output):
            if not self.complete:
                self._join(empty, failed)
            self._remove(keep_journal=keep_journal)
        return failed if self.failed else None

    def finish_without_rows(self, failed: Path) -> None:
        """Write the list of failures alone: no image could be decoded."""
        with translated(self.output):
            self._write_failures(failed)
            self._remove(keep_journal=False)

    def _remove(self, *, keep_journal: bool) -> None:
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        if not keep_journal:
            self._journal.remove()

    def _write_failures(self, failed: Path) -> None:
        with writing(failed) as temporary:
            write_failures(
                temporary,
                (
                    failure
                    for entry in self._journal
                    if entry != _JOINED
                    for failure in _parsed(entry).failures
                ),
                quote_formulas=self._quote_formulas,
            )

    def _join(self, empty: pa.Table, failed: Path) -> None:
        # In the folder of chunks, where a file that a kill leaves half-written is removed.
        self._writer.join(self._whole, (self._rows(index) for index in range(self.count)), empty)
        sync(self._whole)
        if self.failed:
            self._write_failures(failed)
        else:
            failed.unlink(missing_ok=True)
        if self.output.suffix.lower() == ".csv":
            write_text(provenance_file(self.output), provenance_json(empty.schema))
        self._journal.add(_JOINED)
        self._whole.replace(self.output)
        sync_folder(self.output.parent)

    def discard(self) -> None:
        """Remove the chunks and begin anew."""
        for entry in self.folder.iterdir():
            entry.unlink()
        self._journal.begin()

    def abandon(self) -> None:
        """Remove everything: this job cannot go on."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._journal.remove()

    def leave(self) -> None:
        """Remove folder and journal if no chunk was finished."""
        if self.count == 0 and not self.complete:
            with suppress(OSError):
                for entry in self.folder.iterdir():
                    entry.unlink()
                self.folder.rmdir()
                self._journal.remove()


def chunks_folder(output: Path) -> Path:
    """Where the chunks of an output are kept until it is whole."""
    return output.with_name(output.name + ".chunks")


def forget_predictions(output: Path) -> None:
    """Remove the journal of predictions that were finished with ``keep_journal``."""
    journal_of(output).unlink(missing_ok=True)


@contextmanager
def open_chunks(
    output: Path,
    key: str,
    nothing: Statistics,
    *,
    quote_formulas: bool = False,
) -> Iterator[tuple[Chunks, bool]]:
    """Open the chunks of a job beside its output, made where they are missing.

    An output of another job is replaced at the end.

    Parameters
    ----------
    output : Path
    key : str
        Digest of all that the job's result depends on; chunks of another key are removed.
    nothing : Statistics
        Those of no predictions.
    quote_formulas : bool
        As for `galaxyclass.predict`.

    Yields
    ------
    chunks : Chunks
        With those that an earlier call of the same job finished.
    replaced : bool
        Whether chunks of another job were removed.

    Raises
    ------
    OutputError
        The folder cannot be made; it holds something else; another process is writing there; or
        the output is a folder.
    """
    folder = chunks_folder(output)
    with ExitStack() as stack:
        with translated(output):
            output.parent.mkdir(parents=True, exist_ok=True)
            if folder.is_dir():
                _require_ours(folder)
            journal = stack.enter_context(open_journal(journal_of(output), key))
            chunks = Chunks(output, journal, nothing, quote_formulas=quote_formulas)
            whole = journal.begun and chunks.read()
            if not chunks.complete:
                require_free(output, overwrite=True)
                folder.mkdir(exist_ok=True)
            replaced = journal.previous_key is not None and not journal.begun
            if not whole:
                chunks = Chunks(output, journal, nothing, quote_formulas=quote_formulas)
                chunks.discard()
        try:
            yield chunks, replaced
        except BaseException:
            chunks.leave()
            raise


def _parsed(entry: Entry) -> ChunkRecord:
    failures = tuple((path, error) for path, error in entry["failures"])
    statistics = parse_statistics(entry["statistics"])
    return ChunkRecord(entry["images"], failures, statistics, parse_traits(entry["traits"]))


def _require_ours(folder: Path) -> None:
    foreign = sorted(e.name for e in folder.iterdir() if not _OURS.fullmatch(e.name))
    if foreign:
        raise OutputError(
            f"{folder}: not a folder of chunks of a prediction",
            got=f"it holds {', '.join(foreign[:3])}",
            hint="move it away, or choose another `output`",
        )
