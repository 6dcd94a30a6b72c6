"""Galaxies of a labelling for the volunteers of Zooniverse: pictures and their manifest."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from galaxyclass.data.labels.table import label_of
from galaxyclass.errors import CatalogError
from galaxyclass.serving.labelling import Labelling
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.zooniverse.export_subjects import export_subjects

#: Which galaxies can be had, and what they are.
SUBJECTS: dict[str, str] = {
    "doubtful": "that people disagree about, or cannot tell",
    "next": "that are next in the order",
    "labelled": "that have a label",
}
#: Galaxies that are written at once.
_MOST = 500


def subject_table(labelling: Labelling, id_column: str, which: str) -> pa.Table:
    """The ids of some galaxies, why they are chosen, and the label of each that has one.

    Raises
    ------
    RefusedError
        ``which`` is none of `SUBJECTS`; there are no such galaxies.
    """
    if which not in SUBJECTS:
        raise RefusedError(404, f"no galaxies {which[:40]!r}", wanted=", ".join(SUBJECTS))
    chosen = list(islice(_chosen(labelling, which), _MOST))
    if not chosen:
        raise RefusedError(404, f"there are no galaxies {SUBJECTS[which]}")
    names, reasons = zip(*chosen, strict=True)
    labels = [label_of(labelling.labels, name) or "" for name in names]
    return pa.table({id_column: list(names), "reason": list(reasons), "label": labels})


def _chosen(labelling: Labelling, choice: str) -> Iterator[tuple[str, str]]:
    if choice == "next":
        for place, row in enumerate(labelling.order.rows(), 1):
            name = labelling.id_of(row)
            if not labelling.labels.people_of(name):
                yield name, f"place {place:,} in the order of labelling"
        return
    unsure = {event.id for event in labelling.labels.events if event.action == "unsure"}
    for name in labelling.labels.galaxies:
        people = len(labelling.labels.people_of(name))
        label = label_of(labelling.labels, name)
        if choice == "labelled":
            if label is not None:
                yield name, f"labelled by {people:,}"
        elif people and label is None:
            yield name, "people disagree"
        elif name in unsure:
            yield name, "somebody cannot tell"


def write_subjects(output: Path, table: pa.Table, images: Path, *, quote_formulas: bool) -> None:
    """Write a zip with ``manifest.csv`` and a JPEG for each galaxy.

    Raises
    ------
    RefusedError
        None of the galaxies has a picture that can be decoded.
    """
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        try:
            exported = export_subjects(
                images, table, output=Path(folder) / "subjects", id_column=table.column_names[0],
                carry=["label"], quote_formulas=quote_formulas,
            )  # fmt: skip
        except CatalogError as error:
            raise RefusedError(422, error.what, wanted=error.wanted, got=error.got) from error
        with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(exported.folder.iterdir()):
                archive.write(path, f"subjects/{path.name}")
