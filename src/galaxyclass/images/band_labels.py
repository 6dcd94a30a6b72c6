"""Whether files are of the bands that they are used as, by what their headers say."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Bands by their wavelength, the shortest first.
_BY_WAVELENGTH = (
    *("fuv", "nuv", "u", "b", "g", "v", "r", "vis", "i", "z", "y", "j", "h", "ks", "k"),
    *("w1", "w2", "w3", "w4"),
)
#: Filters of Hubble and Webb: F606W, F150W.
_NUMBERED = re.compile(r"f(\d{3,4})[a-z]{1,2}\d?")
#: Numbers of Hubble's that are nanometres; beside these, up to 170, its tens of nanometres.
_HUBBLE = frozenset((218, 225, 275, 336, 390, 435, 438, 475, 555, 606, 625, 775, 814, 850))


def wavelength_order(names: Sequence[str]) -> list[int] | None:
    """The places of bands, the shortest wavelength first.

    Parameters
    ----------
    names : sequence of str
        ``g``, ``DECam r``, ``F606W``.

    Returns
    -------
    list of int or None
        None where the wavelength of a band is not known by its name, or two have the same.

    Examples
    --------
    >>> wavelength_order(["z", "r", "g"]), wavelength_order(["F160W", "F606W", "F814W"])
    ([2, 1, 0], [1, 2, 0])
    >>> wavelength_order(["g", "narrow"]) is None
    True
    """
    words = [re.split(r"[^0-9a-z]+", name.casefold()) for name in names]
    numbers = [
        [int(match[1]) for word in each if (match := _NUMBERED.fullmatch(word))] for each in words
    ]
    ranks: list[list[int]]
    if all(numbers):
        hubble = any(number in _HUBBLE for each in numbers for number in each)
        ranks = [
            [10 * number if hubble and number <= 170 else number for number in each]
            for each in numbers
        ]
    else:
        ranks = [
            [_BY_WAVELENGTH.index(word) for word in each if word in _BY_WAVELENGTH]
            for each in words
        ]
    if any(len(each) != 1 for each in ranks) or len({each[0] for each in ranks}) < len(names):
        return None
    return sorted(range(len(names)), key=lambda place: ranks[place])


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
