"""Why columns of a table have no use: other numbers of the same votes, flags, and the rest."""

from __future__ import annotations

from collections.abc import Sequence

from galaxyclass.data.catalog.part_words import PART_COLUMNS
from galaxyclass.data.catalog.votes import Votes
from galaxyclass.data.unused import Unused, unused_columns
from galaxyclass.trees.tree import Tree


def explain_unused(
    others: Sequence[str],
    votes: Votes | None,
    target_column: str | None,
    numbers: Sequence[str],
    trees: Sequence[Tree],
) -> tuple[Unused, ...]:
    """Columns that are neither id, path, part nor target, by the reason why.

    Parameters
    ----------
    others : sequence of str
    votes : Votes or None
        Those that were read.
    target_column : str or None
        The class column that was asked for.
    numbers : sequence of str
        The columns of numbers that were asked for.
    trees : sequence of Tree
        Whose votes are known.
    """
    of_votes = {
        column
        for tree in trees
        for layout in (*tree.layouts, *tree.published)
        for column in layout.columns
    }
    voted = [name for name in others if name in of_votes]
    remaining = [name for name in others if name not in of_votes]
    if votes is not None:
        kind = votes.layout.columns[0]
        why = f"other numbers of votes; those of the kind {kind!r} are read"
    elif target_column is not None:
        why = f"votes; the class column {target_column!r} was asked for"
    elif numbers:
        why = f"votes; numbers such as {numbers[0]!r} were asked for"
    else:
        why = "votes, but not all answers of one question"
    plain = "neither id, path, class nor votes of a known tree"
    parted = [name for name in remaining if name.lower() in PART_COLUMNS and name not in numbers]
    remaining = [name for name in remaining if name not in parted]
    return (
        *unused_columns(voted, why),
        *unused_columns(
            parted, "not the words train, val and test: it does not say what is held out"
        ),
        *unused_columns(
            remaining, "not among the numbers that were asked for" if numbers else plain
        ),
    )
