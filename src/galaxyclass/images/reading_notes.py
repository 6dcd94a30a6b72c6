"""How pictures are read, told of a few of them: for a folder that is checked or trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from galaxyclass.errors import ImageError
from galaxyclass.images.fast_cutout import read_cutouts
from galaxyclass.recipes.preprocessing import Preprocessing

#: Pictures that are looked at.
_LOOKED_AT = 8

#: Endings of files that mostly leave no choice.
_PLAIN = (".jpg", ".jpeg", ".png")


def reading_notes(paths: Sequence[str], preprocessing: Preprocessing) -> list[str]:
    """Remarks on how pictures are read: HDU, bands, stretch, and what of the files is not used.

    Parameters
    ----------
    paths : sequence of str
        Up to eight of them that are not JPEG or PNG are read, evenly spread.
    preprocessing : Preprocessing

    Returns
    -------
    list of str
        A sentence for each way, with one file for which it holds.
    """
    others = [path for path in paths if not path.lower().endswith(_PLAIN)]
    if not others:
        return []
    count = min(_LOOKED_AT, len(others))
    notes: dict[str, str] = {}
    for index in np.linspace(0, len(others) - 1, count).round().astype(int).tolist():
        counts: Counter[str] = Counter()
        try:
            read_cutouts(others[index], [preprocessing], counts)
        except ImageError as error:
            counts[error.what.removeprefix(f"{others[index]}: ")] += 1
        for note in counts:
            notes.setdefault(note, others[index])
    return [f"Pictures such as {path}: {note}." for note, path in notes.items()]
