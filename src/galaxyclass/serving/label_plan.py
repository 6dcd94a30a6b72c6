"""`LabelPlan`: what galaxies are labelled as on the page, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyclass.arguments import check_fields
from galaxyclass.data.labels.questions import Questions, questions_of_classes, questions_of_tree
from galaxyclass.errors import ArgumentError
from galaxyclass.short import short_path, summary
from galaxyclass.trees.read import load_tree


@dataclass(frozen=True, eq=False, repr=False)
class LabelPlan:
    """What galaxies are labelled as, in which order, and where the labels are kept.

    Attributes
    ----------
    label : Path
        A file of labels, ``.jsonl``: made where it is missing, gone on with where it is not.
    label_classes : sequence of str
        What galaxies are labelled as: two to nine classes.
    label_tree : str or Path, optional
        Or the questions of a tree; see `load_tree`.
    labelled : str, Path or a table in memory, optional
        Galaxies that have a label already: an id, and one of ``label_classes`` in a column of its
        own. The labels are copied into the file ``label``, as those of a person who is called as
        the table is.
    by, answer, where
        In which order galaxies are labelled, and which, as for `select`; not by ``unlike``.
        ``answer`` may also be one of the classes.
    renew_every : int
        Labels after which a logistic regression is fitted to all, and the order renewed by it: the
        least certain galaxies first, or the likeliest to be ``answer``. 0: never. An order by
        ``strange`` or ``random`` stays as it is.
    repeat : float
        The share of galaxies that a person is shown though another one has labelled them, so that
        their agreement is known.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A value that is not possible, or of another type; both classes and a tree, or neither;
        an answer without ``likely``.

    Examples
    --------
    >>> plan = LabelPlan("rings.jsonl", label_classes=["ring", "no ring"])
    >>> plan, [choice.key for choice in plan.questions().questions[0].choices]
    (<LabelPlan of rings.jsonl>, ['ring', 'no ring'])
    """

    label: str | Path
    label_classes: Sequence[str] = ()
    label_tree: str | Path | None = None
    labelled: Any = None
    by: str = "uncertain"
    answer: str | None = None
    where: Sequence[str] = ()
    renew_every: int = 10
    repeat: float = 0.1

    def __post_init__(self) -> None:
        check_fields(self)
        if bool(self.label_classes) == (self.label_tree is not None):
            raise ArgumentError(
                "what are galaxies labelled as?",
                argument="label_classes",
                wanted="either `label_classes` or `label_tree`",
                got="both" if self.label_classes else "neither",
            )
        if self.answer is not None and self.by != "likely":
            raise ArgumentError(
                f"`answer` means nothing to an order by {self.by!r}",
                argument="answer",
                hint="leave `answer` out, or choose `by='likely'`",
            )
        if self.by == "unlike":
            raise ArgumentError(
                "`by` cannot be 'unlike' while labels come in",
                argument="by",
                wanted="uncertain, likely, strange or random",
            )

    def questions(self) -> Questions:
        """The questions that people answer.

        Raises
        ------
        ArgumentError
            Classes that cannot be labelled.
        TreeError
            The tree cannot be read.
        """
        if self.label_tree is None:
            return questions_of_classes(tuple(self.label_classes))
        return questions_of_tree(load_tree(self.label_tree))

    def __repr__(self) -> str:
        return summary(f"LabelPlan of {short_path(self.label)}")
