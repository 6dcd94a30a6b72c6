"""The pictures of a survey as a stream: folders, archives, tables of paths, in a fixed order.

Nothing is unpacked and nothing is kept: a source gives pieces of some ten thousand pictures, whose
names and paths are Arrow arrays.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa

from galaxyclass.data.unused import Unused, unused_files
from galaxyclass.errors import CatalogError
from galaxyclass.images.band_files import expand, is_pattern
from galaxyclass.images.container import file_size
from galaxyclass.images.containers import CONTAINER_ENDINGS, container_of, is_container
from galaxyclass.images.files import (
    IMAGE_SUFFIXES,
    images_inside,
    is_image_name,
    require_paths,
    walk_files,
)
from galaxyclass.images.remote import (
    is_address,
    is_remote_folder,
    plain_name,
    walk_addresses,
)
from galaxyclass.short import counted
from galaxyclass.survey.listed import is_list, is_list_name, listed_pieces
from galaxyclass.survey.pieces import PIECE_IMAGES, ListColumns, Piece
from galaxyclass.survey.remote_lists import remote_pieces


@dataclass
class Sources:
    """The sources of a survey, read one after the other; what was found is noted on the way.

    Attributes
    ----------
    named : sequence of str
        As the user gave them: folders, archives, lists, files.
    columns : ListColumns
        Which columns of lists are used.
    skip_invalid : bool
        Leave out archives that cannot be opened, rather than refuse all.
    containers : list of (path, images, bytes)
        The archives that were read.
    damaged : list of (path, error)
        Those that could not be opened.
    others : Counter of str
        Endings of files that are no images.
    notes : list of str
    """

    named: Sequence[str]
    columns: ListColumns = field(default_factory=ListColumns)
    skip_invalid: bool = False
    containers: list[tuple[str, int, int]] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def require(self) -> None:
        """Refuse sources that do not exist.

        Raises
        ------
        CatalogError
        """
        require_paths([Path(name) for name in self.named if not is_address(name)])

    def pieces(self) -> Iterator[Piece]:
        """All pictures, in the order of the sources; those of a folder in that of their names.

        Raises
        ------
        CatalogError
            A source does not exist, or holds no images; a list without a column of paths; archives
            that cannot be opened.
        """
        for name in self.named:
            yield from self._pieces_of(name, several=len(self.named) > 1)
        if self.damaged and not self.skip_invalid:
            first, error = self.damaged[0]
            raise CatalogError(
                f"cannot be used: {len(self.damaged):,} of "
                f"{counted(len(self.damaged) + len(self.containers), 'archive')}",
                got=f"such as {first}: {error}",
                hint="fetch them again, or leave them out: `skip_invalid=True`",
            )

    def _pieces_of(self, name: str, *, several: bool) -> Iterator[Piece]:
        """The pictures of one source, by what it is."""
        root = os.path.abspath(name)  # noqa: PTH100 - not resolved: links stay
        prefix = f"{os.path.basename(root)}/" if several else ""  # noqa: PTH119
        if is_address(name):
            yield from self._address(name, several=several)
        elif is_pattern(name):
            yield from _gathered(map(os.path.abspath, expand(name)), os.path.dirname(root), "")  # noqa: PTH120
        elif os.path.isdir(root):  # noqa: PTH112
            yield from self._folder(root, prefix)
        elif is_container(root):
            yield from self._container(root, os.path.basename(root))  # noqa: PTH119
        elif is_list(root):
            yield from listed_pieces(root, self.columns, self.notes)
        elif is_image_name(root) or container_of(root) is not None:
            yield from _gathered([root], os.path.dirname(root), "")  # noqa: PTH120
        else:
            raise CatalogError(
                f"{name}: nothing that pictures can be read from",
                argument="images",
                wanted="a folder, an archive (.zip, .tar), HDF5, parquet, or a list of paths "
                "(.txt, .csv, .parquet)",
                hint="unpack an archive of another kind",
            )

    @property
    def id_column(self) -> str | None:
        """The column of the ids of lists."""
        return self.columns.id_column

    @property
    def unused(self) -> tuple[Unused, ...]:
        """What of the sources is not used."""
        endings = [(ending, count) for ending, count in self.others.most_common() if count > 0]
        why = f"not read: images end in {', '.join(IMAGE_SUFFIXES)}"
        damaged = [name for name, _ in self.damaged]
        return (
            *unused_files(endings, why),
            *(
                [Unused("files", len(damaged), ", ".join(damaged[:4]), "cannot be opened")]
                if damaged
                else []
            ),
        )

    def _folder(self, root: str, prefix: str) -> Iterator[Piece]:
        containers: list[str] = []
        found = False

        def images() -> Iterator[str]:
            for path in walk_addresses(root) if is_address(root) else walk_files(root, self.others):
                if is_image_name(path):
                    yield path
                else:
                    self.others[os.path.splitext(path)[1].lower() or "no ending"] += 1  # noqa: PTH122
                    if path.lower().endswith(CONTAINER_ENDINGS):
                        containers.append(path)

        for piece in _gathered(images(), root, prefix):
            found = True
            yield piece
        if found:
            if containers:
                self.notes.append(
                    f"{root}: not read: {counted(len(containers), 'archive')} beside loose images, "
                    "which most likely came from there; name the archives to read them."
                )
            return
        for path in filter(is_container, sorted(containers)):
            self.others[os.path.splitext(path)[1].lower()] -= 1  # noqa: PTH122
            found = True
            yield from self._container(path, prefix + path[len(root.rstrip("/")) + 1 :])
        if not found:
            instead = ", ".join(f"{n} with {ending}" for ending, n in self.others.most_common(5))
            raise CatalogError(
                f"{root}: no images in this folder or its sub-folders",
                wanted=f"files that end in {', '.join(IMAGE_SUFFIXES)}, or archives of them",
                got=f"files: {instead}" if instead else "no files at all",
                hint="check the path",
            )

    def _address(self, address: str, *, several: bool) -> Iterator[Piece]:
        """The pictures behind an address: a picture, an archive, a list, or a folder of these."""
        root = address.rstrip("/")
        name = root.rsplit("/", 1)[-1]
        if is_container(root):
            yield from self._container(root, name)
        elif is_image_name(root):
            yield from _gathered([root], root.rpartition("/")[0], "")
        elif is_list_name(root) and not is_remote_folder(address):
            yield from remote_pieces(address, self.columns, self.notes)
        else:
            yield from self._folder(root, f"{name}/" if several else "")

    def _container(self, path: str, name: str) -> Iterator[Piece]:
        try:
            inside = images_inside(path, self.others)
            size = file_size(path)
        except CatalogError as error:
            self.damaged.append((path, f"{error.what.removeprefix(path + ': ')}"))
            return
        self.containers.append((path, len(inside), size))
        yield from _gathered(inside, path, name)


def _gathered(paths: Iterator[str] | Sequence[str], root: str, prefix: str) -> Iterator[Piece]:
    """Paths below a folder in pieces; their names are those below it."""
    escaped = is_address(root)
    cut = len(plain_name(root.rstrip("/")) if escaped else root.rstrip("/")) + 1
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    remaining = iter(paths)
    while batch := list(islice(remaining, PIECE_IMAGES)):
        try:
            array = pa.array(batch, pa.string())
        except (UnicodeEncodeError, pa.ArrowInvalid) as error:
            raise CatalogError(
                f"{root}: names of files that are not text in UTF-8",
                got=ascii(next((p for p in batch if not _is_utf8(p)), "")),
                hint="rename these files",
            ) from error
        names = [prefix + plain_name(path)[cut:] if escaped else prefix + path[cut:]
                 for path in batch]  # fmt: skip
        yield Piece(pa.array(names, pa.string()), array)


def _is_utf8(path: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in path)
