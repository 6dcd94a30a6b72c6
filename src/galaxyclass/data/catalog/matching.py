"""Matching the cells of a table to image files (pure: names in, indices out)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.images.files import COMPRESSED_SUFFIXES, IMAGE_SUFFIXES, image_stem, without_ending

_IMAGE, _COMPRESSED = (
    "|".join(map(re.escape, endings)) for endings in (IMAGE_SUFFIXES, COMPRESSED_SUFFIXES)
)
_SUFFIX = f"(?i)({_IMAGE})({_COMPRESSED})?$"


@dataclass(frozen=True)
class ImageNames:
    """The names that a table may use for image files; ``paths`` are below ``folder``."""

    folder: str
    paths: Sequence[str]

    def relative(self, index: int) -> str:
        """The path of an image below the folder, with slashes."""
        path, start = self.paths[index], os.path.join(self.folder, "")  # noqa: PTH118 - 10^6 of them
        inside = path[len(start) :] if path.startswith(self.folder) else path
        return inside if os.sep == "/" else inside.replace(os.sep, "/")

    def stem(self, index: int) -> str:
        """The file name of an image without folder and ending: what ids are compared with."""
        return image_stem(self.relative(index))

    @cached_property
    def stems(self) -> Any:
        """(images,) pyarrow array of the stems, which takes a fifth of the memory of a list."""
        return _array(map(self.stem, range(len(self.paths))))

    @cached_property
    def siblings(self) -> dict[str, list[int]]:
        """Stem -> all images that have it, for the stems that stand more than once."""
        counts = pc.value_counts(self.stems)
        several = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
        groups: dict[str, list[int]] = {}
        if len(several):
            for index in np.flatnonzero(pc.is_in(self.stems, several).to_numpy(False)).tolist():
                groups.setdefault(self.stem(index), []).append(index)
        return groups

    def folders(self, indices: Sequence[int]) -> set[str]:
        """The folders in which these images lie."""
        return {str(PurePath(self.paths[index]).parent) for index in indices}

    def match_ids(self, cells: Any) -> NDArray[np.int64]:
        """(rows,) index of the image whose stem, or path without ending, is the cell; -1 none.

        Parameters
        ----------
        cells : pyarrow array of string
        """
        images = _lookup(cells, self.stems)
        if (images < 0).any() and any("/" in self.relative(i) for i in range(len(self.paths))):
            paths = (without_ending(self.relative(i)) for i in range(len(self.paths)))
            images = np.where(images < 0, _lookup(cells, _array(paths)), images)
        return images

    def match_paths(self, cells: Any) -> NDArray[np.int64]:
        """(rows,) index of the first image that each path fits (see `fitting`); -1 none.

        Parameters
        ----------
        cells : pyarrow array of string
        """
        images = _lookup(_clean(cells), _array(map(self.relative, range(len(self.paths)))))
        paths = cells.to_pylist() if (images < 0).any() else []
        for row in np.flatnonzero(images < 0):
            if paths[row] is not None:
                images[row] = next(iter(self.fitting(paths[row])), -1)
        return images

    def fitting(self, path: str) -> list[int]:
        """Indices of the images that a path fits; several are ambiguous.

        The image with that path below the folder; otherwise images of that file name, or of that
        file name with another ending (a table may name PNG files where the images are JPEG). Of
        several, those that share most folders with the path, from the file upwards: the table may
        have been written beside the folder, above it or on another machine.

        Examples
        --------
        >>> names = ImageNames("sky", ("sky/new/test/1.jpg", "sky/new/train/1.jpg"))
        >>> names.fitting("/home/ann/train/1.png"), names.fitting("1.jpg"), names.fitting("2.jpg")
        ([1], [0, 1], [])
        """
        path = path.replace("\\", "/").removeprefix("./")
        if path in self._by_relative:
            return [self._by_relative[path]]
        *folders, file = path.split("/")
        candidates = self._by_file.get(file, [])
        if not candidates:
            stem = re.sub(_SUFFIX, "", file)
            candidates = self.siblings.get(stem) or [
                self.by_stem[name] for name in (stem,) if name in self.by_stem
            ]
        if len(candidates) < 2:
            return candidates
        agreement = [
            _agreement(folders, self.relative(index).split("/")[:-1]) for index in candidates
        ]
        longest = max(agreement)
        return [
            index for index, shared in zip(candidates, agreement, strict=True) if shared == longest
        ]

    @cached_property
    def by_stem(self) -> dict[str, int]:
        """Stem -> the first image that has it."""
        return _first([self.stem(index) for index in range(len(self.paths))])

    @cached_property
    def _by_relative(self) -> dict[str, int]:
        """Path below the folder -> its image."""
        return _first([self.relative(index) for index in range(len(self.paths))])

    @cached_property
    def _by_file(self) -> dict[str, list[int]]:
        """File name -> the images that have it."""
        groups: dict[str, list[int]] = {}
        for index in range(len(self.paths)):
            groups.setdefault(self.relative(index).rsplit("/", 1)[-1], []).append(index)
        return groups


def _clean(cells: Any) -> Any:
    """Paths with slashes, without ``./`` before them."""
    return pc.replace_substring_regex(pc.replace_substring(cells, "\\", "/"), r"^\./", "")


def _agreement(folders: Sequence[str], others: Sequence[str]) -> int:
    """How many of the last folders are the same."""
    count = 0
    for folder, other in zip(reversed(folders), reversed(others), strict=False):
        if folder != other:
            break
        count += 1
    return count


def looks_like_paths(cells: Any) -> bool:
    """Whether most of a column's first thousand cells end like an image file's name."""
    first = cells.slice(0, 1000).drop_null()
    if len(first) == 0:
        return False
    hits = pc.sum(pc.match_substring_regex(first, _SUFFIX)).as_py() or 0
    return bool(2 * hits > len(first))


def _first(names: Sequence[str]) -> dict[str, int]:
    """Name -> index of its first occurrence."""
    return dict(zip(reversed(names), range(len(names) - 1, -1, -1), strict=True))


def _array(words: Iterator[str]) -> Any:
    """A pyarrow array of strings, made in batches so that few are Python objects at a time."""
    batches = iter(lambda: list(islice(words, 1 << 14)), [])
    return pa.chunked_array([pa.array(batch, pa.string()) for batch in batches], pa.string())


def _lookup(cells: Any, names: Any) -> NDArray[np.int64]:
    """(rows,) index of the first name that equals each cell; -1 where none does, or null."""
    hits = pc.index_in(cells, value_set=names)
    return np.asarray(pc.fill_null(hits, -1).to_numpy(), dtype=np.int64)
