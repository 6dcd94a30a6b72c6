"""The index of predictions: a vector for each galaxy, searched exactly; kept beside their file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from galaxyclass.errors import CatalogError
from galaxyclass.io.atomic import discard_folder, writing_folder
from galaxyclass.io.checksums import file_checksum
from galaxyclass.io.reading import open_regular, parse_json, read_bounded
from galaxyclass.io.versioned import FileFormat
from galaxyclass.progress import Progress, silent
from galaxyclass.similarity.axes import Axes, fit_axes
from galaxyclass.similarity.embeddings import PredictionTable

log = logging.getLogger(__name__)

_VECTORS, _AXES, _ABOUT = "vectors.npy", "axes.npy", "index.json"

_AGAIN = "remove its folder; it is made again"
_FORMAT = FileFormat("index", 1, CatalogError, _AGAIN, _AGAIN)

#: Vectors that are compared at once: 16 MB of 64 axes.
_BLOCK = 65_536


@dataclass(frozen=True)
class Index:
    """Vectors of length 1 on disk, which are read where they are needed.

    Attributes
    ----------
    vectors : (galaxies, axes) float32
        By the rows of the predictions.
    axes : Axes
    """

    vectors: NDArray[np.float32]
    axes: Axes

    def similarities(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """(galaxies,) float32: the dot product of each galaxy with a query of (axes,)."""
        result = np.empty(len(self.vectors), np.float32)
        for start in range(0, len(self.vectors), _BLOCK):
            result[start : start + _BLOCK] = self.vectors[start : start + _BLOCK] @ query
        return result


def nearest(
    similarities: NDArray[np.float32], allowed: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """The rows of the most similar galaxies, the most similar first; of equal ones the first row.

    Parameters
    ----------
    similarities : (galaxies,) float32
    allowed : (galaxies,) bool
        Which may be found.
    count : int
        At most so many.
    """
    rows = np.flatnonzero(allowed)
    nearest = similarities[rows]
    if len(rows) > count:
        limit = np.partition(nearest, -count)[-count]
        best = nearest >= limit
        rows, nearest = rows[best], nearest[best]
    return rows[np.argsort(-nearest, kind="stable")][:count]


def index_folder(predictions: Path) -> Path:
    """The folder of the index of a file of predictions."""
    return predictions.with_name(f"{predictions.name}.index")


def open_index(predictions: PredictionTable, *, progress: Progress = silent) -> Index:
    """The index of predictions; made, or made again, where it is missing or outdated.

    That of predictions in memory is in memory too.

    Raises
    ------
    CatalogError
        The embedding cannot be read.
    OutputError
        The index cannot be written.
    """
    if predictions.path is None:
        axes = fit_axes(_counted(predictions, progress, "finding axes"))
        pieces = map(axes.vectors, _counted(predictions, progress, "indexing"))
        return Index(np.concatenate(list(pieces)), axes)
    folder = index_folder(predictions.path)
    about = _about(predictions)
    if not _is_current(folder, about):
        _write(predictions, folder, about, progress)
    mean, *directions = np.load(folder / _AXES)
    axes = Axes(mean, np.stack(directions, axis=1))
    return Index(np.load(folder / _VECTORS, mmap_mode="r"), axes)


def _about(predictions: PredictionTable) -> dict[str, Any]:
    """What an index was made of: the same file has the same."""
    assert predictions.path is not None
    status = predictions.path.stat()
    return {
        "format": _FORMAT.number,
        "rows": predictions.rows,
        "features": len(predictions.embedding_names),
        "bytes": status.st_size,
        "modified": status.st_mtime_ns,
    }


def _is_current(folder: Path, about: dict[str, Any]) -> bool:
    """Whether an index is of this file and whole; an unreadable one is made again."""
    try:
        text = read_bounded(folder / _ABOUT)
        known = parse_json(text)
        vectors, mean = (_mapped(folder / name) for name in (_VECTORS, _AXES))
    except Exception:  # numpy's parser of headers has errors of its own (TokenError, SyntaxError)
        return False
    _FORMAT.parse(text, folder / _ABOUT, dict)
    checksums = known.pop("checksums", None)
    rows, features = about["rows"], about["features"]
    return (
        known == about
        and all(array.dtype == np.float32 for array in (vectors, mean))
        and (vectors.ndim, mean.ndim) == (2, 2)
        and vectors.shape == (rows, len(mean) - 1)
        and mean.shape[1:] == (features,)
        and bool(np.isfinite(mean).all())
        and _is_undamaged(folder, checksums)
    )


def _is_undamaged(folder: Path, checksums: object) -> bool:
    if checksums == _checksums(folder):
        return True
    log.warning("%s: the index is damaged, and is made again", folder)
    return False


def _checksums(folder: Path) -> dict[str, int]:
    """The checksum of each array of an index."""
    return {name: file_checksum(folder / name) for name in (_VECTORS, _AXES)}


def _mapped(path: Path) -> NDArray[Any]:
    """An array in a file, of which no more is promised than there is; from no pipe or device."""
    open_regular(path).close()
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    return array


def _write(
    predictions: PredictionTable, folder: Path, about: dict[str, Any], progress: Progress
) -> None:
    axes = fit_axes(_counted(predictions, progress, "finding axes"))
    if (folder / _ABOUT).is_file():
        discard_folder(folder)
    with writing_folder(folder) as temporary:
        vectors = open_memmap(
            temporary / _VECTORS,
            mode="w+",
            dtype=np.float32,
            shape=(predictions.rows, axes.directions.shape[1]),
        )
        start = 0
        for piece in _counted(predictions, progress, "indexing"):
            vectors[start : start + len(piece)] = axes.vectors(piece)
            start += len(piece)
        vectors.flush()
        np.save(temporary / _AXES, np.vstack([axes.mean, axes.directions.T]))
        text = json.dumps({**about, "checksums": _checksums(temporary)})
        (temporary / _ABOUT).write_text(text, "utf-8")


def _counted(
    predictions: PredictionTable, progress: Progress, stage: str
) -> Iterator[NDArray[np.float32]]:
    done = 0
    for piece in predictions.pieces():
        yield piece
        done += len(piece)
        progress(stage, done, predictions.rows, unit="galaxies")
