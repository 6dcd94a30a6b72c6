"""The roles of a table's columns (pure).

One rule, in the order in which it is applied:

1. **Votes.** The layout of a known tree that names most of the table's columns, provided that
   the table has all the answers of one question at least: three single fractions beside a class
   are not votes. ``target_column`` overrides this: the column that it names is the class.
2. **The id.** The column whose cells match the names of most images, without folder and ending;
   or that holds their paths. ``id_column`` overrides this.
3. **The part** of a split: a column called split, part, subset or the like, of the words train, val
   and test.
4. **The class**, where there are no votes (`galaxyclass.data.catalog.class_columns`): the only
   column called class, label, target or category; columns of flags of which one is set in each
   row; or the only column of text or integers that is neither id nor path, repeats its values, and
   has more than one. Numbers with a fraction, and counts of votes, are not classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.id_map import maps_beside
from galaxyclass.data.catalog.matching import ImageNames, looks_like_paths
from galaxyclass.data.catalog.near_misses import find_near_miss, kind_of_ids
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.data.tables.cells import as_text, can_be_id, is_text
from galaxyclass.errors import CatalogError
from galaxyclass.short import counted, first_few
from galaxyclass.trees.tree import Layout, Tree


@dataclass(frozen=True)
class IdColumn:
    """The id column, and the image of each row: (rows,) int64 index, -1 where there is none."""

    column: str
    image: NDArray[np.int64]
    path_column: str | None
    notes: tuple[Finding, ...]


def vote_layout(
    names: Iterable[str], trees: Sequence[Tree], *, counts: bool = False
) -> tuple[Tree, Layout] | None:
    """The tree and layout with most of the columns, and all answers of one question at least.

    Layouts that predictions can have come before others (`Tree.published`): weighted fractions
    before the counts beside them. Last come those of predictions of a model that learnt counts.
    With ``counts``, only layouts of counts.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> zoo = load_tree("galaxy_zoo_2")
    >>> tree, layout = vote_layout(["id", "Class6.1", "Class6.2"], [zoo])
    >>> layout.name
    'challenge'
    >>> vote_layout(["id", "Class6.1", "Class7.1"], [zoo]) is None
    True
    """
    columns = set(names)
    kinds: tuple[Callable[[Tree], Iterable[Layout]], ...] = (
        lambda tree: tree.layouts,
        lambda tree: tree.published,
        lambda tree: (layout.written for layout in tree.published),
    )
    for layouts_of in kinds:
        best: tuple[int, Tree, Layout] | None = None
        for tree in trees:
            for layout in layouts_of(tree):
                if counts and layout.kind != "counts":
                    continue
                whole = any(columns.issuperset(layout.columns[where]) for where in tree.slices)
                count = len(columns.intersection(layout.columns))
                if whole and (best is None or count > best[0]):
                    best = (count, tree, layout)
        if best is not None:
            return best[1:]
    return None


def lookalikes(names: Iterable[str], layout: Layout) -> dict[str, str | None]:
    """Columns that look like an answer's but are not -> the answer that differs only in case.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> zoo = load_tree("galaxy_zoo_2")
    >>> lookalikes(["Class1.4", "class1.2", "ra"], zoo.layout("challenge"))
    {'Class1.4': None, 'class1.2': 'Class1.2'}
    """
    known = set(layout.columns)
    lower = {name.lower(): name for name in layout.columns}
    start, end = _common_start(layout.columns), _common_start([c[::-1] for c in known])[::-1]
    if not start:  # any name would look like one
        return {
            name: lower[name.lower()]
            for name in names
            if name not in known and name.lower() in lower
        }
    middles = {letter for name in known for letter in name[len(start) : len(name) - len(end)]}
    allowed = "".join(re.escape(letter) for letter in sorted(middles))
    shape = re.compile(f"{re.escape(start)}[{allowed}]+{re.escape(end)}", re.IGNORECASE)
    return {
        name: lower.get(name.lower())
        for name in names
        if name not in known and shape.fullmatch(name)
    }


def _common_start(names: Sequence[str]) -> str:
    """The letters with which all names begin: those of the first and last in the alphabet."""
    first, last = min(names), max(names)
    return next((first[:i] for i, letter in enumerate(first) if last[i : i + 1] != letter), first)


def find_ids(
    table: Any, images: ImageNames, chosen: str | None, source: str, taken: Iterable[str]
) -> IdColumn:
    """The column that names the images, and the image of each row.

    Parameters
    ----------
    table : pyarrow.Table
    images : ImageNames
    chosen : str or None
        The column named by ``id_column``.
    source : str
        The table's file, for messages.
    taken : iterable of str
        Columns that are votes or the class, and so not ids.

    Raises
    ------
    CatalogError
        No column matches, two match equally well but differ, or the chosen one is absent.
    """
    if chosen is not None:
        return _chosen_id(table, images, chosen, source)
    skip = set(taken)
    scores: list[tuple[int, bool, str, NDArray[np.int64]]] = []
    for name in table.column_names:
        if name in skip or not can_be_id(table[name]):
            continue
        text = as_text(table[name])
        paths = looks_like_paths(text)
        image = images.match_paths(text) if paths else images.match_ids(text)
        count = len(np.unique(image[image >= 0]))
        if 2 * count >= (image >= 0).sum() > 0:  # counts may match by accident, repeatedly
            scores.append((count, paths, name, image))
    if not scores:
        raise _no_id(table, images, source)
    # Most images first; an id before a path to the same images; then the table's order.
    scores.sort(key=lambda score: (-score[0], score[1]))
    count, paths, name, image = scores[0]
    notes = []
    for other_count, _, other_name, other_image in scores[1:]:
        if np.array_equal(image, other_image):
            continue
        if other_count == count:
            raise CatalogError(
                f"{source}: two columns match the names of the images equally well",
                got=f"{name!r} and {other_name!r}, {counted(count, 'image')} each, but in "
                "different rows",
                hint=f"name the right one: `id_column={name!r}`",
            )
        if 10 * other_count >= 9 * count and not np.array_equal(
            image[other_image >= 0], other_image[other_image >= 0]
        ):
            notes.append(
                finding(
                    "near_tie",
                    f"column {other_name!r} matches {counted(other_count, 'image')}, the id "
                    f"{name!r} {count:,}",
                    file=source,
                    column=other_name,
                )
            )
    return IdColumn(name, image, name if paths else None, tuple(notes))


def _chosen_id(table: Any, images: ImageNames, chosen: str, source: str) -> IdColumn:
    require_column(table, chosen, source, "id_column")
    if not can_be_id(table[chosen]):
        raise CatalogError(
            f"{source}: column {chosen!r} cannot hold ids",
            wanted="text or integers: a float loses the last digits of a long id",
            got=f"{table[chosen].type}",
            hint="write the column as text or as 64-bit integers",
        )
    text = as_text(table[chosen])
    paths = looks_like_paths(text)
    image = images.match_paths(text) if paths else images.match_ids(text)
    path_column = chosen if paths else None
    if (image < 0).all():  # the images may be named in another column, by their paths
        for name in table.column_names:
            if is_text(table[name]) and looks_like_paths(as_text(table[name])):
                by_path = images.match_paths(as_text(table[name]))
                if (by_path >= 0).sum() > (image >= 0).sum():
                    image, path_column = by_path, name
    if (image < 0).all():
        error = _no_id(table.select([chosen]), images, source)
        error.hint = _hint_other_column(table, images, chosen) or error.hint
        raise error
    return IdColumn(chosen, image, path_column, ())


def _hint_other_column(table: Any, images: ImageNames, chosen: str) -> str | None:
    """The column that names most images, where the chosen one names none."""
    counts = {
        name: int((images.match_ids(as_text(table[name])) >= 0).sum())
        for name in table.column_names
        if name != chosen and can_be_id(table[name])
    }
    best = max(counts, key=lambda name: counts[name], default=chosen)
    if not counts.get(best):
        return None
    return (
        f"column {best!r} matches {counts[best]:,} of {counted(table.num_rows, 'row')} to images: "
        f"`id_column={best!r}`"
    )


def require_column(table: Any, name: str, source: str, argument: str) -> None:
    """Refuse the name of a column that a table does not have.

    Raises
    ------
    CatalogError
    """
    if name in table.column_names:
        return
    like = [column for column in table.column_names if column.casefold() == name.casefold()]
    close = like or get_close_matches(name, table.column_names, n=1)
    raise CatalogError(
        f"{source}: no column {name!r}",
        wanted=f"one of {first_few([repr(column) for column in table.column_names], 12)}",
        argument=argument,
        hint=f"did you mean `{argument}={close[0]!r}`?" if close else f"correct `{argument}`",
    )


def _no_id(table: Any, images: ImageNames, source: str) -> CatalogError:
    columns = [name for name in table.column_names if can_be_id(table[name])][:5]
    cells = {name: example_of(table[name]) for name in columns}
    examples = ", ".join(images.stems[:2].to_pylist())
    problem = f"{source}: no column matches the names of the images"
    got = "; ".join(f"{name}: {cell}" for name, cell in cells.items()) or "only numbers"
    if any(re.fullmatch(r"-?[0-9](\.[0-9]+)?[eE]\+?[0-9]+", cell) for cell in cells.values()):
        hint = (
            "a spreadsheet has turned the ids into rounded numbers, and their last digits are "
            "lost: take the table from its source again"
        )
    elif table.num_columns == 1 and re.search(r"[^\w.+-]", str(table.column_names[0])):
        hint = (
            "what separates the cells is not known, so that each line is one cell: write the table "
            "with commas between them (CSV)"
        )
    elif (miss := find_near_miss(table, images)) is not None:
        got += (
            f"\ncolumn {miss.column!r} differs by {miss.differs}: {miss.matches:,} of "
            f"{counted(miss.cells, 'id')} would match without"
        )
        hint = miss.hint
    else:
        hint = _other_ids(table, images, source, columns)
    return CatalogError(
        problem,
        wanted=f"ids such as {examples} (of {counted(len(images.paths), 'image')})",
        got=got,
        hint=hint,
    )


def _other_ids(table: Any, images: ImageNames, source: str, columns: Sequence[str]) -> str:
    """What to do where the ids of a table are of another kind than the names of the images."""
    for path, count in maps_beside(Path(source), images, table):
        return f"{path.name} joins {counted(count, 'row')} to images: `id_map={str(path)!r}`"
    stems = kind_of_ids(images.stems.slice(0, 2000).to_pylist())
    kinds = []
    for name in columns:
        cells = as_text(table[name]).slice(0, 2000).drop_null().to_pylist()
        kind = kind_of_ids(cells) if cells else ""
        if "digits" in kind and kind != stems:
            kinds.append(f"{name}: {kind}")
    differ = f"the ids are of another kind ({'; '.join(kinds)}; images: {stems})" if kinds else ""
    return (
        (f"{differ}: " if differ else "")
        + "a table that has both names joins them (`id_map`; gz2_filename_mapping.csv for Galaxy "
        "Zoo 2); or `images` is the folder of another table"
    )


def example_of(column: Any) -> str:
    """The first cell of a column that is not empty."""
    valid = column.drop_null()
    return str(valid[0].as_py()) if len(valid) else "only empty cells"
