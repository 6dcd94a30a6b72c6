"""`read_catalog`: from a folder of images and a table to a catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.argument_checks import Missing, as_missing_values
from galaxyclass.arguments import public
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.from_folders import catalog_of_folders
from galaxyclass.data.catalog.from_table import AskedTargets, catalog_of_table
from galaxyclass.data.catalog.id_map import open_map, with_map
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.parts import open_part_tables
from galaxyclass.data.catalog.roles import vote_layout
from galaxyclass.data.catalog.table_beside import table_beside
from galaxyclass.data.catalog.votes import VoteReader
from galaxyclass.data.tables.content import TABLE_ENDINGS
from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.data.tables.in_memory import is_table, open_in_memory
from galaxyclass.data.tables.tables import open_table, require_table
from galaxyclass.data.unused import Unused, unused_files
from galaxyclass.errors import CatalogError
from galaxyclass.images.band_files import is_pattern
from galaxyclass.images.containers import CONTAINER_ENDINGS, LABEL_ENDING, is_container
from galaxyclass.images.files import IMAGE_SUFFIXES, image_paths, require_paths
from galaxyclass.trees.read import TREES, as_tree, load_tree
from galaxyclass.trees.tree import Tree


@public
def read_catalog(
    images: str | Path,
    table: Any = None,
    *,
    id_column: str | None = None,
    target_column: str | None = None,
    numbers: str | Sequence[str] | None = None,
    missing: Missing = (),
    counts: bool = False,
    id_map: Any = None,
    tree: Tree | str | Path | None = None,
) -> Catalog:
    r"""Read a table of galaxies and match it to the images of a folder.

    The role of each column is decided by one rule (see `galaxyclass.data.catalog.roles`): the id is
    the column that matches the images' names; a table with all answers of one question of a known
    tree has vote fractions; otherwise one column of text or integers is the class. A table with
    a few columns of a tree but no whole question (``ring`` beside three fractions) is thus read
    by its class. ``target_column`` and ``numbers`` override the rule. Numbers are never guessed:
    they are read where they are named.

    Parameters
    ----------
    images : str or Path
        A folder, searched with its sub-folders; or a file that holds images: zip, tar, HDF5, or
        parquet as the hubs have it.
    table : str, Path or a table in memory, optional
        A file with a row per galaxy (`open_table`: text of any dialect, FITS, VOTable, ECSV,
        parquet, HDF5, Excel, compressed or not); a pandas, polars, astropy or pyarrow table or a
        mapping of columns, its rows numbered from 1; or a folder that holds train.csv, val.csv and,
        if there is one, test.csv, as contests have them. Without a table, the columns beside the
        images in HDF5 or parquet are the table; otherwise each sub-folder of ``images`` is a class,
        below folders train, val and test if there are such; where there is none, there are no
        targets. A column ``split`` of train, val and test gives the parts of the catalog.
    id_column, target_column : str, optional
        Columns to take as id and as class.
    numbers : str or sequence of str, optional
        Columns of numbers to predict, such as a redshift. Limits or errors beside them (``T_inf``
        and ``T_sup`` of ``T``; ``z_err``) are read too.
    missing : float, str, a sequence or a mapping of them
        Values that stand for unknown numbers, in all columns of ``numbers`` (``-1``) or in some
        (``{"Bar_Length": -1}``, or ``"Bar_Length=-1"``). Empty cells and NaN always do.
    counts : bool
        Read the numbers of votes as they are (``…_count``), not as fractions.
    id_map : str, Path or a table in memory, optional
        A table that names each galaxy by the ids of ``table`` and by its image, where these differ:
        for Galaxy Zoo 2, gz2_filename_mapping.csv.
    tree : Tree, str or Path, optional
        Read votes on this tree only (`load_tree`); otherwise on any that the package ships.

    Returns
    -------
    Catalog
        In the order of the table; rows with problems are kept, and the problems are listed.

    Raises
    ------
    CatalogError
        The folder or table cannot be read, or its columns cannot be told apart.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("587722981748965649.jpeg", "587722982274498694.jpeg"):
    ...     (folder / name).touch()
    >>> table = folder / "labels.csv"
    >>> rows = "587722982274498694,merger\n587722981748965649,edge_on"
    >>> _ = table.write_text("OBJID,class\n" + rows)
    >>> catalog = read_catalog(folder, table)
    >>> catalog.ids.column, catalog.ids.values[0], catalog.targets.classes
    ('OBJID', '587722982274498694', ('edge_on', 'merger'))
    """
    images = Path(images)
    require_sources(images, table)
    others: Counter[str] = Counter()
    paths = image_paths(images, others)
    names = ImageNames(_folder_of(images), paths)
    if table is None:
        table = table_beside(paths)
        if table is not None:
            others.pop(LABEL_ENDING, None)
    if missing not in (None, (), [], {}) and not numbers:
        raise CatalogError(
            "`missing` says which numbers are unknown, and no numbers are asked for",
            argument="missing",
            hint="name their columns in `numbers`",
        )
    if table is None:
        _require_nothing_of_a_table(
            images,
            id_column=id_column,
            target_column=target_column,
            numbers=numbers,
            counts=counts,
            id_map=id_map is not None,
        )
        catalog = catalog_of_folders(images, names)
        return replace(catalog, unused=_other_files(others, None, images))
    trees = [load_tree(name) for name in TREES]
    if tree is not None:
        trees = [_with_published(as_tree(tree), trees)]
    votes = VoteReader(
        lambda columns: (
            None if target_column or numbers else vote_layout(columns, trees, counts=counts)
        ),
        keep=id_column,
        with_counts=counts,
    )
    file = _open(table, votes)
    if id_map is not None:
        file = with_map(file, open_map(id_map), names)
    _require_one_kind(file, target_column=target_column, numbers=numbers, counts=counts)
    read_votes = votes.votes()
    if counts and read_votes is None:
        raise _no_counts(file, trees)
    catalog = catalog_of_table(
        names,
        file,
        read_votes,
        AskedTargets(
            target_column,
            (numbers,) if isinstance(numbers, str) else tuple(numbers or ()),
            as_missing_values(missing),
        ),
        id_column=id_column,
        trees=trees,
    )
    pa.default_memory_pool().release_unused()  # the memory of the table's text
    return replace(catalog, unused=(*catalog.unused, *_other_files(others, file.path, images)))


def _require_nothing_of_a_table(images: Path, **stated: object) -> None:
    """Refuse what is said of a table that there is not.

    Raises
    ------
    CatalogError
    """
    for name in (name for name, value in stated.items() if value):
        raise CatalogError(
            f"`{name}` says how a table is read, and there is no table",
            argument=name,
            got=f"only {images}, whose sub-folders would be the classes",
            hint=f"give the table as `table`, or leave `{name}` out",
        )


def _require_one_kind(file: TableFile, **stated: object) -> None:
    chosen = [name for name, value in stated.items() if value]
    if len(chosen) > 1:
        raise CatalogError(
            f"{file.path}: one table cannot be read for classes, numbers and counts at once",
            argument=chosen[-1],
            wanted="one of `target_column`, `numbers` and `counts`",
            got=" and ".join(f"`{name}`" for name in chosen),
        )


def _with_published(tree: Tree, shipped: Sequence[Tree]) -> Tree:
    """A tree with the layouts of tables that the shipped tree of the same questions has."""
    for known in shipped:
        if known == tree:
            # A model that learnt from counts writes fractions, under the name of the same layout.
            present = {(layout.name, layout.kind) for layout in tree.layouts}
            published = (*known.layouts, *known.published)
            more = [each for each in published if (each.name, each.kind) not in present]
            return replace(tree, published=tuple(more))
    return tree


def _other_files(others: Counter[str], table: Path | None, images: Path) -> tuple[Unused, ...]:
    """The files among the images that are neither images nor the table."""
    if table is not None and table.is_relative_to(images):
        others[table.suffix.lower()] -= 1
    endings = [(ending, count) for ending, count in others.most_common() if count > 0]
    return unused_files(endings, f"among the images, and not read: {_read_endings()}")


def _read_endings() -> str:
    return f"images end in {', '.join(IMAGE_SUFFIXES)}"


def _folder_of(images: Path) -> str:
    """The folder of the images: of a pattern the part before it stands for anything."""
    text = str(images)
    return str(Path(text.partition("{")[0] + "_").parent) if is_pattern(text) else text


def _open(table: Any, votes: VoteReader) -> TableFile:
    if isinstance(table, TableFile):
        return replace(table, table=votes(table.table))
    if is_table(table):
        file = open_in_memory(table)
        return replace(file, table=votes(file.table))
    return (open_part_tables if Path(table).is_dir() else open_table)(Path(table), votes)


def require_sources(images: str | Path, table: Any) -> None:
    """Refuse images that are not a folder, and a missing table, before anything is read.

    Raises
    ------
    CatalogError
    """
    images = Path(images)
    require_paths([images])
    if not images.is_dir() and not is_pattern(str(images)) and not is_container(images):
        raise CatalogError(
            f"{images}: neither a folder nor a file that holds images",
            argument="images",
            wanted=f"the folder of the images of the table, or {', '.join(CONTAINER_ENDINGS)}",
            hint=_hint_of_one_file(images),
        )
    if table is not None and not is_table(table):
        require_table(Path(table))


def _hint_of_one_file(images: Path) -> str:
    """What to do with a file that is given in place of the images of a table."""
    if images.name.lower().endswith((*IMAGE_SUFFIXES, *TABLE_ENDINGS)):
        return "name the folder that the pictures are in; a table of galaxies is given by `table`"
    return "pictures in another archive have to be unpacked first"


def _no_counts(file: TableFile, trees: Sequence[Tree]) -> CatalogError:
    """A table without counts of votes of a known tree."""
    names = file.table.column_names
    examples = [
        layout.columns[0]
        for tree in trees
        for layout in (*tree.layouts, *tree.published)
        if layout.kind == "counts"
    ]
    fractions = vote_layout(names, trees)
    return CatalogError(
        f"{file.path}: no counts of votes of a known tree",
        argument="counts",
        wanted="the counts of all answers of one question, in columns such as "
        + ", ".join(examples[:3]),
        got=", ".join(map(str, names[:8])),
        hint="leave `counts` out: the table has fractions of votes"
        if fractions is not None
        else "`tree` can name a tree of your own, with a layout of the kind counts",
    )
