"""A picture in several files, one for each band, under one path: ``sky/123_{band}.fits``."""

from __future__ import annotations

import glob
import os
import re
import struct
from collections.abc import Mapping, Sequence

from galaxyclass.errors import ArgumentError, CatalogError, ImageError
from galaxyclass.images.band_labels import wavelength_order

#: What stands for the band, and for the galaxy, in a path or a pattern of paths.
BAND, ID = "{band}", "{id}"

#: The first bytes of several files as one.
BANDS_TOGETHER = b"galaxyclass: bands\0"

#: The name of a band in a file's name: a letter, and nothing that separates it from the galaxy's.
_NAME = r"[A-Za-z][^/\\_. -]*"


def has_bands(path: str) -> bool:
    """Whether a path is that of a picture in several files."""
    return BAND in path


def files_of(path: str) -> dict[str, str]:
    """The file of each band, the shortest wavelength first; by name where that is not known.

    Parameters
    ----------
    path : str
        With ``{band}`` in the place of the bands' names.

    Raises
    ------
    ImageError
        There is no such file.
    """
    parse = re.compile(re.escape(path).replace(re.escape(BAND), f"({_NAME})", 1) + "$")
    file_of_band = {}
    for file in glob.glob(glob.escape(path).replace(glob.escape(BAND), "*", 1)):  # noqa: PTH207
        if match := parse.match(file):
            file_of_band[match[1]] = file
    if not file_of_band:
        raise ImageError(f"{path}: no file of any band")
    bands = sorted(file_of_band)
    order = wavelength_order(bands) or range(len(bands))
    return {bands[place]: file_of_band[bands[place]] for place in order}


def expand(pattern: str) -> list[str]:
    """The pictures that a pattern names.

    Parameters
    ----------
    pattern : str
        A path with ``{id}``, ``{band}`` or both: ``sky/{id}_{band}.fits``, ``{band}/{id}.fits``.

    Returns
    -------
    list of str
        A path for each galaxy, sorted; with ``{band}`` where the pattern has it.

    Raises
    ------
    CatalogError
        No file has such a path.
    """
    expression = re.escape(pattern).replace(re.escape(ID), r"(?P<id>[^/\\]+)", 1)
    expression = expression.replace(re.escape(ID), "(?P=id)")
    expression = expression.replace(re.escape(BAND), f"(?P<band>{_NAME})", 1)
    parse = re.compile(expression.replace(re.escape(BAND), "(?P=band)") + "$")
    wild = glob.escape(pattern)
    for part in (ID, BAND):
        wild = wild.replace(glob.escape(part), "*")
    names = set()
    for file in glob.glob(wild):  # noqa: PTH207 - texts, for 10^6 files
        if match := parse.match(file):
            names.add(pattern.replace(ID, match["id"]) if ID in pattern else pattern)
    if not names:
        raise CatalogError(
            f"{pattern}: no file has such a path",
            argument="images",
            wanted="a path in which {id} and {band} stand for the galaxy and the band",
            hint="check the path",
        )
    return sorted(names)


def is_pattern(path: str) -> bool:
    """Whether a path stands for several files."""
    return (ID in path or BAND in path) and not os.path.exists(path)  # noqa: PTH110


def common_pattern(files: Mapping[str, str]) -> str:
    """The pattern with ``{band}`` for the patterns of single bands.

    Parameters
    ----------
    files : mapping of str to str
        Band -> the pattern of its files, with ``{id}``.

    Raises
    ------
    ArgumentError
        The patterns differ by more than the bands' names.

    Examples
    --------
    >>> common_pattern({"g": "sky/{id}_g.fits", "r": "sky/{id}_r.fits"})
    'sky/{id}_{band}.fits'
    """
    choices = []
    for band, pattern in files.items():
        alone = rf"(?<![0-9A-Za-z]){re.escape(band)}(?![0-9A-Za-z])"
        choices.append(
            {
                pattern[: match.start()] + BAND + pattern[match.end() :]
                for match in re.finditer(alone, pattern)
            }
        )
    common = set.intersection(*choices) if choices else set()
    if common:
        return min(common)
    raise ArgumentError(
        "the files of the bands differ by more than the name of the band",
        argument="bands",
        wanted="such as g=sky/{id}_g.fits,r=sky/{id}_r.fits",
        got=", ".join(f"{band}={pattern}" for band, pattern in files.items()),
    )


def join_files(contents: Mapping[str, bytes]) -> bytes:
    """Files of several bands as the bytes of one picture.

    Examples
    --------
    >>> split_files(join_files({"g": b"1", "r": b"22"}))
    {'g': b'1', 'r': b'22'}
    """
    parts: list[bytes] = [BANDS_TOGETHER]
    for band, content in contents.items():
        name = os.fsencode(band)
        parts += [struct.pack("<HQ", len(name), len(content)), name, content]
    return b"".join(parts)


def split_files(data: bytes) -> dict[str, bytes]:
    """The files that `join_files` joined."""
    contents, offset = {}, len(BANDS_TOGETHER)
    while offset < len(data):
        name_length, length = struct.unpack_from("<HQ", data, offset)
        offset += struct.calcsize("<HQ")
        name = os.fsdecode(data[offset : offset + name_length])
        offset += name_length
        contents[name] = data[offset : offset + length]
        offset += length
    return contents


def require_bands(present: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a picture without the file of a band.

    Raises
    ------
    ImageError
    """
    missing = [band for band in wanted if band not in present]
    if missing:
        raise ImageError(
            f"no file of the band {', '.join(missing)}",
            wanted=f"the bands {', '.join(wanted)}",
            got=", ".join(present),
        )
