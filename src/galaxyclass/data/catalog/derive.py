"""`derive_classes`: classes from votes, by rules that are data."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import CatalogError
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.trees.algebra import conditional_from_joint
from galaxyclass.trees.tree import Tree

log = logging.getLogger(__name__)

#: Class -> answers, and the smallest share of those who were asked that each must have.
Rule = dict[str, tuple[tuple[str, float], ...]]

#: The five classes of Zhu et al. 2019 (Ap&SS 364, 55), table 1, for each tree that has the answers.
FIVE: dict[str, Rule] = {
    "galaxy_zoo_2": {
        "completely_round_smooth": (("1.1", 0.469), ("7.1", 0.5)),
        "in_between_smooth": (("1.1", 0.469), ("7.2", 0.5)),
        "cigar_shaped_smooth": (("1.1", 0.469), ("7.3", 0.5)),
        "edge_on": (("1.2", 0.430), ("2.1", 0.602)),
        "spiral": (("1.2", 0.430), ("2.2", 0.715), ("4.1", 0.619)),
    },
    "galaxy_zoo_decals": {
        "completely_round_smooth": (("1.1", 0.469), ("2.1", 0.5)),
        "in_between_smooth": (("1.1", 0.469), ("2.2", 0.5)),
        "cigar_shaped_smooth": (("1.1", 0.469), ("2.3", 0.5)),
        "edge_on": (("1.2", 0.430), ("3.1", 0.602)),
        "spiral": (("1.2", 0.430), ("3.2", 0.715), ("6.1", 0.619)),
    },
}


def derive_classes(catalog: Catalog, rule: str) -> Catalog:
    """Turn vote fractions into one class each; galaxies in no class, or in two, are left out.

    Parameters
    ----------
    catalog : Catalog
        With vote fractions.
    rule : str
        ``five``: five classes by thresholds on the shares of those who were asked (`FIVE`).
        ``argmax:QUESTION``: the leading answer of a question, by its code or key.

    Returns
    -------
    Catalog
        Of the galaxies that have a class; its target column is ``class``.

    Raises
    ------
    CatalogError
        No vote fractions; no such rule or question; a tree without this rule; fewer than two
        classes are left.
    """
    tree, fractions = require_rule(catalog, rule)
    names, members = _members(tree, fractions, rule)
    labels = np.where(members.sum(axis=1) == 1, members.argmax(axis=1), -1).astype(np.int64)
    has_class = np.flatnonzero(labels >= 0).astype(np.int64)
    present = np.unique(labels[has_class])
    if len(present) < 2:
        raise CatalogError(
            f"`classes={rule!r}`: fewer than two classes among the galaxies of {catalog.table}",
            wanted=", ".join(names),
            got=", ".join(names[index] for index in present) or "none",
        )
    if len(has_class) < len(catalog):
        log.info(
            "`classes=%r`: %d of %d galaxies are in no class, or in two, and are left out",
            rule,
            len(catalog) - len(has_class),
            len(catalog),
        )
    # Classes without a galaxy are dropped: they cannot be learnt.
    classes = ClassTargets(
        "class", tuple(names[i] for i in present), np.searchsorted(present, labels), rule
    )
    return replace(catalog, targets=classes).take(has_class)


def require_rule(catalog: Catalog, rule: str) -> tuple[Tree, NDArray[np.float32]]:
    """Refuse a rule that the votes of a catalog do not have.

    Returns
    -------
    tree : Tree
    fractions : (galaxies, answers) float32
        The joint fractions.

    Raises
    ------
    CatalogError
        No vote fractions; no such question; a tree without this rule.
    """
    targets = catalog.targets
    tree = None if targets is None else targets.decision_tree
    fractions = None if targets is None else targets.joint_fractions
    if tree is None or fractions is None:
        raise CatalogError(
            f"`classes={rule!r}`: {catalog.table or catalog.images} has no vote fractions",
            argument="classes",
            wanted="a table of votes, from which classes can be derived",
            hint="leave `classes` out"
            + ("" if targets is None else ": the table has classes already"),
        )
    if rule != "five":
        _question(tree, rule)
    elif tree.key not in FIVE:
        raise CatalogError(
            f"`classes={rule!r}`: there is no such rule for the tree {tree.title}",
            argument="classes",
            wanted=" or ".join(FIVE),
        )
    return tree, fractions


def _members(
    tree: Tree, fractions: NDArray[np.float32], rule: str
) -> tuple[list[str], NDArray[np.bool_]]:
    """Names of the classes, and (galaxies, classes) bool: which galaxy is in which."""
    shares = conditional_from_joint(tree, fractions)
    if rule == "five":
        thresholds = FIVE[tree.key]
        codes = tree.codes
        columns = []
        for conditions in thresholds.values():
            # An unknown share compares as False.
            met = [shares[:, codes.index(code)] >= least for code, least in conditions]
            columns.append(np.logical_and.reduce(met))
        return list(thresholds), np.stack(columns, axis=1)
    where = _question(tree, rule)
    answers = tree.answers[where]
    leading = shares[:, where]
    known = ~np.isnan(leading).any(axis=1)
    best = np.where(known, np.nan_to_num(leading).argmax(axis=1), -1)
    names = [answer.name.replace(" ", "_") for answer in answers]
    return names, best[:, None] == np.arange(len(names))


def _question(tree: Tree, rule: str) -> slice:
    """The answers of the question whose leading answer is the class."""
    for question, where in zip(tree.questions, tree.slices, strict=True):
        if rule in (f"argmax:{question.code}", f"argmax:{question.key}"):
            return where
    raise CatalogError(
        f"`classes={rule!r}`: no such question in {tree.title}",
        argument="classes",
        wanted=", ".join(f"{question.code} ({question.key})" for question in tree.questions),
    )
