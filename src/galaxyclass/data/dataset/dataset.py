"""`Dataset`: galaxies with their images and what is known of them, as an object to hold."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from galaxyclass.argument_checks import Missing, as_missing_values
from galaxyclass.arguments import public
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.derive import derive_classes
from galaxyclass.data.catalog.id_map import as_map
from galaxyclass.data.catalog.parts import column_names
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.catalog.roles import vote_layout
from galaxyclass.data.catalog.tree_votes import read_on_tree
from galaxyclass.data.tables.in_memory import IN_MEMORY, as_arrow, is_table
from galaxyclass.errors import ArgumentTypeError, CatalogError
from galaxyclass.io.atomic import writing
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary
from galaxyclass.trees.read import as_tree, parse_tree, tree_data
from galaxyclass.trees.tree import Tree

if TYPE_CHECKING:
    from galaxyclass.data.checks.report import ValidationReport


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Dataset:
    """Galaxies: where their images are, a table about them, and how it is read.

    Training, evaluation, calibration, exploration and comparison take one. Files are read when they
    are first needed, and only once: where a file has changed, make a new data set.

    Parameters
    ----------
    images : str or Path
        A folder, searched with its sub-folders.
    table : str, Path, a table in memory, or None
        A file or a folder with train.csv, val.csv and test.csv (see `read_catalog`); a pandas,
        polars, astropy or pyarrow table, or a mapping of columns; None: each sub-folder of
        ``images`` is a class.
    id_column, target_column : str, optional
        Columns to take as id and as class; otherwise found by the rule of `read_catalog`.
    numbers : str or sequence of str, optional
        Columns of numbers to predict (see `read_catalog`).
    missing : float, str, a sequence or a mapping of them
        Values that stand for unknown numbers (see `read_catalog`).
    counts : bool
        Learn from the numbers of votes of the table, not from its fractions: from 3 of 4 votes less
        is learnt than from 30 of 40.
    id_map : str, Path or a table in memory, optional
        A table that joins the ids of ``table`` to the names of images (see `read_catalog`).
    classes : str, optional
        Derive classes from the votes by this rule: ``five`` or ``argmax:QUESTION``.
    skip_invalid : bool
        Leave out galaxies with errors instead of refusing them all.
    labelling : str, optional
        A name for the labelling that the votes or classes follow, such as a catalogue's way of
        debiasing. Tables of one task and labelling are learnt by one last layer of a network, and
        each further labelling by a layer of its own (see `load_model`). Tables without a name have
        one labelling.
    tree : Tree, str or Path, optional
        The decision tree of the votes: one that `load_tree` gave, the name of one that the package
        ships, or a TOML file; otherwise any that the package ships. A table without votes on it is
        refused.
    also : Dataset, or sequence of Dataset or of (images, table)
        More galaxies to learn from beside these: votes on the same tree, or classes as an auxiliary
        task. Checks, exploration and scores use the galaxies of the first table.

    Examples
    --------
    >>> Dataset("images", {"id": ["1", "2"], "class": ["disc", "smooth"]})
    <Dataset of images and a table of 2 rows>
    >>> Dataset("images", "efigi.csv", numbers=["T", "Bar_Length"], missing={"Bar_Length": -1})
    <Dataset of images and efigi.csv>
    >>> Dataset("images", "votes.csv", also=[("more", "counts.csv")])
    <Dataset of images and votes.csv, also 1 more table>
    """

    images: Path
    table: Any
    id_column: str | None
    target_column: str | None
    numbers: tuple[str, ...]
    missing: tuple[str, ...]
    counts: bool
    id_map: Any
    classes: str | None
    skip_invalid: bool
    labelling: str | None
    tree: Tree | None
    also: tuple[Dataset, ...]

    @public
    def __init__(
        self,
        images: str | Path,
        table: Any = None,
        *,
        id_column: str | None = None,
        target_column: str | None = None,
        numbers: str | Sequence[str] | None = None,
        missing: Missing = (),
        counts: bool = False,
        id_map: Any = None,
        classes: str | None = None,
        skip_invalid: bool = False,
        labelling: str | None = None,
        tree: Tree | str | Path | None = None,
        also: Dataset | Sequence[Dataset | tuple[str | Path, Any]] = (),
    ) -> None:
        known = None if tree is None else as_tree(tree)
        values = {
            "images": Path(images),
            "table": Path(table)
            if isinstance(table, str | os.PathLike)
            else None
            if table is None
            else as_arrow(table),
            "id_column": id_column,
            "target_column": target_column,
            "numbers": (numbers,) if isinstance(numbers, str) else tuple(numbers or ()),
            "missing": as_missing_values(missing),
            "counts": counts,
            "id_map": as_map(id_map),
            "classes": classes,
            "skip_invalid": skip_invalid,
            "labelling": labelling,
            "tree": known,
            "also": tuple(
                each
                for more in ((also,) if isinstance(also, Dataset) else also)
                for each in (
                    more.tables
                    if isinstance(more, Dataset)
                    else (_beside(known, *more, skip_invalid=skip_invalid),)
                )
            ),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def tables(self) -> tuple[Dataset, ...]:
        """The first table and those beside it, each by itself."""
        return (replace(self, also=()), *self.also) if self.also else (self,)

    @property
    def name(self) -> str:
        """Its name in messages: the file of the table, or the folder of the images."""
        return str(self.images if self.table is None else self.table_path)

    @property
    def table_path(self) -> Path | None:
        """The file of the table; a placeholder for a table in memory, None without a table."""
        return IN_MEMORY if is_table(self.table) else self.table

    @cached_property
    def as_read(self) -> Catalog:
        """The catalog of the first table, read once.

        Raises
        ------
        CatalogError
            The folder or the table cannot be understood, or has no votes on `tree`.
        """
        read = partial(
            read_catalog,
            self.images,
            self.table,
            id_column=self.id_column,
            target_column=self.target_column,
            numbers=self.numbers,
            missing=self.missing,
            counts=self.counts,
            id_map=self.id_map,
            tree=self.tree,
        )
        return read_on_tree(self.tree, self.table, self.target_column, read)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog, with classes in place of votes where a rule (`classes`) derives them."""
        return self.as_read if self.classes is None else derive_classes(self.as_read, self.classes)

    @public
    def validate(
        self, *, workers: int | None = None, progress: Progress = silent
    ) -> ValidationReport:
        """Decode every image of the first table and report all problems (see `validate`).

        Parameters
        ----------
        workers : int, optional
            Images that are decoded at once; by default one for each core.
        progress : Progress

        Raises
        ------
        CatalogError
            As `as_read`.
        """
        from galaxyclass.data.checks.validate import validate

        return validate(self, workers=workers, progress=progress)

    def __len__(self) -> int:
        """Galaxies of the first table."""
        return len(self.as_read)

    def __repr__(self) -> str:
        table = "a folder for each class"
        if is_table(self.table):
            table = f"a table of {counted(self.table.num_rows, 'row')}"
        elif self.table is not None:
            table = short_path(self.table)
        also = f", also {counted(len(self.also), 'more table')}" if self.also else ""
        return summary(f"Dataset of {short_path(self.images)} and {table}{also}")

    def to_json(self) -> dict[str, Any]:
        """The data set as plain data, with absolute paths.

        A table in memory has no path; `with_files` gives it one.

        Raises
        ------
        ArgumentTypeError
            A table is in memory.
        """
        if is_table(self.table) or is_table(self.id_map):
            raise ArgumentTypeError(
                f"{self!r}: a table in memory has no path",
                argument="table" if is_table(self.table) else "id_map",
                wanted="a data set of files",
                hint="`dataset.save_tables(folder)` writes it, and "
                "`dataset.with_files(folder).to_json()` names the file",
            )
        return {
            "images": str(self.images.resolve()),
            "table": None if self.table is None else str(Path(self.table).resolve()),
            "id_column": self.id_column,
            "target_column": self.target_column,
            **({"numbers": list(self.numbers)} if self.numbers else {}),
            **({"missing": list(self.missing)} if self.missing else {}),
            **({"counts": True} if self.counts else {}),
            **({} if self.id_map is None else {"id_map": str(Path(self.id_map).resolve())}),
            "classes": self.classes,
            "skip_invalid": self.skip_invalid,
            "labelling": self.labelling,
            **({} if self.tree is None else {"tree": tree_data(self.tree)}),
            "also": [more.to_json() for more in self.also],
        }

    @property
    def identity(self) -> str:
        """Equal for data sets of the same paths, columns, rules and tables in memory."""
        data = self.with_files(Path(IN_MEMORY.name)).to_json()
        in_memory = [
            table
            for dataset in self.tables
            for table in (dataset.table, dataset.id_map)
            if is_table(table)
        ]
        return json.dumps([data, *map(_digest, in_memory)])

    @classmethod
    @public
    def from_json(cls, data: Mapping[str, Any]) -> Dataset:
        """A data set from the result of `to_json`."""
        tree = None if data.get("tree") is None else parse_tree(data["tree"], "the tree")
        also = [cls.from_json(more) for more in data.get("also", ())]
        return cls(**{**data, "tree": tree, "also": also})

    @public
    def with_files(self, folder: str | Path) -> Dataset:
        """The data set, with tables in memory replaced by the files that `save_tables` writes.

        Nothing is written yet, so that a run can be described before it starts.
        """
        folder = Path(folder)
        files, maps = self._files(folder, "table"), self._files(folder, "map")
        also = tuple(
            replace(more, table=files.get(number, more.table), id_map=maps.get(number, more.id_map))
            for number, more in enumerate(self.also, 2)
        )
        return replace(
            self, table=files.get(1, self.table), id_map=maps.get(1, self.id_map), also=also
        )

    @public
    def save_tables(self, folder: str | Path) -> None:
        """Write the tables in memory to a folder, as parquet: ``table.parquet`` for the first.

        Raises
        ------
        OutputError
            No room on the disk, or no permission.
        """
        import pyarrow.parquet as pq

        for name in ("table", "map"):
            for number, path in self._files(Path(folder), name).items():
                dataset = self.tables[number - 1]
                with writing(path) as temporary:
                    pq.write_table(
                        dataset.table if name == "table" else dataset.id_map,
                        temporary,
                        write_page_checksum=True,
                    )

    def _files(self, folder: Path, name: str) -> dict[int, Path]:
        """The number of each table (or map) in memory, the first being 1, and its file."""
        return {
            number: folder / (f"{name}.parquet" if number == 1 else f"{name}_{number}.parquet")
            for number, dataset in enumerate((self, *self.also), 1)
            if is_table(dataset.table if name == "table" else dataset.id_map)
        }


