"""What FITS files hold: their HDUs and the names of bands, as astropy opens them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from galaxyclass.errors import ImageError
from galaxyclass.images.band_labels import same_band
from galaxyclass.workers.process_lock import ProcessLock

#: HDUs of a file that is read as a picture, at most: each has a header that takes a moment.
MOST_HDUS = 1000

#: Python's filters of warnings belong to all threads: one thread at a time changes them.
_WARNINGS = ProcessLock(reentrant=True)


@contextmanager
def astropy_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Collect astropy's warnings: old headers break rules that do not matter here.

    All of FITS is read inside it, in one thread at a time.
    """
    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def hdu_numbers(hdus: Any) -> Iterator[int]:
    """The numbers of the HDUs, each of which is read when it is asked for.

    Raises
    ------
    ImageError
        There are too many.
    """
    number = 0
    while True:
        if number > MOST_HDUS:
            raise ImageError(
                "the FITS file has too many HDUs for a picture",
                wanted=f"at most {MOST_HDUS:,}",
                hint="write the picture into a file of its own",
            )
        try:
            hdus[number]
        except IndexError:
            return
        yield number
        number += 1


def picture_axes(hdu: Any) -> tuple[int, ...]:
    """Lengths of a picture's axes, the slowest first, without those of one element.

    Returns
    -------
    tuple of int
        Two or more; empty where the HDU holds no picture.
    """
    if not getattr(hdu, "is_image", False):
        return ()
    axes = tuple(length for length in hdu.shape if length != 1)
    return axes if len(axes) >= 2 and all(axes) else ()


def is_table_hdu(hdu: Any) -> bool:
    """Whether an HDU is a table."""
    return not getattr(hdu, "is_image", False)


def hdu_name(hdu: Any, number: int) -> str:
    """What messages call an HDU."""
    return f"HDU {number} ({hdu.name})" if hdu.name else f"HDU {number}"


def list_hdus(hdus: Any) -> str:
    """What the HDUs of a file hold, in a line."""
    described = []
    for number in hdu_numbers(hdus):
        hdu = hdus[number]
        kind = "a table" if is_table_hdu(hdu) else " x ".join(map(str, hdu.shape)) or "empty"
        described.append(f"{hdu_name(hdu, number)}: {kind}")
    return "; ".join(described[:6]) or "no HDU"


def find_hdu(hdus: Any, wanted: str | int, path: str = "") -> int:
    """The number of the HDU of a name or number; its picture is what is wanted.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
    wanted : str or int
        EXTNAME, in any case, or a number; 0 is the primary HDU.
    path : str
        Begins the messages, if it is not empty.

    Raises
    ------
    ImageError
        No such HDU, or one without a picture.
    """
    name, prefix = str(wanted).strip(), f"{path}: " if path else ""
    for number in hdu_numbers(hdus):
        if (name.isdecimal() and number == int(name)) or hdus[number].name == name.upper():
            if picture_axes(hdus[number]):
                return number
            raise ImageError(
                f"{prefix}HDU {name} holds no picture",
                argument="hdu",
                wanted="a picture",
                got=list_hdus(hdus),
            )
    raise ImageError(f"{prefix}no HDU {name}", argument="hdu", got=list_hdus(hdus))


def band_names(header: Any, count: int) -> tuple[str, ...]:
    """The bands of a cube or of a single band, where the header names each of them.

    Returns
    -------
    tuple of str
        ``count`` names, all different; empty where the header does not give them.

    Raises
    ------
    ImageError
        BANDS and BAND0, BAND1, … name others.

    Examples
    --------
    >>> band_names({"BANDS": "g, r, z"}, 3), band_names({"BANDS": "grz"}, 3)
    (('g', 'r', 'z'), ('g', 'r', 'z'))
    >>> band_names({"BANDS": "['DECam g', 'DECam r']"}, 2), band_names({"BANDS": "g,r"}, 3)
    (('DECam g', 'DECam r'), ())
    >>> band_names({"BAND0": "u", "BAND1": "g"}, 2), band_names({}, 2)
    (('u', 'g'), ())
    """
    text = str(header.get("BANDS", "")).strip().strip("[](){}")
    # Names may have blanks and hyphens of their own: DECam g, DECam r.
    words = [
        [word.strip(" '\"") for word in re.split(separators, text)]
        for separators in (r"[,;|/+:]", r"[\s,;|/+:]+", r"[\s,;|/+:_-]+")
    ]
    listed = _first_whole([*words, list(text) if text.isalpha() else []], count)
    numbered, *others = (
        _first_whole([_cards(header, keyword, first, count) for first in (0, 1)], count)
        for keyword in ("BAND", "FILTER", "CHAN")
    )
    if listed and numbered and not all(map(same_band, numbered, listed)):
        raise ImageError(
            "the header names the bands in two ways that contradict each other",
            wanted="the same bands in the same order",
            got=f"BANDS {', '.join(listed)}; BAND0 or BAND1 and further {', '.join(numbered)}",
            hint="correct the header (astropy.io.fits.setval, or delval for one of them)",
        )
    if count == 1:
        keywords = ("FILTER", "BAND", "FILTERS")
        others.append(_first_whole([[header.get(keyword)] for keyword in keywords], count))
    return next((names for names in (listed, numbered, *others) if names), ())


def _cards(header: Any, keyword: str, first: int, count: int) -> list[Any]:
    return [header.get(f"{keyword}{first + index}") for index in range(count)]


def _first_whole(candidates: Sequence[Sequence[Any]], count: int) -> tuple[str, ...]:
    """The first candidate that is so many names, all different; empty if none is."""
    for names in candidates:
        if not all(isinstance(name, str) and name.strip() for name in names):
            continue
        stripped = tuple(name.strip() for name in names)
        if len(stripped) == count == len(set(stripped)):
            return stripped
    return ()
