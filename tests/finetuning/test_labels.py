"""Tables that cannot be meant are refused with what to do."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyclass.errors import CatalogError
from galaxyclass.finetuning.labels import require_labels
from galaxyclass.tasks.classes.targets import ClassTargets


def targets(labels: list[str]) -> ClassTargets:
    names = tuple(sorted(set(labels)))
    return ClassTargets("kind", names, np.array([names.index(label) for label in labels]))


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        (["a", "b", "a"], "too few labels"),
        (["a"] * 30, "only one class"),
        ([str(number % 24) for number in range(100)], "looks like counts"),
        ([f"galaxy {number}" for number in range(300)], "almost as many values as galaxies"),
    ],
)
def test_refused(labels: list[str], what: str) -> None:
    with pytest.raises(CatalogError, match=what) as caught:
        require_labels(targets(labels), "t.csv")
    assert caught.value.hint


def test_taken() -> None:
    require_labels(targets(["0", "1"] * 10), "t.csv")
    require_labels(targets([str(number % 24) for number in range(24 * 40)]), "t.csv")