def _beside(tree: Tree | None, images: str | Path, table: Any, *, skip_invalid: bool) -> Dataset:
    """A further table: of votes on the same tree, or, where it has none of them, of classes."""
    exists = is_table(table) or (table is not None and Path(table).exists())
    if tree is not None and exists and vote_layout(column_names(table), [tree]) is None:
        tree = None
    return Dataset(images, table, skip_invalid=skip_invalid, tree=tree)


def as_dataset(images: Dataset | str | Path, table: Any = None) -> Dataset:
    """A data set as it is, or one of a folder of images and a table.

    Raises
    ------
    CatalogError
        A table beside a data set, which has its own.

    Examples
    --------
    >>> as_dataset("images", "votes.csv")
    <Dataset of images and votes.csv>
    """
    if not isinstance(images, Dataset):
        return Dataset(images, table)
    if table is not None:
        raise CatalogError(
            f"{images!r} has a table already",
            wanted="a Dataset alone, or a folder of images and a table",
            hint="Dataset(images, table, also=[…]) learns from several tables",
        )
    return images


def _digest(table: Any) -> str:
    """BLAKE2b of a pyarrow table, column by column."""
    hasher = hashlib.blake2b(digest_size=16)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    hasher.update(sink.getvalue())
    return hasher.hexdigest()
