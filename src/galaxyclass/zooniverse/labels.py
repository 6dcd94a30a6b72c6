"""Which question of a tree a task of a Zooniverse workflow is, and which answer a label (pure)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from galaxyclass.trees.tree import Answer, Question, Tree

_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, order=True)
class WorkflowTask:
    """A task of a workflow: its key (``T0``), and what the volunteers read."""

    key: str
    label: str = ""

    @property
    def words(self) -> str:
        """The task for messages."""
        return f"{self.key} {plain(self.label)!r}" if self.label else self.key


@dataclass(frozen=True)
class Matches:
    """Tasks and labels on a tree.

    Attributes
    ----------
    questions : mapping
        WorkflowTask -> index of its question.
    answers : mapping
        (task, label) -> index of its answer on the axis of all answers.
    unmatched : mapping
        WorkflowTask that is no question -> why.
    """

    questions: Mapping[WorkflowTask, int]
    answers: Mapping[tuple[WorkflowTask, str], int]
    unmatched: Mapping[WorkflowTask, str]


def plain(label: str) -> str:
    """A label without Markdown and HTML.

    Examples
    --------
    >>> plain("![smooth.png](https://example.org/smooth.png) **Smooth** &nbsp;")
    'Smooth'
    """
    text = _TAG.sub(" ", _LINK.sub(r"\1", _IMAGE.sub(" ", label)))
    return " ".join(re.sub(r"&\w+;|[*`#]", " ", text).split())


def match_tasks(tree: Tree, labels: Mapping[WorkflowTask, Collection[str]]) -> Matches:
    """Match the tasks of a workflow to the questions of a tree, and their labels to answers.

    A task is the question that names it (``zooniverse = "T0"``), or that has its words, or whose
    answers are all that its labels can be. A label is the answer with that ``zooniverse``, name or
    key; what begins with yes or no is that answer; a whole number counts the answers from 0.

    Parameters
    ----------
    tree : Tree
    labels : mapping
        WorkflowTask -> the labels that volunteers chose.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> tree = load_tree("galaxy_zoo_decals")
    >>> task = WorkflowTask("T4", "How tightly wound do the spiral arms appear?")
    >>> match_tasks(tree, {task: ["Tight arms"]}).answers[task, "Tight arms"]
    16
    """
    questions: dict[WorkflowTask, int] = {}
    unmatched: dict[WorkflowTask, str] = {}
    for task, chosen in labels.items():
        fitting = _fitting(tree, task, chosen)
        if len(fitting) == 1:
            questions[task] = fitting[0]
        elif fitting:
            codes = " or ".join(tree.questions[index].code for index in fitting)
            unmatched[task] = (
                f"could be question {codes}: write zooniverse = {task.key!r} in the right one"
            )
        else:
            unmatched[task] = "no question of the tree"
    answers = {
        (task, label): answer
        for task, question in questions.items()
        for label in labels[task]
        if (answer := _answer(tree, question, label)) is not None
    }
    return Matches(questions, answers, unmatched)


def _fitting(tree: Tree, task: WorkflowTask, chosen: Collection[str]) -> list[int]:
    """The questions that a task could be."""
    named = [i for i, question in enumerate(tree.questions) if question.zooniverse == task.key]
    if named:
        return named
    # A question that names another task is not this one.
    free = [i for i, question in enumerate(tree.questions) if not _is_key(question.zooniverse)]
    words = _folded(task.label)
    by_words = [
        i
        for i in free
        if words
        and words
        in {
            _folded(text)
            for text in (
                tree.questions[i].text,
                tree.questions[i].key,
                tree.questions[i].zooniverse,
            )
        }
    ]
    if by_words:
        return by_words
    texts = [label for label in chosen if _whole_number(label) is None]
    return [i for i in free if texts and all(_answer(tree, i, text) is not None for text in texts)]


def _is_key(text: str) -> bool:
    return re.fullmatch(r"T\d+(\.\d+)*|init", text) is not None


def _answer(tree: Tree, question: int, label: str) -> int | None:
    """The index of the answer that a label is; None where it is none of the question's."""
    start = tree.slices[question].start
    answers = tree.questions[question].answers
    wanted = _folded(label)
    for names in (_zooniverse, _name, _key):
        for index, answer in enumerate(answers):
            if wanted and _folded(names(answer)) == wanted:
                return int(start + index)
    # "Yes - Edge On Disk" is yes.
    for index, answer in enumerate(answers):
        if answer.key in ("yes", "no") and wanted.split(" ")[:1] == [answer.key]:
            return int(start + index)
    counted = _whole_number(label)
    return None if counted is None or counted >= len(answers) else int(start + counted)


def _whole_number(label: str) -> int | None:
    """The number that a label is, where it can count answers."""
    return int(label) if re.fullmatch(r"[0-9]{1,4}", label) else None


def _zooniverse(part: Answer | Question) -> str:
    return part.zooniverse


def _name(answer: Answer) -> str:
    return answer.name


def _key(answer: Answer) -> str:
    return re.sub(r"^a\d+_", "", answer.key)


def _folded(text: str) -> str:
    """Letters and digits alone, so that ``Features or disk?`` is ``features-or-disc``."""
    words = re.sub(r"[\W_]+", " ", plain(text)).casefold().split()
    return " ".join({"disk": "disc", "disks": "discs"}.get(word, word) for word in words)
