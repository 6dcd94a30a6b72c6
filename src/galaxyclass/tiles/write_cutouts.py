"""`cutouts`: the sources of tiles into files, with a table of what was cut."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.arguments import public
from galaxyclass.data.unused import Unused
from galaxyclass.errors import ImageError, OutputError, StoppedError
from galaxyclass.io.atomic import require_new, translated, writing
from galaxyclass.io.csv_text import write_rows
from galaxyclass.io.journal import Journal, job_key, open_journal
from galaxyclass.io.output import UNFINISHED
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary, verb
from galaxyclass.tiles.files import CutoutFormat, CutoutNames, write_cutout
from galaxyclass.tiles.tile_cutouts import TileCutouts
from galaxyclass.workers.ordered import ordered_pool
from galaxyclass.workers.processes import core_count

#: The table of what was cut, and the list of what could not be cut, in the output's folder.
TABLE, FAILED = "cutouts.csv", "cutouts_failed.csv"
#: Cutouts between two entries of the journal: what a kill loses at most, for each thread.
PIECE = 64


@dataclass(frozen=True)
class CutoutSummary:
    """The result of `cutouts`.

    Attributes
    ----------
    output : Path
        The folder.
    table : Path
        A row for each file: the id, ``file``, the catalogue's columns, ``tile``, ``x``, ``y``,
        ``missing`` and ``flags``.
    failed_file : Path or None
        The sources in tiles that could not be cut, where there are any, and why.
    cut, failed, outside : int
        Sources with a file; those in a tile without one (a gap, a damaged tile); those in no tile.
    at_edge, with_gap : int
        Of those with a file, whose fields reach beyond the tile, or have pixels without data.
    resumed : int
        Sources that an earlier call, which was stopped, had done.
    seconds : float
        Time that this call took for the others.
    notes : tuple of str
    unused : tuple of Unused
        Rows of the catalogue and tiles that were not used, and why.
    """

    output: Path
    table: Path
    failed_file: Path | None
    cut: int
    failed: int
    outside: int
    at_edge: int
    with_gap: int
    resumed: int
    seconds: float
    notes: tuple[str, ...]
    unused: tuple[Unused, ...] = ()

    def __repr__(self) -> str:
        failed = f", {self.failed:,} could not be cut" if self.failed else ""
        return summary(
            f"CutoutSummary: {counted(self.cut, 'cutout')} in {short_path(self.output)}{failed}"
        )


@public
def cutouts(
    sources: TileCutouts,
    *,
    output: str | Path,
    image_format: CutoutFormat = "jpg",
    workers: int | None = None,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> CutoutSummary:
    """Cut the sources of tiles out into files.

    Each tile is read once; memory does not grow with the number of sources, except for the
    catalogue. A call that was stopped goes on when it is given again.

    Parameters
    ----------
    sources : TileCutouts
        From `open_tiles`. (FITS has the tile's own pixels, and no ``size`` and
        ``stretch``.)
    output : str or Path
        A folder, new or empty: ``TILE/ID.jpg``, and the table ``cutouts.csv``.
    image_format : {"jpg", "png", "fits"}
    workers : int, optional
        Cores to use; all by default.
    quote_formulas : bool
        In the tables, put an apostrophe before text that a spreadsheet would run as a formula.
    progress : Progress

    Raises
    ------
    OutputError
        The folder holds something else; no room, no permission.
    StoppedError
        Ctrl-C; what was cut is kept.
    ImageError
        Not one source could be cut.
    """
    folder = Path(output)
    require_folder(folder)
    begun = time.monotonic()
    key = job_key("cutouts", identity=sources.identity, image_format=image_format)
    if quote_formulas:
        key = job_key("cutouts", of=key, quote_formulas=True)
    with ExitStack() as held:
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            journal = held.enter_context(open_journal(folder / UNFINISHED, key))
            _begin(journal, folder)
        job = _Job(sources, CutoutNames(sources, image_format), folder, journal)
        resumed = job.done
        try:
            with translated(folder):
                job.cut_all(workers or core_count(), progress)
                counts = job.write_tables(quote_formulas=quote_formulas)
                journal.remove()
        except KeyboardInterrupt:
            raise StoppedError(
                f"stopped; {job.done:,} of {counted(len(sources), 'source')} "
                f"{verb(job.done, 'is')} done and kept in {folder}",
                hint="run the same again: it goes on from there",
            ) from None
    failed_file = folder / FAILED if counts["failed"] else None
    return CutoutSummary(
        output=folder,
        table=folder / TABLE,
        failed_file=failed_file,
        cut=counts["cut"],
        failed=counts["failed"],
        outside=sources.placement.outside,
        at_edge=counts["edge"],
        with_gap=counts["gap"],
        resumed=resumed,
        seconds=time.monotonic() - begun,
        notes=sources.notes,
        unused=sources.unused,
    )


def require_folder(folder: Path) -> None:
    """Refuse a folder to which `cutouts` could not write, before anything is read.

    Raises
    ------
    OutputError
    """
    if not (folder / UNFINISHED).is_file():
        require_new(folder)


def _begin(journal: Journal, folder: Path) -> None:
    if journal.begun:
        return
    if journal.previous_key is not None:
        raise OutputError(
            f"{folder}: holds the cutouts of another job, which was stopped",
            wanted="a new folder, or that of this very job",
            hint="choose another `output`, or remove it",
        )
    entries = [entry.name for entry in folder.iterdir() if entry.name != UNFINISHED]
    if entries:
        raise OutputError(
            f"{folder}: there is something here already",
            wanted="a new folder, or an empty one",
            got=", ".join(sorted(entries)[:3]),
            hint="choose another `output`, or remove it",
        )
    journal.begin()


@dataclass(frozen=True)
class _Job:
    """Writes the files of sources, piece after piece, and enters each piece into the journal."""

    cutouts: TileCutouts
    names: CutoutNames
    folder: Path
    journal: Journal

    @property
    def done(self) -> int:
        """How many sources are done."""
        return sum(entry["count"] for entry in self.journal)

    def cut_all(self, workers: int, progress: Progress) -> None:
        """Cut all sources that are not done yet, in threads."""
        for name in self.names.folders:
            (self.folder / name).mkdir(exist_ok=True)
        count, done = len(self.cutouts), self.done
        failed = sum(len(entry["failures"]) for entry in self.journal)
        pieces = (range(first, min(first + PIECE, count)) for first in range(done, count, PIECE))
        progress("cut", done, count)
        with closing(ordered_pool(self._cut, pieces, workers)) as entries:
            for entry in entries:
                self.journal.add(entry)
                done, failed = done + entry["count"], failed + len(entry["failures"])
                progress("cut", done, count, note=f"{failed:,} cannot be cut" if failed else "")

    def _cut(self, piece: range) -> dict[str, Any]:
        failures = {}
        for index in piece:
            try:
                write_cutout(self.cutouts, index, self.folder / self.names[index])
            except ImageError as error:
                failures[index] = error.one_line
        done = [index for index in piece if index not in failures]
        measured = self.cutouts.measured(done).to_pydict()
        return {"count": len(piece), "cut": done, "failures": list(failures.items()), **measured}

    def write_tables(self, *, quote_formulas: bool) -> Counter[str]:
        """Write what was cut and what was not, entry by entry of the journal, and count it.

        Raises
        ------
        ImageError
            Nothing was cut; nothing is left then in the folder.
        """
        counts: Counter[str] = Counter()
        for entry in self.journal:
            counts["cut"] += len(entry["cut"])
            counts["failed"] += len(entry["failures"])
            for flags in entry["flags"]:
                counts.update(flags.split())
        if not counts["cut"]:
            self._give_up()
        catalogue = self.cutouts.table
        own = (self.cutouts.id_column, "file", "missing", "flags")
        names = [f"{name}_given" if name in own else name for name in catalogue.column_names]
        header = [*own[:2], *names, *own[2:]]
        rows = (row for entry in self.journal for row in self._rows(entry, catalogue))
        _write_csv(self.folder / TABLE, header, rows, quote_formulas=quote_formulas)
        if counts["failed"]:
            failures = (failure for entry in self.journal for failure in entry["failures"])
            rows = ((self.cutouts.ids[i], self.cutouts.path(i), error) for i, error in failures)
            header = ["id", "path", "error"]
            _write_csv(self.folder / FAILED, header, rows, quote_formulas=quote_formulas)
        return counts

    def _rows(self, entry: dict[str, Any], catalogue: pa.Table) -> Iterator[tuple[Any, ...]]:
        indices = entry["cut"]
        return zip(
            [self.cutouts.ids[index] for index in indices],
            [self.names[index] for index in indices],
            *catalogue.take(pa.array(indices, pa.int64())).to_pydict().values(),
            entry["missing"],
            entry["flags"],
            strict=True,
        )

    def _give_up(self) -> None:
        failures = [failure for entry in self.journal for failure in entry["failures"]]
        self.journal.remove()
        for name in self.names.folders:
            (self.folder / name).rmdir()
        with suppress(OSError):  # a folder of somebody else
            self.folder.rmdir()
        raise ImageError(
            f"no source could be cut out, of {len(failures):,}",
            got=failures[0][1],
        )


def _write_csv(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], *, quote_formulas: bool
) -> None:
    with writing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, chain([header], rows), quote_formulas=quote_formulas)
