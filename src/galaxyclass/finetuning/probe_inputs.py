"""What a probe is fitted on: what a network says of each galaxy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles


@dataclass(frozen=True)
class ProbeInputs:
    """What a network says of galaxies.

    Attributes
    ----------
    features : (galaxies, features) float64
        The embedding.
    answers : (galaxies, 2 × answers) float64
        `galaxyclass.model.probe.probe_columns` of its own predictions.
    profile : (galaxies, profile) float64
        `galaxyclass.model.brightness_profile.brightness_profile` of the cutouts.
    names : tuple of str
        A name for each answer: its column.
    words : tuple of str
        What each answer says, such as ``ring``.
    """

    features: Doubles
    answers: Doubles
    profile: Doubles
    names: tuple[str, ...]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features)

    def take(self, indices: NDArray[np.int64]) -> ProbeInputs:
        """Some of the galaxies."""
        return ProbeInputs(
            self.features[indices],
            self.answers[indices],
            self.profile[indices],
            self.names,
            self.words,
        )

    def named_like(self, labels: Iterable[str]) -> NDArray[np.int64]:
        """Indices of answers whose words stand in the names of the labels.

        Examples
        --------
        >>> nothing = np.zeros((0, 2))
        >>> inputs = ProbeInputs(nothing, nothing, nothing, ("1.1", "8.1"), ("smooth", "ring"))
        >>> inputs.named_like(["Inner_Ring", "0", "1"]).tolist()
        [1]
        """
        in_labels = {word for label in labels for word in _words_of(label)}
        wanted = [set(_words_of(words)) for words in self.words]
        found = [index for index, words in enumerate(wanted) if words and words <= in_labels]
        return np.array(found, dtype=np.int64)


def _words_of(text: str) -> list[str]:
    """The words of a name in small letters, plurals as singulars: ``Has_Rings`` is has, ring."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return [word.removesuffix("s") if len(word) > 3 else word for word in words]
