"""`export_subjects`: pictures as a volunteer should see them, and the manifest to upload them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from galaxyclass.arguments import public
from galaxyclass.data.catalog.roles import require_column
from galaxyclass.data.tables.in_memory import is_table, open_in_memory
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.images.read import read_rendered
from galaxyclass.images.render import RenderSettings
from galaxyclass.io.atomic import writing_folder
from galaxyclass.io.csv_text import write_rows
from galaxyclass.model.image_source import find_image_files, name_paths
from galaxyclass.model.predictions import Predictions
from galaxyclass.model.provenance import provenance_of, provenance_of_file
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary
from galaxyclass.tasks.names import free_name
from galaxyclass.trees.tree import Tree
from galaxyclass.zooniverse.choose_subjects import ChosenSubjects, choose_subjects

if TYPE_CHECKING:
    import pyarrow as pa

SUBJECT_MANIFEST = "manifest.csv"
#: The columns of a manifest before those that are carried.
_OWN_COLUMNS = ("filename", "#id", "#model", "#reason")
#: Zooniverse refuses files of more than 1 MB.
_LARGEST = 1_000_000
#: Subjects that a project may upload unless Zooniverse allows more.
_ALLOWANCE = 10_000
#: Side of the pictures, pixels: those of Galaxy Zoo have it.
SUBJECT_SIDE = 424


@dataclass(frozen=True)
class ExportedSubjects:
    """A folder to upload: ``manifest.csv`` and a JPEG for each subject.

    Attributes
    ----------
    folder : Path
    count : int
        Subjects.
    failed : tuple of (str, str)
        Galaxies whose image cannot be decoded, and why.
    notes : tuple of str
        What was left out.
    """

    folder: Path
    count: int
    failed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(f"ExportedSubjects: {self.count:,} in {short_path(self.folder)}")

    @property
    def manifest(self) -> Path:
        """The manifest."""
        return self.folder / SUBJECT_MANIFEST


@public
def export_subjects(
    images: str | Path,
    table: Any = None,
    *,
    output: str | Path,
    by: str | None = None,
    lowest: bool = False,
    count: int | None = None,
    reason: str | None = None,
    carry: Sequence[str] = (),
    tree: Tree | str | Path | None = None,
    id_column: str | None = None,
    size: int = SUBJECT_SIDE,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> ExportedSubjects:
    """Write pictures and the subject manifest for a Zooniverse project.

    Pictures are brought to ``size`` pixels on their longer side and written as JPEG; FITS and other
    pictures in bands are stretched as for a prediction. The manifest has ``filename`` and metadata
    that volunteers do not see (``#id``, ``#model``, ``#reason``, and the columns of ``carry``);
    `import_classifications` reads the id back.

    Parameters
    ----------
    images : str or Path
        A folder, searched with its sub-folders, or an image file.
    table : str, Path or a table in memory, optional
        The galaxies to export, such as a file of predictions; otherwise all images. The model that
        made it stands in the manifest, where the file says so.
    output : str or Path
        A new folder.
    by : str, optional
        In which order, the first being chosen first: ``uncertain`` (as for
        `galaxyclass.select`), ``strange`` (the column ``strangeness``), or the name of a
        column; the highest first. Otherwise the order of the table.
    lowest : bool
        The lowest of the column ``by`` first.
    count : int, optional
        How many, at most.
    reason : str, optional
        Why these were chosen, for the manifest; by default the value of ``by``.
    carry : sequence of str
        Columns of the table to carry into the manifest, or ``all``. One that is named like a
        column of the manifest gets another name: ``#reason_of_table``.
    tree : Tree, str or Path, optional
        Of the predictions, for ``uncertain``; otherwise that of the model that made them, or any
        that the package ships.
    id_column : str, optional
        The id column of the table; otherwise the first that names the images.
    size : int
        Side of the pictures, pixels.
    quote_formulas : bool
        As for `galaxyclass.predict`, in the manifest. Zooniverse gives a quoted id back quoted.
    progress : Progress

    Raises
    ------
    CatalogError
        No images; the table cannot be read, or does not name them.
    ArgumentError
        ``by`` without a table, ``lowest`` without ``by``, or a column that holds no numbers.
    ImageError
        Not one image can be decoded.
    OutputError
        The folder has something in it, or cannot be written to.
    """
    if table is None and (by is not None or carry or id_column is not None):
        raise ArgumentError(
            "only a table has columns to choose by",
            argument="by",
            wanted="a `table`, such as a file of predictions",
            hint="give a `table`",
        )
    if lowest and by is None:
        raise ArgumentError(
            "the lowest of which column?", argument="lowest", wanted="`by`, such as strange"
        )
    paths = [str(path) for path in find_image_files(images).images]
    ids, _ = name_paths(paths, 0, clear=True)
    if table is None:
        chosen = ChosenSubjects(paths, list(ids), [""] * len(paths), [], ())
        subjects = _Subjects(chosen, _carried(None, carry), model="", reason=reason)
    else:
        columns, source, made_by = _read(table)
        chosen = choose_subjects(
            columns,
            source,
            dict(zip(ids, paths, strict=True)),
            by=by,
            lowest=lowest,
            tree=tree,
            id_column=id_column,
            made_by=made_by,
        )
        model = f"{made_by.get('model') or ''} {str(made_by.get('digest') or '')[:12]}".strip()
        subjects = _Subjects(chosen, _carried(columns, carry), model=model, reason=reason)
    folder = Path(output)
    with writing_folder(folder) as temporary:
        rows, failed = _write_pictures(temporary, subjects, count, size, progress)
        if not rows:
            raise ImageError(
                f"{images}: not one of {counted(len(chosen.ids), 'image')} can be decoded",
                got=failed[0][1] if failed else "no galaxies",
            )
        with (temporary / SUBJECT_MANIFEST).open("w", encoding="utf-8", newline="") as file:
            write_rows(file, [subjects.header, *rows], quote_formulas=quote_formulas)
    notes = list(chosen.notes)
    if len(rows) > _ALLOWANCE:
        notes.append(
            f"Zooniverse lets a new project upload {_ALLOWANCE:,} subjects: ask for more, or lower "
            "`count`."
        )
    return ExportedSubjects(folder, len(rows), tuple(failed), tuple(notes))


def _read(table: Any) -> tuple[pa.Table, str, Mapping[str, Any]]:
    """A table, what messages call it, and by what it was made, as far as it says so."""
    if isinstance(table, Predictions):
        table = table.table
    if is_table(table):
        columns = open_in_memory(table).table
        return columns, "<table in memory>", provenance_of(columns.schema)
    columns = read_table(table)
    # `read_table` keeps the columns alone.
    made_by = provenance_of(columns.schema) or provenance_of_file(Path(table))
    return columns, str(table), made_by


@dataclass(frozen=True)
class _Subjects:
    """The subjects chosen, and what their manifest says of them.

    Attributes
    ----------
    chosen : ChosenSubjects
    carried : dict
        The cells of each column of the table that is carried.
    model : str
        Which made the table.
    reason : str, optional
        Why they were chosen, all of them.
    """

    chosen: ChosenSubjects
    carried: dict[str, list[Any]]
    model: str
    reason: str | None

    @property
    def header(self) -> list[str]:
        """The columns of the manifest."""
        return [*_OWN_COLUMNS, *(f"#{name}" for name in self.carried)]

    def row(self, index: int, file_name: str) -> list[Any]:
        """The cells of a subject in the manifest."""
        row = self.chosen.rows[index] if self.chosen.rows else 0
        reasons = "; ".join(part for part in (self.reason, self.chosen.reasons[index]) if part)
        cells = [column[row] for column in self.carried.values()]
        return [file_name, self.chosen.ids[index], self.model, reasons, *cells]


def _write_pictures(
    folder: Path, subjects: _Subjects, count: int | None, size: int, progress: Progress
) -> tuple[list[list[Any]], list[tuple[str, str]]]:
    """Write the first `count` pictures that can be decoded; their rows, and those that cannot."""
    rows: list[list[Any]] = []
    failed: list[tuple[str, str]] = []
    used: set[str] = set()
    chosen = subjects.chosen
    for index, (path, galaxy) in enumerate(zip(chosen.paths, chosen.ids, strict=True)):
        if count is not None and len(rows) == count:
            break
        try:
            jpeg = picture(path, size)
        except ImageError as error:
            failed.append((galaxy, error.one_line))
            continue
        name = _file_name(galaxy, used)
        (folder / name).write_bytes(jpeg)
        rows.append(subjects.row(index, name))
        progress("subjects", len(rows), count or len(chosen.ids))
    return rows, failed


def picture(path: str, size: int) -> bytes:
    """A JPEG of at most 1 MB, its longer side of ``size`` pixels.

    Raises
    ------
    ImageError
    """
    pixels = read_rendered(path, RenderSettings())
    height, width = pixels.shape[:2]
    zoom = size / max(height, width)
    if zoom != 1:
        shape = (max(1, round(width * zoom)), max(1, round(height * zoom)))
        interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
        pixels = np.asarray(cv2.resize(pixels, shape, interpolation=interpolation), dtype=np.uint8)
    shown = pixels[..., ::-1] if pixels.ndim == 3 and pixels.shape[-1] == 3 else pixels
    for quality in (92, 80, 60, 40):
        _, encoded = cv2.imencode(
            ".jpg", np.ascontiguousarray(shown), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        if len(encoded) <= _LARGEST:
            break
    return bytes(encoded)


def _carried(table: Any, carry: Sequence[str]) -> dict[str, list[Any]]:
    names = list(table.column_names) if table is not None and "all" in carry else list(carry)
    for name in names:
        require_column(table, name, "the table", "carry")
    # Each name stands once in the manifest: a selection, too, has a column of reasons.
    taken = {name.lstrip("#") for name in _OWN_COLUMNS}
    carried: dict[str, list[Any]] = {}
    for name in dict.fromkeys(names):
        free = free_name(name, taken, "_of_table")
        taken.add(free)
        carried[free] = table[name].to_pylist()
    return carried


def _file_name(galaxy: str, used: set[str]) -> str:
    """A file name of plain letters that no other subject has; it is added to those used."""
    plain = re.sub(r"[^\w.+-]+", "_", galaxy).strip(".") or "galaxy"
    name, number = f"{plain}.jpg", 1
    while name.lower() in used:
        number += 1
        name = f"{plain}_{number}.jpg"
    used.add(name.lower())
    return name
