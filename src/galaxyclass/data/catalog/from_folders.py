"""Catalogs of folders alone: a folder for each class, or for each part of a split."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from galaxyclass.data.catalog.catalog import Catalog, Ids
from galaxyclass.data.catalog.class_columns import doubtful_names
from galaxyclass.data.catalog.classes import read_classes
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.part_words import (
    PART_OF_WORD,
    are_parts,
)
from galaxyclass.data.catalog.parts import is_parted
from galaxyclass.data.checks.findings import Finding
from galaxyclass.data.tables.cells import is_exact_integers
from galaxyclass.errors import CatalogError
from galaxyclass.images.containers import CONTAINER_ENDINGS, is_container


def catalog_of_folders(images: Path, names: ImageNames) -> Catalog:
    """A catalog of the images of a folder, of which those of a class lie in a folder of its own.

    Raises
    ------
    CatalogError
        The folders are the parts of a split, and no classes.
    """
    if is_parted(images):
        raise CatalogError(
            f"{images}: its folders are parts, not classes: train.csv and val.csv lie beside them",
            hint=f"`table={str(images)!r}` reads these tables",
        )
    relative = [_without_file(names.relative(index)) for index in range(len(names.paths))]
    ids = names.stems.to_pylist()
    if names.siblings:  # the same name in two classes: paths are unique
        ids = [name.rsplit(".", 1)[0] for name in relative]
    folders = [PurePosixPath(name).parts[:-1] for name in relative]
    if is_container(images) and len({each[:1] for each in folders}) == 1:
        folders = [each[1:] for each in folders]  # an archive holds the folder that was packed
    parts = None
    if all(folders) and are_parts({each[0] for each in folders}):
        parts = np.array([PART_OF_WORD[each[0].lower()] for each in folders], dtype=object)
        folders = [each[1:] for each in folders]
        if not any(folders):
            raise CatalogError(
                f"{images}: its folders are the parts of a split, not classes",
                wanted="a folder for each class below train, val and test, or a `table`",
                got=", ".join(sorted({name.split("/")[0] for name in relative})),
                hint="name the table of classes or votes by `table`",
            )
    targets = None
    problems: tuple[Finding, ...] = ()
    if any(folders):
        labels = pa.array([each[0] if each else None for each in folders], pa.string())
        targets = read_classes(labels, "class")
        problems = tuple(doubtful_names(targets, str(images)))
    return Catalog(
        ids=Ids("id", np.array(ids, dtype=object), is_exact_integers(pa.array(ids))),
        paths=np.array(names.paths, dtype=object),
        rows=np.zeros(len(ids), dtype=np.int64),
        targets=targets,
        other=None,
        problems=problems,
        unlisted=(),
        images=images,
        table=None,
        parts=parts,
    )


def _without_file(name: str) -> str:
    """The path of an image without the file that it is in, such as ``a.zip``."""
    first, _, below = name.partition("/")
    return below if below and first.lower().endswith(CONTAINER_ENDINGS) else name
