"""`cutouts`: the sources of tiles into files, with a table of what was cut."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.arguments import public
from galaxyclass.errors import ImageError, OutputError, StoppedError
from galaxyclass.io.atomic import require_new, translated, writing
from galaxyclass.io.journal import Journal, job_key, open_journal
from galaxyclass.io.output import UNFINISHED
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary
from galaxyclass.tiles.files import CutoutFormat, CutoutNames, write_fits, write_picture
from galaxyclass.tiles.open_tiles import PICTURE_SIZE, open_tiles
from galaxyclass.tiles.tile_cutouts import TileCutouts
from galaxyclass.workers.ordered import ordered_pool
from galaxyclass.workers.processes import core_count

#: The table of what was cut, and the list of what could not be cut, in the output's folder.
TABLE, FAILED = "cutouts.csv", "cutouts_failed.csv"
#: Cutouts between two entries of the journal: what a kill loses at most, for each thread.
PIECE = 256


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

    def __repr__(self) -> str:
        failed = f", {self.failed:,} could not be cut" if self.failed else ""
        return summary(
            f"CutoutSummary: {self.cut:,} cutouts in {short_path(self.output)}{failed}"
        )


@public
def cutouts(
    tiles: Any,
    catalogue: Any = None,
    *,
    output: str | Path,
    field: Any = None,
    image_format: CutoutFormat = "jpg",
    bands: Sequence[str] = (),
    stretch: Any = None,
    size: int = PICTURE_SIZE,
    hdu: str | int | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    id_column: str | None = None,
    threshold: float = 5.0,
    minimum_area: int = 9,
    workers: int | None = None,
    progress: Progress = silent,
) -> CutoutSummary:
    """Cut the sources of a catalogue, or found ones, out of tiles into files.

    Each tile is read once; memory does not grow with the number of sources, except for the
    catalogue. A call that was stopped goes on when it is given again.

    Parameters
    ----------
    tiles, catalogue, field, bands, stretch, hdu, ra_column, dec_column, id_column
        As for `open_tiles`.
    size, threshold, minimum_area
        As for `open_tiles`. (FITS has the tile's own pixels, and no ``size`` and stretch.)
    output : str or Path
        A folder, new or empty: ``TILE/ID.jpg``, and the table ``cutouts.csv``.
    image_format : {"jpg", "png", "fits"}
    workers : int, optional
        Cores to use; all by default.
    progress : Progress

    Raises
    ------
    OutputError
        The folder holds something else; no room, no permission.
    StoppedError
        Ctrl-C; what was cut is kept.
    ImageError, CatalogError, ArgumentError, MissingExtraError
        As for `open_tiles`; `ImageError` too if not one source could be cut.
    """
    folder = Path(output)
    if not (folder / UNFINISHED).is_file():
        require_new(folder)
    opened = open_tiles(
        tiles, catalogue, field=field, bands=bands, stretch=stretch, size=size, hdu=hdu,
        ra_column=ra_column, dec_column=dec_column, id_column=id_column, threshold=threshold,
        minimum_area=minimum_area, progress=progress,
    )  # fmt: skip
    return write_cutouts(opened, folder, image_format, workers=workers, progress=progress)


def write_cutouts(
    cutouts: TileCutouts,
    folder: Path,
    image_format: CutoutFormat = "jpg",
    *,
    workers: int | None = None,
    progress: Progress = silent,
) -> CutoutSummary:
    """Write opened sources into files: what `cutouts` does with them.

    Raises
    ------
    OutputError, StoppedError, ImageError
        As for `cutouts`.
    """
    begun = time.monotonic()
    key = job_key("cutouts", identity=cutouts.identity, image_format=image_format)
    names = CutoutNames(cutouts, image_format)
    with ExitStack() as held:
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            journal = held.enter_context(open_journal(folder / UNFINISHED, key))
            _begin(journal, folder)
        resumed = sum(entry["count"] for entry in journal)
        write = write_fits if image_format == "fits" else write_picture
        try:
            with translated(folder):
                for name in names.folders:
                    (folder / name).mkdir(exist_ok=True)
                _cut_all(cutouts, names, folder, write, journal, resumed, workers, progress)
                counts = _write_tables(cutouts, names, folder, journal)
                journal.remove()
        except KeyboardInterrupt:
            done = sum(entry["count"] for entry in journal)
            raise StoppedError(
                f"stopped; {done:,} of {len(cutouts):,} sources are done and kept in {folder}",
                hint="run the same again: it goes on from there",
            ) from None
    failed_file = folder / FAILED if counts["failed"] else None
    return CutoutSummary(
        output=folder,
        table=folder / TABLE,
        failed_file=failed_file,
        cut=counts["cut"],
        failed=counts["failed"],
        outside=cutouts.placement.outside,
        at_edge=counts["edge"],
        with_gap=counts["gap"],
        resumed=resumed,
        seconds=time.monotonic() - begun,
        notes=cutouts.notes,
    )


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


def _cut_all(
    cutouts: TileCutouts,
    names: CutoutNames,
    folder: Path,
    write: Callable[[TileCutouts, int, Path], None],
    journal: Journal,
    start: int,
    workers: int | None,
    progress: Progress,
) -> None:
    """Cut piece after piece, and enter each into the journal once its files are written."""

    def cut(piece: range) -> dict[str, Any]:
        failures = {}
        for index in piece:
            try:
                write(cutouts, index, folder / names[index])
            except ImageError as error:
                failures[index] = " ".join(str(error).split())
        done = [index for index in piece if index not in failures]
        measured = cutouts.measured(done).to_pydict()
        return {"count": len(piece), "cut": done, "failures": list(failures.items()), **measured}

    count = len(cutouts)
    pieces = (range(first, min(first + PIECE, count)) for first in range(start, count, PIECE))
    progress("cut", start, count)
    done, failed = start, 0
    with closing(ordered_pool(cut, pieces, workers or core_count())) as entries:
        for entry in entries:
            journal.add(entry)
            done, failed = done + entry["count"], failed + len(entry["failures"])
            progress("cut", done, count, note=f"{failed:,} cannot be cut" if failed else "")


def _write_tables(
    cutouts: TileCutouts, names: CutoutNames, folder: Path, journal: Journal
) -> Counter[str]:
    """Write the table of what was cut and that of what was not, entry by entry of the journal."""
    counts: Counter[str] = Counter()
    for entry in journal:
        counts["cut"] += len(entry["cut"])
        counts["failed"] += len(entry["failures"])
        for flags in entry["flags"]:
            counts.update(flags.split())
    if not counts["cut"]:
        first = next((entry["failures"][0][1] for entry in journal if entry["failures"]), "")
        raise ImageError(
            f"not one of the {counts['failed']:,} sources could be cut out", got=first
        )
    given = cutouts.table
    with writing(folder / TABLE) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([cutouts.id_column, "file", *given.column_names, "missing", "flags"])
        for entry in journal:
            writer.writerows(_rows(cutouts, names, given, entry))
    if counts["failed"]:
        with writing(folder / FAILED) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["id", "path", "error"])
            for entry in journal:
                writer.writerows(
                    [cutouts.ids[index], cutouts.path(index), error]
                    for index, error in entry["failures"]
                )
    return counts


def _rows(
    cutouts: TileCutouts, names: CutoutNames, given: pa.Table, entry: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    indices = entry["cut"]
    columns = given.take(pa.array(indices, pa.int64())).to_pydict()
    return zip(
        [cutouts.ids[index] for index in indices],
        [names[index] for index in indices],
        *columns.values(),
        entry["missing"],
        entry["flags"],
        strict=True,
    )
