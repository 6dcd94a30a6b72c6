"""Whether files are of the bands that they are used as, by what their headers say."""

from __future__ import annotations

import re
from collections.abc import Sequence


def same_band(name: str, band: str) -> bool:
    """Whether a filter's name is, or has, that of a band.

    Examples
    --------
    >>> [same_band(name, "g") for name in ("G", "DECam g", "sdss_g", "g.MP9401", "gri")]
    [True, True, True, True, False]
    """
    short = band.strip().casefold()
    return name.strip().casefold() == short or short in re.split(r"[^0-9a-z']+", name.casefold())


def doubtful_labels(
    bands: Sequence[str], labels: Sequence[str]
) -> list[tuple[tuple[int, ...], str]]:
    """What headers say against the names that were given to bands.

    Parameters
    ----------
    bands : sequence of str
        What each file is used as.
    labels : sequence of str
        The filter in each file's header; empty where it has none.

    Returns
    -------
    list of ((places,) int, str)
        Each file whose header names another one of the bands, and that label; where there is none,
        the files whose headers have the same label.

    Examples
    --------
    >>> doubtful_labels(["g", "r", "z"], ["DECam r", "DECam g", "z"])
    [((0,), 'DECam r'), ((1,), 'DECam g')]
    >>> doubtful_labels(["g", "r", "z"], ["g", "HSC", "HSC"])
    [((1, 2), 'HSC')]
    """
    swapped: list[tuple[tuple[int, ...], str]] = [
        ((place,), label)
        for place, (band, label) in enumerate(zip(bands, labels, strict=True))
        if not same_band(label, band) and any(same_band(label, other) for other in bands)
    ]
    if swapped:
        return swapped
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        if label.strip():
            places.setdefault(label, []).append(place)
    return [(tuple(found), label) for label, found in places.items() if len(found) > 1]
