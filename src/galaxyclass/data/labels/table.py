"""Labels as the table that a training reads, of a labelling or of its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from galaxyclass.data.labels.log import LabelLog, parse_head, questions_of_head
from galaxyclass.data.labels.questions import CLASS
from galaxyclass.data.tables.content import open_content
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError
from galaxyclass.io.reading import parse_json
from galaxyclass.short import first_few
from galaxyclass.trees.algebra import conditional_from_joint

#: The column of the ids where a file of labels is read as a table.
LABEL_ID = "id"


def label_of(labels: LabelLog, name: str) -> str | None:
    """The answer of most people to the first question; None where there is none, or a tie."""
    return _most_given(labels, labels.complete(name))


def _most_given(labels: LabelLog, people: Mapping[str, Mapping[str, str]]) -> str | None:
    code = labels.questions.questions[0].code
    counts = Counter(given[code] for given in people.values()).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def training_table(labels: LabelLog, id_column: str) -> pa.Table:
    """A table that `galaxyclass.train` reads: a row for each galaxy that somebody labelled.

    Of classes: the class of most people, how many labelled it, and the share of them that agree; a
    galaxy with a tie is left out. Of a tree: the share of people for each answer, as the tree's
    first layout has it, and the number of people.
    """
    done = {name: labels.complete(name) for name in labels.galaxies}
    tree = labels.questions.tree
    if tree is None:
        # Of what was read above: somebody may label at this moment.
        classes = {name: _most_given(labels, people) for name, people in done.items()}
        names = [name for name, found in classes.items() if found is not None]
        counts = [len(done[name]) for name in names]
        same = [
            sum(given[CLASS] == classes[name] for given in done[name].values()) for name in names
        ]
        return pa.table(
            {
                id_column: pa.array(names, pa.string()),
                "class": pa.array([classes[name] for name in names], pa.string()),
                "labels": pa.array(counts, pa.int64()),
                "agreement": pa.array(
                    [part / whole for part, whole in zip(same, counts, strict=True)], pa.float64()
                ),
            }
        )
    names = [name for name, people in done.items() if people]
    joint = np.zeros((len(names), len(tree.codes)))
    for row, name in enumerate(names):
        for given in done[name].values():
            for answer in given.values():
                joint[row, tree.codes.index(answer)] += 1 / len(done[name])
    layout = tree.layouts[0]
    values = joint if layout.kind == "joint" else conditional_from_joint(tree, joint)
    columns = {name: pa.array(values[:, place], from_pandas=True)
               for place, name in enumerate(layout.columns)}  # fmt: skip
    people = pa.array([len(done[name]) for name in names], pa.int64())
    return pa.table({id_column: pa.array(names, pa.string()), **columns, "labels": people})


def unlabelled(labels: LabelLog) -> tuple[Unused, ...]:
    """The galaxies that people looked at and that have no row in `training_table`, and why."""
    known = set(training_table(labels, LABEL_ID)[LABEL_ID].to_pylist())
    ties: list[str] = []
    others: list[str] = []
    for name in labels.galaxies:
        if name not in known:
            (ties if labels.people_of(name) else others).append(name)
    reasons = (
        (ties, "as many people say one thing as another; a further label decides"),
        (others, "nobody gave a whole label: they could not tell, skipped it, or did not finish"),
    )
    return tuple(
        Unused("rows", len(names), first_few(names), why) for names, why in reasons if names
    )


def read_label_log(path: Path) -> LabelLog:
    """Read a file of labels as `galaxyclass.serve` writes it, also while it writes it.

    A last line that is not whole yet is left out.

    Raises
    ------
    CatalogError
        The file is damaged.
    """
    log = None
    with open_content(path) as file:
        for number, line in enumerate(file, start=1):
            if log is not None and is_cut_short(line):
                break
            try:
                if log is None:
                    log = LabelLog(questions_of_head(parse_head(line)))
                else:
                    log.count_line(line)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise damaged_line(path, number, line, error) from None
    assert log is not None, "a file that begins as labels do has a line"
    return log


def is_cut_short(line: bytes) -> bool:
    """Whether a last line was not written to its end."""
    if line.endswith(b"\n"):
        return False
    try:
        parse_json(line)
    except ValueError:
        return True
    return False


def damaged_line(path: Path, number: int, line: bytes, error: Exception) -> CatalogError:
    """The error of a line that is no line of labels."""
    return CatalogError(
        f"{path}: line {number} is damaged",
        wanted="a file of labels, as `galaxyclass serve` writes it",
        got=f"{line[:80].decode('utf-8', 'replace').strip()!r} ({error})",
        hint="mend or remove that line, or choose another file",
    )


def read_label_table(path: Path) -> tuple[pa.Table, tuple[Unused, ...]]:
    """A file of labels as a table: a row for each galaxy with a label; and what has none.

    Raises
    ------
    CatalogError
        The file is damaged.
    """
    log = read_label_log(path)
    return training_table(log, LABEL_ID), unlabelled(log)
