"""The ids of galaxies in a table of predictions: the stems of their image files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from os.path import abspath, commonpath, relpath, split  # pathlib takes 10 times as long
from typing import overload

from galaxyclass.images.files import image_stem, without_ending


class _Names(Sequence[str]):
    """A name for each path, made when it is read."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._name(path) for path in self._paths[index]]
        return self._name(self._paths[index])

    @abstractmethod
    def _name(self, path: str) -> str: ...


class ImageIds(_Names):
    """The id of each image, made when it is read, so that a survey's ids take no memory.

    An id is the file's stem. Files with the same stem have their path from the images' common
    folder as id, without the suffix; if that repeats too, with it.

    Parameters
    ----------
    paths : sequence of str
        Image files, all different (``x.jpg`` and ``sub/../x.jpg`` are not).

    Attributes
    ----------
    repeated : frozenset of str
        Stems that more than one file has.

    Examples
    --------
    >>> ids = ImageIds(["sky/587722981736579107.jpg", "sky/a/x.jpg", "sky/b/x.jpg"])
    >>> list(ids), ids.repeated
    (['587722981736579107', 'a/x', 'b/x'], frozenset({'x'}))
    """

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(paths)
        self.repeated = _twice(image_stem(path) for path in paths)
        self._root = ""
        if self.repeated:
            self._root = commonpath({abspath(split(path)[0]) for path in paths})  # noqa: PTH100
        self._by_path = self.repeated
        self._with_suffix: frozenset[str] = frozenset()
        # One round is mostly enough. But "x.jpg.png" has the stem "x.jpg", which may be the id of
        # "x.jpg" beside "x.png". Each round lengthens names that are still equal; paths differ.
        while self.repeated and (equal := _twice(self)):
            assert not equal <= self._by_path & self._with_suffix, "a file is named twice"
            self._by_path |= equal
            self._with_suffix |= equal

    def _name(self, path: str) -> str:
        stem = image_stem(path)
        if stem not in self._by_path:
            return stem
        relative = relpath(path, self._root).replace("\\", "/")
        short = without_ending(relative)
        return relative if short in self._with_suffix else short


class FileNames(_Names):
    """The last parts of each path, ending and all: as in some tables.

    Parameters
    ----------
    paths : sequence of str
    parts : int
        1 or more.

    Examples
    --------
    >>> list(FileNames(["sky/test/1.png"], 1)), list(FileNames(["sky/test/1.png"], 2))
    (['1.png'], ['test/1.png'])
    """

    def __init__(self, paths: Sequence[str], parts: int) -> None:
        super().__init__(paths)
        self._parts = parts

    def _name(self, path: str) -> str:
        return "/".join(abspath(path).replace("\\", "/").split("/")[-self._parts :])  # noqa: PTH100

    def repeated(self) -> frozenset[str]:
        """Names that more than one file has."""
        return _twice(self)


def _twice(names: Iterable[str]) -> frozenset[str]:
    previous: set[str] = set()
    return frozenset(name for name in names if name in previous or previous.add(name))  # type: ignore[func-returns-value]
