"""In which order galaxies are shown to be labelled, renewed as labels come in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.selection.choose import best_rows
from galaxyclass.similarity.index import Index
from galaxyclass.tasks.undecided import undecided

log = logging.getLogger(__name__)

#: Galaxies that are put in order at once.
MOST_ORDERED = 5_000
_BLOCK = 65_536


def fit_probe(
    index: Index, labels: Mapping[int, str]
) -> Callable[[], tuple[list[str], NDArray[np.float64]]]:
    """A logistic regression on the vectors of labelled galaxies.

    Parameters
    ----------
    index : Index
    labels : mapping of int to str
        From rows to answers, of two kinds at least.

    Returns
    -------
    callable
        Gives the answers, and their probabilities for all galaxies (galaxies, answers).
    """
    from sklearn.linear_model import LogisticRegression

    rows = np.fromiter(labels, np.int64)
    order = np.argsort(rows)
    vectors = np.asarray(index.vectors[rows[order]])
    answers = np.array(list(labels.values()))[order]
    probe: Any = LogisticRegression(C=10, max_iter=300).fit(vectors, answers)

    def probabilities() -> tuple[list[str], NDArray[np.float64]]:
        blocks = [
            probe.predict_proba(np.asarray(index.vectors[start : start + _BLOCK]))
            for start in range(0, len(index.vectors), _BLOCK)
        ]
        return list(map(str, probe.classes_)), np.concatenate(blocks)

    return probabilities


class LabelOrder:
    """Rows in the order in which they are shown.

    Parameters
    ----------
    index : Index
    first : (rows,) int64
        The order before there are labels.
    allowed : (galaxies,) bool
        Which may be shown.
    wanted : str or None
        The answer that is looked for: its likeliest galaxies come first. None: those that the probe
        is least sure about.
    every : int
        Labels after which the probe is fitted again; 0: never.
    """

    def __init__(
        self,
        index: Index,
        first: NDArray[np.int64],
        allowed: NDArray[np.bool_],
        *,
        wanted: str | None,
        every: int,
    ) -> None:
        self._index, self._allowed = index, allowed
        self._wanted, self._every = wanted, every
        self._order = first
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._fitted = 0
        self._is_given = False

    @property
    def fitted(self) -> int:
        """The number of labels that the order rests on."""
        return self._fitted

    @property
    def wanted(self) -> str | None:
        """The answer that is looked for, if any."""
        return self._wanted

    @property
    def is_renewed(self) -> bool:
        """Whether the order follows the labels at all."""
        return bool(self._every)

    @property
    def allowed(self) -> int:
        """How many galaxies may be shown."""
        return int(self._allowed.sum())

    def rows(self) -> Iterator[int]:
        """The rows in order; those that were not put in order come last, as in the file."""
        order = self._order
        yield from order.tolist()
        ordered = set(order.tolist())
        for row in np.flatnonzero(self._allowed).tolist():
            if row not in ordered:
                yield row

    def is_due(self, labelled: int) -> bool:
        """Whether so many labelled galaxies may be enough to fit the probe again."""
        if self._is_given:
            return False
        return bool(self._every) and labelled >= self._fitted + self._every

    def follow(self, first: NDArray[np.int64], labels: int) -> None:
        """Show some rows before all others, and fit the probe no more, until `unfollow`.

        Parameters
        ----------
        first : (rows,) int64
            In their order.
        labels : int
            On which it rests.
        """
        with self._lock:
            self._is_given = True
        self.wait()
        others = self._order[~np.isin(self._order, first)]
        self._order, self._fitted = np.concatenate([first, others]), labels

    def unfollow(self) -> None:
        """Let the probe renew the order again, from the next label on."""
        with self._lock:
            self._is_given, self._fitted = False, 0

    def renew(self, labels: Mapping[int, str]) -> None:
        """Fit the probe in the background, if there are enough new labels of two kinds."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            if not self.is_due(len(labels)):
                return
            if len(set(labels.values())) < 2:
                return
            self._thread = threading.Thread(
                target=self._renew, args=(dict(labels),), name="probe", daemon=True
            )
            self._thread.start()

    def wait(self) -> None:
        """Wait until the order is renewed."""
        if self._thread is not None:
            self._thread.join()

    def _renew(self, labels: Mapping[int, str]) -> None:
        try:
            answers, probabilities = fit_probe(self._index, labels)()
        except Exception:
            log.exception("the probe could not be fitted: the order stays as it is")
            return
        if self._wanted in answers:
            measure = probabilities[:, answers.index(self._wanted)]
        else:
            measure = undecided(probabilities, [slice(0, len(answers))])
        allowed = self._allowed.copy()
        allowed[list(labels)] = False
        self._order = best_rows(measure, allowed, MOST_ORDERED)
        self._fitted = len(labels)
