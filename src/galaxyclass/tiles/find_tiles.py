"""Finding tiles: files, folders, and patterns with a file for each band."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyclass.errors import ArgumentError, ImageError
from galaxyclass.images.band_labels import doubtful_labels
from galaxyclass.images.files import FITS_SUFFIXES
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, verb
from galaxyclass.tiles.fits_images import split_hdu
from galaxyclass.tiles.same_sky import require_no_bands
from galaxyclass.tiles.tile import SkyTile, open_tile

#: What stands for the name of a tile in a pattern.
_TILE = "{tile}"
#: In a name of a file between name and band.
_SEPARATORS = "._- "
_BAND = re.compile(r"([A-Za-z][\w]*)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class FoundTiles:
    """The tiles that can be used, and what was left out.

    Attributes
    ----------
    tiles : tuple of SkyTile
    skipped : tuple of (str, str)
        File, or name of the tile, and why it cannot be used.
    notes : tuple of str
        What was read where there was a choice.
    """

    tiles: tuple[SkyTile, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def find_tiles(
    tiles: Any,
    *,
    bands: Sequence[str] = (),
    hdu: str | int | None = None,
    progress: Progress = silent,
) -> FoundTiles:
    """Find tiles and read their headers.

    Parameters
    ----------
    tiles : str, Path, sequence of them, or mapping of str to them
        Files, folders (with their sub-folders) or patterns such as ``tiles/*.fits``: each file is a
        tile. With ``BAND=`` before it (or as a mapping from band to files) a file is one band of a
        tile. The bands of several tiles belong together by ``{tile}`` in the pattern
        (``g=tiles/{tile}_g.fits``), or by the names of the files, which then differ by the band.
    bands : sequence of str
        See `open_tile`.
    hdu : str or int, optional
    progress : Progress

    Raises
    ------
    ImageError
        No tile is left; the reason of the first that was left out.
    ArgumentError
        Some files with a band and some without; a pattern that matches nothing.
    ImageError
        Files of one band that are the bands of one tile, but are not named with them.
    """
    groups, skipped = _groups(tiles)
    opened: list[SkyTile] = []
    errors: list[ImageError] = []
    for number, (name, files) in enumerate(groups.items(), start=1):
        try:
            opened.append(open_tile(name, files, bands=bands, hdu=hdu))
        except ImageError as error:
            errors.append(error)
            skipped.append((files[0][1], error.one_line))
        progress("open tiles", number, len(groups), unit="tiles")
    if not opened:
        if not errors:
            raise ImageError(
                "not one tile is complete",
                got="\n".join(f"{name}: {reason}" for name, reason in skipped[:5]),
            )
        others = f" (and {len(skipped) - 1} more tiles)" if len(skipped) > 1 else ""
        first = errors[0]
        raise ImageError(first.what + others, wanted=first.wanted, got=first.got, hint=first.hint)
    _require_same_bands(opened)
    notes = (*_notes(opened), *require_no_bands(opened))
    return FoundTiles(tuple(opened), tuple(skipped), notes)


def _groups(tiles: Any) -> tuple[dict[str, list[tuple[str, str]]], list[tuple[str, str]]]:
    """The (band, path) of each tile's files by the tile's name; and what was left out."""
    listed = _listed(tiles)
    with_band = [entry for entry in listed if entry[0]]
    if with_band and len(with_band) != len(listed):
        other = next(path for band, path in listed if not band)
        raise ArgumentError(
            "`tiles`: some files are named with their band and some without",
            argument="tiles",
            wanted="BAND=FILE for each, or files alone",
            got=f"{'='.join(with_band[0])} and {other}",
        )
    if with_band:
        return _by_band(listed)
    paths = [path for _, entry in listed for path in _files(entry)]
    names = _unique_names(list(dict.fromkeys(paths)))
    return {name: [("", path)] for path, name in names.items()}, []


def _listed(tiles: Any) -> list[tuple[str, str]]:
    """Each path or pattern that was given, with its band or ""."""
    if isinstance(tiles, Mapping):
        return [
            (str(band), str(path))
            for band, paths in tiles.items()
            for path in ([paths] if isinstance(paths, str | Path) else paths)
        ]
    entries = [tiles] if isinstance(tiles, str | Path) else list(tiles)
    listed = []
    for entry in map(str, entries):
        match = None if Path(entry).exists() else _BAND.fullmatch(entry)
        listed.append((match[1], match[2]) if match else ("", entry))
    return listed


def _files(entry: str) -> list[str]:
    """The files of a path, a folder or a pattern, sorted."""
    path = Path(entry)
    if path.is_dir():
        inside = sorted(str(file) for file in path.rglob("*") if is_fits_name(file.name))
        inside = [name for name in inside if not _is_hidden(Path(name), path)]
        if not inside:
            raise ImageError(
                f"{entry}: no FITS files in this folder or its sub-folders",
                wanted=f"files that end in {', '.join(FITS_SUFFIXES[:5])}",
                hint="check the path of `tiles`",
            )
        return inside
    if path.exists() or split_hdu(entry)[1] is not None:
        return [entry]
    matches = sorted(glob.glob(entry, recursive=True))  # noqa: PTH207 - a pattern from any folder
    if not matches or matches == [entry]:  # the latter: a link that leads nowhere
        raise ImageError(f"{entry}: no such file or folder", hint="check the path of `tiles`")
    return [file for match in matches for file in _files(match)]


def is_fits_name(name: str) -> bool:
    """Whether a file's name ends as that of a FITS file.

    Examples
    --------
    >>> is_fits_name("tile.FITS.fz"), is_fits_name("tile.jpg")
    (True, False)
    """
    return name.lower().endswith(FITS_SUFFIXES)


def _by_band(
    listed: list[tuple[str, str]],
) -> tuple[dict[str, list[tuple[str, str]]], list[tuple[str, str]]]:
    bands = list(dict.fromkeys(band for band, _ in listed))
    named: dict[str, dict[str, str]] = {band: {} for band in bands}
    for band, pattern in listed:
        for tile, path in _matches(band, pattern):
            if tile in named[band]:
                raise ArgumentError(
                    f"two files of band {band} would belong to the tile {tile!r}",
                    argument="tiles",
                    got=f"{named[band][tile]} and {path}",
                    hint="mark the name of the tile in the pattern: "
                    f"`tiles=['{band}=folder/{{tile}}_{band}.fits', …]`",
                )
            named[band][tile] = path
    if all(len(files) == 1 for files in named.values()):  # one tile, whatever its files are called
        name = next(iter(named[bands[0]]))
        return {name: [(band, next(iter(named[band].values()))) for band in bands]}, []
    tiles = sorted({tile for files in named.values() for tile in files})
    groups, skipped = {}, []
    for tile in tiles:
        missing = [band for band in bands if tile not in named[band]]
        if missing:
            has = next(files[tile] for files in named.values() if tile in files)
            skipped.append((has, f"no file of band {', '.join(missing)} for this tile"))
        else:
            groups[tile] = [(band, named[band][tile]) for band in bands]
    return groups, skipped


def _matches(band: str, pattern: str) -> list[tuple[str, str]]:
    """(tile, path) of the files of a band."""
    if _TILE not in pattern:
        return [(_without_band(_stem(path), band), path) for path in _files(pattern)]
    bare, hdu = split_hdu(pattern)
    expression = re.compile(
        ".*".join(map(re.escape, bare.split("*"))).replace(re.escape(_TILE), "(?P<tile>[^/]+?)", 1)
        .replace(re.escape(_TILE), "(?P=tile)")
    )  # fmt: skip
    paths = sorted(glob.glob(bare.replace(_TILE, "*"), recursive=True))  # noqa: PTH207
    matches = [
        (match["tile"], path if hdu is None else f"{path}[{hdu}]")
        for path in paths
        if (match := expression.fullmatch(path)) is not None
    ]
    if not matches:
        raise ImageError(f"{pattern}: no file fits this pattern", hint="check the path of `tiles`")
    return matches


def _without_band(stem: str, band: str) -> str:
    """The name of a tile from that of the file of one of its bands.

    Examples
    --------
    >>> _without_band("sdss_g", "g"), _without_band("R_9813", "R"), _without_band("a-g-1", "g")
    ('sdss', '9813', 'a-1')
    """
    edge = f"[{re.escape(_SEPARATORS)}]"
    parts = re.split(f"(?:^|{edge})band{edge}?{re.escape(band)}(?=$|{edge})", stem)
    if len(parts) == 1:
        parts = re.split(f"(?:^|{edge}){re.escape(band)}(?=$|{edge})", stem)
    return "".join(parts).strip(_SEPARATORS) or stem


def _stem(path: str) -> str:
    name = Path(split_hdu(path)[0]).name
    ending = next((each for each in sorted(FITS_SUFFIXES, key=len, reverse=True)
                   if name.lower().endswith(each)), "")  # fmt: skip
    return name[: len(name) - len(ending)] if ending else name


def _unique_names(paths: list[str]) -> dict[str, str]:
    """Path -> the name of its tile, with folders where two files have the same."""
    stems = [_stem(path) for path in paths]
    counts = Counter(stems)
    names = {
        path: f"{Path(path).parent.name}_{stem}" if counts[stem] > 1 else stem
        for path, stem in zip(paths, stems, strict=True)
    }
    if len(set(names.values())) < len(paths):
        names = {path: f"{index:06}_{stem}" for index, (path, stem) in
                 enumerate(zip(paths, stems, strict=True))}  # fmt: skip
    return names


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _require_same_bands(tiles: list[SkyTile]) -> None:
    """Refuse tiles of different bands: a model sees the same bands everywhere."""
    first = tiles[0]
    for tile in tiles:
        if len(tile.bands) != len(first.bands):
            raise ImageError(
                f"{tile.path}: other bands than {first.path}",
                wanted=_bands_in_words(first.bands),
                got=_bands_in_words(tile.bands),
                hint="give the tiles of each set of bands in a call of their own, or name `bands`",
            )


def _bands_in_words(bands: tuple[str, ...]) -> str:
    """Their number and names; a band without a name is called by its number."""
    if all(band.isdigit() for band in bands):
        return "1 band without a name" if len(bands) == 1 else f"{len(bands)} bands without names"
    return f"{counted(len(bands), 'band')}: {', '.join(bands)}"


def _notes(tiles: list[SkyTile]) -> list[str]:
    notes = []
    several = [tile for tile in tiles if any(image.images > 1 for image in tile.images)]
    if several:
        image = several[0].images[0]
        name = f" {image.hdu_name}" if image.hdu_name else ""
        notes.append(
            f"{counted(len(several), 'tile')} {verb(len(several), 'holds')} further images that "
            f"were not used; HDU {image.hdu}{name} "
            f"of {image.path} was read (choose another with `hdu`)."
        )
    if len(tiles[0].images) > 1:
        notes += _doubtful_filters(tiles[0])
    return notes


def _doubtful_filters(tile: SkyTile) -> list[str]:
    """What speaks against the names that were given to the bands: the headers of their files."""
    notes = []
    images = [tile.images[plane] for plane in tile.planes]
    labels = [str(image.header.get("FILTER", "")).strip() for image in images]
    for places, label in doubtful_labels(tile.bands, labels):
        files = [images[place].path for place in places]
        if len(files) == 1:
            notes.append(
                f"{files[0]} is used as band {tile.bands[places[0]]}, but its header says "
                f"FILTER = {label}."
            )
        else:
            many = "both" if len(files) == 2 else "all"
            notes.append(f"{' and '.join(files)} {many} say FILTER = {label} in their headers.")
    if notes:
        notes[-1] += " Check that the files are the bands that you named."
    return notes
