"""From a network's outputs to the one number that is explained: an answer, or a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.errors import ArgumentError
from galaxyclass.model.backends.backend import Backend, is_concurrent, natural_batch_size
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.task import Task
from galaxyclass.workers.ordered import ordered_pool

#: From cutouts (n, side, side, channels) uint8 to the predicted share of an answer, (n,) float64.
AnswerOf = Callable[[NDArray[np.uint8]], Doubles]


def require_answer(task: Task, answer: str | None) -> str:
    """Refuse to explain nothing, with all answers that there are.

    Raises
    ------
    ArgumentError
    """
    if answer is not None:
        return answer
    tree = task.decision_tree
    lines = []
    for index, (title, where, _) in enumerate(task.groups):
        words = [word for word, known in zip(
            _words_of(task)[where], task.known_mask[where], strict=True
        ) if known]  # fmt: skip
        question = title if tree is None else tree.questions[index].text
        if words:
            lines.append(f"{', '.join(words)}" + (f"  ({question})" if tree is not None else ""))
    raise ArgumentError(
        "which answer is to be explained?",
        argument="answer",
        wanted="one of\n" + "\n".join(lines),
        hint="give its code or its name as `answer`",
    )


def _words_of(task: Task) -> list[str]:
    """What each output is called in messages."""
    tree = task.decision_tree
    if tree is None:
        return list(task.names)
    return [f"{each.code} {each.name}" for each in tree.answers]


def find_answer(task: Task, answer: str) -> tuple[int, str]:
    """The index of an output, and its name in words.

    Parameters
    ----------
    task : Task
    answer : str
        The code of an answer (``4.1``), its column, or its name where no other has it; or a class.

    Raises
    ------
    ArgumentError
        There is no such answer, several have the name, or the model never learnt it.

    Examples
    --------
    >>> from galaxyclass import load_model
    >>> find_answer(load_model().task, "4.1")
    (7, '4.1 spiral')
    """
    named: dict[str, list[int]] = {}
    words, tree = _words_of(task), task.decision_tree
    for index, name in enumerate(task.names):
        keys = {name.casefold(), words[index].casefold()}
        if tree is not None:
            keys |= {tree.answers[index].code, tree.answers[index].name.casefold()}
        for key in keys:
            named.setdefault(key, []).append(index)
    found = named.get(answer.strip().casefold(), [])
    if len(found) != 1:
        close = get_close_matches(answer.casefold(), named, n=3)
        named_so = [words[index] for index in found] or words
        examples = ", ".join(named_so[:6]) + ", …" * (len(named_so) > 6)
        raise ArgumentError(
            f"several {task.output_word} are called {answer!r}"
            if found
            else f"the model has no answer {answer!r}",
            argument="answer",
            wanted=f"one of {examples}",
            hint=f"did you mean {close[0]!r}?" if close and not found else None,
        )
    if not task.known_mask[found[0]]:
        raise ArgumentError(
            f"the model never learnt {words[found[0]]}",
            argument="answer",
            wanted="an answer that its training table has",
        )
    return found[0], words[found[0]]


@dataclass(frozen=True)
class ExplainedOutput:
    """Which number of a network's outputs is explained.

    Attributes
    ----------
    index : int
    beside : slice or None
        The outputs of whose sum it is the share (`Task.shown_beside`).
    """

    index: int
    beside: slice | None = None

    def of(self, values: Any) -> Any:
        """(n,) the number, from the outputs (n, outputs) of numpy or torch."""
        if self.beside is None:
            return values[:, self.index]
        return values[:, self.index] / values[:, self.beside].sum(1)


def answer_of(
    backend: Backend, preprocessing: Preprocessing, output: ExplainedOutput, workers: int
) -> AnswerOf:
    """A function from cutouts to the predicted share of one answer, computed in batches."""
    size = natural_batch_size(backend, preprocessing)

    def shares(cutouts: NDArray[np.uint8]) -> Doubles:
        def of_batch(start: int) -> Doubles:
            batch = np.ascontiguousarray(cutouts[start : start + size])
            share: Doubles = output.of(backend(batch).values.astype(np.float64))
            return share

        starts: Iterator[int] = iter(range(0, len(cutouts), size))
        if is_concurrent(backend):
            batches = list(ordered_pool(of_batch, starts, workers, backend.begin_thread))
        else:
            batches = list(map(of_batch, starts))
        return np.concatenate([np.empty(0), *batches])

    return shares
