"""Classes that are told apart by chance alone, and an encoder that sees no mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.finetuning.beginning import Beginning
from galaxyclass.finetuning.cross_validation import OutOfFold
from galaxyclass.model.backends.probed_backend import see

#: Galaxies whose mirror images are looked at.
_LOOKED_AT = 16
#: Embeddings are the same where they differ by less than this, in units of the differences between
#: galaxies. The pretrained model's differ by 5e-8.
_SAME = 0.05
#: Standard errors to either side, and areas under the ROC curve: below the first, two classes are
#: told apart by chance at best; above the second, they are told apart.
_ERRORS, _BY_CHANCE, _TOLD_APART = 2.0, 0.62, 0.7


@dataclass(frozen=True)
class Separation:
    """How well the galaxies of two classes are told apart.

    Attributes
    ----------
    names : (str, str)
    area : float
        Under the ROC curve: the chance that of a galaxy of each the right one looks more like the
        first class; 0.5 by chance.
    error : float
        The standard error of ``area`` where nothing tells them apart (Mann and Whitney 1947).
    """

    names: tuple[str, str]
    area: float
    error: float

    @property
    def is_by_chance(self) -> bool:
        """Whether they are told apart by chance alone, as far as this can be said."""
        spread = _ERRORS * self.error
        # Below 0.5 is chance, too: of few galaxies, cross-validation predicts the other class.
        return self.area - spread <= 0.5 and max(self.area, 0.5) + spread < _BY_CHANCE

    @property
    def is_clear(self) -> bool:
        """Whether they are told apart."""
        return self.area - _ERRORS * self.error > _TOLD_APART


def separations(out_of_fold: OutOfFold) -> list[Separation]:
    """Each pair of classes, by predictions of galaxies that were not learnt; of others none."""
    from scipy.stats import rankdata

    names, predictions = out_of_fold.task.class_names, out_of_fold.mean
    found = []
    for first, second in combinations(range(len(names)), 2):
        of_first, of_second = (out_of_fold.values == each for each in (first, second))
        counts = int(of_first.sum()), int(of_second.sum())
        if not all(counts):
            continue
        of_either = of_first | of_second
        ranks = rankdata(predictions[of_either, first] - predictions[of_either, second])
        above = ranks[of_first[of_either]].sum() - counts[0] * (counts[0] + 1) / 2
        error = np.sqrt((sum(counts) + 1) / (12 * counts[0] * counts[1]))
        pair = names[first], names[second]
        found.append(Separation(pair, float(above / (counts[0] * counts[1])), float(error)))
    return found


def sees_no_mirror_images(beginning: Beginning, sample: Sample) -> bool:
    """Whether the embedding of an image is that of its mirror image; looks at some galaxies.

    Raises
    ------
    BundleError, DeviceError, MissingExtraError
        As for `galaxyclass.finetuning.embed.embed_galaxies`.
    """
    backend, side = beginning.model.ensemble.backend, beginning.network.preprocessing.size
    cutouts = sample.pack.images[sample.rows[:_LOOKED_AT]]
    features, mirrored = (
        see(backend, np.ascontiguousarray(images), beginning.frames, side)[0].features
        for images in (cutouts, cutouts[:, :, ::-1])
    )
    spread = float(np.std(features - features.mean(axis=0)))
    return float(np.std(features - mirrored)) < _SAME * spread


def mirror_notes(out_of_fold: OutOfFold, beginning: Beginning, sample: Sample) -> list[str]:
    """That no label can teach this encoder two classes, where they may be mirror images.

    Nothing is said unless cross-validation tells the two apart by chance alone, and other pairs of
    classes better, if there are any.

    Parameters
    ----------
    out_of_fold : OutOfFold
    beginning : Beginning
        Whose embedding was learnt from.
    sample : Sample
        Its galaxies.

    Returns
    -------
    list of str
        A sentence, or none.
    """
    pairs = separations(out_of_fold)
    by_chance = [pair for pair in pairs if pair.is_by_chance]
    if not by_chance or not (len(pairs) == 1 or any(pair.is_clear for pair in pairs)):
        return []
    if not sees_no_mirror_images(beginning, sample):
        return []
    words = "; ".join(f"{pair.names[0]!r} and {pair.names[1]!r}" for pair in by_chance)
    return [
        f"Told apart no better than by chance: {words}. If one looks like the mirror image of the "
        f"other, more labels will not help: to {beginning.model.name} an image and its mirror "
        "image are the same."
    ]
