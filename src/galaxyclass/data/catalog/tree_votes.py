"""Whether a table has votes on the tree that a caller named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.parts import column_names
from galaxyclass.data.catalog.roles import vote_layout
from galaxyclass.data.tables.in_memory import IN_MEMORY
from galaxyclass.errors import CatalogError
from galaxyclass.short import first_few
from galaxyclass.trees.tree import Tree


def read_on_tree(
    tree: Tree | None, table: Any, target_column: str | None, read: Callable[[], Catalog]
) -> Catalog:
    """Read a catalog, and refuse a table that has no votes on the tree that was named for it.

    Parameters
    ----------
    tree : Tree or None
        Where none was named, the catalog is what ``read`` gives.
    table : str, Path, a table in memory, or None
    target_column : str or None
    read : callable
        Without arguments.

    Raises
    ------
    CatalogError
        As ``read``; or the table has no votes on the tree.
    """
    try:
        catalog = read()
    except CatalogError as error:
        if tree is None or target_column is not None or (names := _names_in(table)) is None:
            raise
        if vote_layout(names, [tree]) is not None:
            raise
        source = str(table) if isinstance(table, str | Path) else str(IN_MEMORY)
        raise _no_votes(tree, source, names) from error
    if tree is not None:
        require_votes_on(tree, catalog, target_column)
    return catalog


def _names_in(table: Any) -> list[str] | None:
    """The columns of a table; None where there is none, or it cannot be read."""
    if table is None:
        return None
    try:
        return column_names(table)
    except CatalogError:
        return None


def require_votes_on(tree: Tree, catalog: Catalog, target_column: str | None) -> None:
    """Refuse a table that has no votes on the tree that was named for it.

    Raises
    ------
    CatalogError
        Says which columns the tree asks for, and which of the table's are close to them.
    """
    if catalog.targets is not None and catalog.targets.decision_tree is not None:
        return
    source = catalog.table or catalog.images
    if target_column is not None:
        raise CatalogError(
            f"{source}: its votes are on {tree.title}, or its class is {target_column!r}",
            wanted="votes or a class",
            got="a `tree` and a `target_column`",
            argument="tree",
            hint="leave one of them out",
        )
    names = [] if catalog.other is None else list(catalog.other.column_names)
    raise _no_votes(tree, str(source), names)


def _no_votes(tree: Tree, source: str, names: Sequence[str]) -> CatalogError:
    layouts = (*tree.layouts, *tree.published)
    lines = [
        f"{layout.kind}: {first_few([layout.columns[i] for i in range(*where.indices(999))])}"
        for layout in layouts[:4]
        for where in tree.slices[:1]
    ]
    close = [
        f"{name!r} is close to {match[0]!r}"
        for name in names
        if (
            match := get_close_matches(
                name, [column for layout in layouts for column in layout.columns], n=1, cutoff=0.8
            )
        )
    ]
    return CatalogError(
        f"{source}: no votes on {tree.title}",
        wanted="all answers of one of its questions at least; of the first one these are\n"
        + "\n".join(lines),
        got=(first_few(names) or "only ids and images")
        + "".join(f"\n{each}" for each in close[:3]),
        argument="tree",
        hint="name the columns of the tree's answers by a [[layouts]] in its file, or rename those "
        "of the table",
    )
