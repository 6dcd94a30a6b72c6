"""`read_catalog`: from a folder of images and a table to a catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.argument_checks import Missing, as_missing_values
from galaxyclass.arguments import public
from galaxyclass.data.catalog.catalog import Catalog, Ids, row_word
from galaxyclass.data.catalog.class_columns import find_classes
from galaxyclass.data.catalog.classes import read_classes
from galaxyclass.data.catalog.id_map import open_map, with_map
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.number_columns import read_numbers
from galaxyclass.data.catalog.part_words import (
    PART_OF_WORD,
    are_parts,
    find_part_column,
    parts_of_cells,
)
from galaxyclass.data.catalog.parts import is_parted, open_part_tables, tell_apart
from galaxyclass.data.catalog.roles import find_ids, vote_layout
from galaxyclass.data.catalog.table_beside import table_beside
from galaxyclass.data.catalog.unused_columns import explain_unused
from galaxyclass.data.catalog.votes import VoteReader, Votes
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.data.checks.problems import (
    TableRows,
    ambiguities,
    no_target,
    number_problems,
    unread_rows,
    vote_problems,
)
from galaxyclass.data.tables.cells import as_text, is_exact_integers
from galaxyclass.data.tables.content import TABLE_ENDINGS
from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.data.tables.dialect import no_header
from galaxyclass.data.tables.in_memory import is_table, open_in_memory
from galaxyclass.data.tables.tables import open_table, require_table
from galaxyclass.data.unused import Unused, unused_files
from galaxyclass.errors import CatalogError
from galaxyclass.images.band_files import is_pattern
from galaxyclass.images.containers import CONTAINER_ENDINGS, LABEL_ENDING, is_container
from galaxyclass.images.files import IMAGE_SUFFIXES, image_paths, require_paths
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.votes.targets import VoteTargets
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
            "`missing`: of unknown numbers, and no numbers are asked for",
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
        catalog = _from_folders(images, names)
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
    catalog = _from_table(
        names,
        file,
        read_votes,
        _Asked(
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
            f"`{name}`: of a table, and there is none",
            argument=name,
            got=f"only {images}, whose sub-folders would be the classes",
            hint=f"give the table as `table`, or leave `{name}` out",
        )


def _require_one_kind(file: TableFile, **stated: object) -> None:
    asked = [name for name, value in stated.items() if value]
    if len(asked) > 1:
        raise CatalogError(
            f"{file.path}: one table cannot be read for classes, numbers and counts at once",
            argument=asked[-1],
            wanted="one of `target_column`, `numbers` and `counts`",
            got=" and ".join(f"`{name}`" for name in asked),
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


def _from_folders(images: Path, names: ImageNames) -> Catalog:
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
    if any(folders):
        labels = pa.array([each[0] if each else None for each in folders], pa.string())
        targets = read_classes(labels, "class")
    return Catalog(
        ids=Ids("id", np.array(ids, dtype=object), is_exact_integers(pa.array(ids))),
        paths=np.array(names.paths, dtype=object),
        rows=np.zeros(len(ids), dtype=np.int64),
        targets=targets,
        other=None,
        problems=(),
        unlisted=(),
        images=images,
        table=None,
        parts=parts,
    )


def _without_file(name: str) -> str:
    """The path of an image without the file that it is in, such as ``a.zip``."""
    first, _, rest = name.partition("/")
    return rest if rest and first.lower().endswith(CONTAINER_ENDINGS) else name


@dataclass(frozen=True)
class _Matched:
    """The rows of a table that have an id, and the image of each.

    `file` has only these `rows` (None: all rows have one); `path_column` is the column with the
    paths of images, if there is one; `notes` are about ids and lines, `ambiguous` about images.
    """

    file: TableFile
    rows: NDArray[np.int64] | None
    ids: Ids
    paths: NDArray[np.object_]
    unlisted: tuple[str, ...]
    path_column: str | None
    notes: tuple[Finding, ...]
    ambiguous: tuple[Finding, ...]


def _match(
    names: ImageNames, file: TableFile, id_column: str | None, no_ids: Sequence[str]
) -> _Matched:
    """The image of each row of a table."""
    original = file.table
    if file.parts is not None:
        file, id_column = tell_apart(file, names, id_column, no_ids)
    told_apart = file.table is not original
    try:
        id_match = find_ids(file.table, names, id_column, str(file.path), no_ids)
    except CatalogError as error:
        for others in (unused for unused in file.unused if unused.kind == "tables"):
            error.got = f"{error.got or ''}\nnot read: {others.names} ({others.why})".strip()
        raise
    _require_header(file, names, id_match.column)
    text, image = as_text(file.table[id_match.column]), id_match.image
    has_id = pc.is_valid(text).to_numpy()
    notes = (*id_match.notes, *unread_rows(file, has_id, id_match.column))
    rows = None if has_id.all() else np.flatnonzero(has_id)
    if rows is not None:
        file, text, image = file.take(rows), text.take(rows), image[rows]
    # Text in a CSV may be numbers; a text column of parquet was meant to be text.
    numeric = pa.types.is_integer(file.table[id_match.column].type) or row_word(file.path) == "line"
    ids = Ids(
        id_match.column,
        np.array(text.to_pylist(), dtype=object),
        numeric and is_exact_integers(text),
        told_apart,
    )
    by_path = id_match.path_column is not None
    passed_over, ambiguous = ambiguities(
        names,
        image,
        TableRows(file, ids),
        as_text(file.table[id_match.path_column]).to_pylist() if by_path else ids.values,
        paths=by_path,
    )
    unlisted = np.ones(len(names.paths), dtype=bool)
    unlisted[image[image >= 0]] = False
    unlisted[passed_over] = False
    return _Matched(
        file=file,
        rows=rows,
        ids=ids,
        paths=np.array([*names.paths, ""], dtype=object)[image],
        unlisted=tuple(names.paths[index] for index in np.flatnonzero(unlisted).tolist()),
        path_column=id_match.path_column,
        notes=notes,
        ambiguous=tuple(ambiguous),
    )


@dataclass(frozen=True)
class _Asked:
    """What the caller named: the class, or the numbers and what stands for unknown ones."""

    target_column: str | None
    numbers: tuple[str, ...]
    missing: Sequence[str]


def _from_table(
    names: ImageNames,
    file: TableFile,
    votes: Votes | None,
    asked: _Asked,
    *,
    id_column: str | None,
    trees: Sequence[Tree],
) -> Catalog:
    columns = file.table.column_names
    vote_columns = (
        [] if votes is None else [name for name in votes.layout.columns if name in columns]
    )
    stated = [*asked.numbers, *([asked.target_column] if asked.target_column else [])]
    no_ids = stated or vote_columns
    try:
        matched = _match(names, file, id_column, no_ids)
    except CatalogError:
        if not asked.numbers:
            raise
        matched = _match(names, file, id_column, ())  # `read_numbers` refuses the id as a number
    if matched.rows is not None and votes is not None:
        votes = votes.take(matched.rows)
    file, ids, problems = matched.file, matched.ids, list(matched.notes)
    problems += [finding("table_note", note, file=str(file.path)) for note in file.notes]
    table = file.table
    taken = {ids.column, matched.path_column or ids.column, *vote_columns}
    parts, part_column = file.parts, None
    if parts is None and (part_column := find_part_column(table, taken)) is not None:
        parts = parts_of_cells(table[part_column])
        taken.add(part_column)
    found = _find_targets(TableRows(file, ids), votes, asked, taken)
    if votes is not None:
        problems += vote_problems(votes, columns, TableRows(file, ids))
    if found.targets is None:
        problems += no_target(table, taken, str(file.path), trees)
    problems += found.problems
    taken.update(found.columns)
    others = [name for name in table.column_names if name not in taken]
    explained = explain_unused(others, votes, asked.target_column, asked.numbers, trees=trees)
    return Catalog(
        ids=ids,
        paths=matched.paths,
        rows=file.lines,
        targets=found.targets,
        other=table.select(others) if others else None,
        problems=(*problems, *matched.ambiguous),
        unlisted=matched.unlisted,
        images=Path(names.folder),
        table=file.path,
        parts=parts,
        part_column=part_column,
        unused=(*file.unused, *explained),
    )


@dataclass(frozen=True)
class _FoundTargets:
    """The targets of a table, their columns, and what is remarkable in or wrong with them."""

    targets: Targets | None
    columns: Sequence[str] = ()
    problems: Sequence[Finding] = ()


def _find_targets(
    rows: TableRows, votes: Votes | None, asked: _Asked, taken: set[str]
) -> _FoundTargets:
    """Votes where the table has them, else the numbers that are named, else a class."""
    table = rows.file.table
    if votes is not None:
        return _FoundTargets(_vote_targets(votes))
    if asked.numbers:
        measured = read_numbers(table, asked.numbers, asked.missing, taken, rows.source)
        problems = (*measured.notes, *number_problems(measured, rows))
        return _FoundTargets(measured.targets, measured.columns, problems)
    chosen = find_classes(table, taken, asked.target_column, rows.source)
    if chosen is None:
        return _FoundTargets(None)
    return _FoundTargets(chosen.targets, chosen.columns, chosen.notes)


def _vote_targets(votes: Votes) -> VoteTargets | CountTargets:
    if votes.counts is not None:
        return CountTargets(votes.tree, votes.layout, votes.counts, votes.present)
    written = votes.layout.written
    return VoteTargets(
        votes.tree.with_layout(written), written, votes.joint, votes.present, votes.layout
    )


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


def _require_header(file: TableFile, names: ImageNames, id_column: str) -> None:
    """Refuse a table whose id column is called as an image is: its first line is a row."""
    cell = pa.array([id_column], pa.string())
    if row_word(file.path) == "line" and (
        names.match_ids(cell) >= 0 or names.match_paths(cell) >= 0
    ):
        header = list(map(str, file.table.column_names))
        raise no_header(file.path, header, f"{id_column!r} is the name of an image")
