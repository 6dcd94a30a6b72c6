"""From the annotations of a classification to pairs of task and label (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from galaxyclass.zooniverse.labels import WorkflowTask

#: Why an annotation has no label, as the reason that it is left out.
NO_ANSWER = "no answer"
SEVERAL = "several answers of one question"
NO_QUESTION = "not a question with answers to choose from (drawn, written or survey)"


def answers_of(annotation: Any) -> Iterator[tuple[WorkflowTask, str | None, str]]:
    """The labels that a volunteer chose in one task, or in the tasks that it is made of.

    Parameters
    ----------
    annotation : mapping
        As a classification export has it: ``task``, ``task_label``, ``value``. The value of a
        combination of tasks is a list of annotations, of a drop-down a list of choices.

    Yields
    ------
    task : WorkflowTask
    label : str or None
    reason : str
        Why there is no label.

    Examples
    --------
    >>> list(answers_of({"task": "T0", "task_label": "A ring?", "value": "Yes"}))
    [(WorkflowTask(key='T0', label='A ring?'), 'Yes', '')]
    """
    if not isinstance(annotation, Mapping) or "task" not in annotation:
        yield WorkflowTask("unknown"), None, NO_QUESTION
        return
    task = WorkflowTask(str(annotation["task"]), str(annotation.get("task_label") or ""))
    value = annotation.get("value")
    if isinstance(value, list) and value and all(_is_annotation(each) for each in value):
        for each in value:
            yield from answers_of(each)
    elif isinstance(value, Mapping) and _is_choice(value):
        yield _of_choice(task, value)
    elif isinstance(value, list) and value and all(_is_choice(each) for each in value):
        yield from (_of_choice(task, each) for each in value)
    else:
        yield task, *_label(value)


def _label(value: Any) -> tuple[str | None, str]:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or value in ([], ""):
        return None, NO_ANSWER
    if isinstance(value, bool):
        return ("Yes" if value else "No"), ""
    if isinstance(value, str | int):
        return str(value), ""
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return None, SEVERAL
    return None, NO_QUESTION


def _is_annotation(value: Any) -> bool:
    return isinstance(value, Mapping) and "task" in value and "value" in value


def _is_choice(value: Any) -> bool:
    """Whether this is the choice of a drop-down."""
    return isinstance(value, Mapping) and ("select_label" in value or "option" in value)


def _of_choice(
    task: WorkflowTask, choice: Mapping[str, Any]
) -> tuple[WorkflowTask, str | None, str]:
    choice_label = str(choice.get("select_label") or "")
    label, reason = _label(choice.get("label", choice.get("value")))
    return (WorkflowTask(task.key, choice_label) if choice_label else task), label, reason
