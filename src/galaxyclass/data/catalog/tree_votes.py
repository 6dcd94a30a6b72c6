"""Whether a table has votes on the tree that a caller named."""

from __future__ import annotations

from difflib import get_close_matches

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import CatalogError
from galaxyclass.tasks.names import first_few
from galaxyclass.trees.tree import Tree


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
    raise CatalogError(
        f"{source}: no votes on {tree.title}",
        wanted="all answers of one of its questions at least; of the first one these are\n"
        + "\n".join(lines),
        got=(first_few(names) or "only ids and images")
        + "".join(f"\n{each}" for each in close[:3]),
        argument="tree",
        hint="name the columns of the tree's answers by a [[layouts]] in its file, or rename those "
        "of the table",
    )
