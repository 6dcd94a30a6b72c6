"""Options of the commands that take tiles of a survey, and what is said of the tiles."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options

if TYPE_CHECKING:
    from galaxyclass.progress import Progress
    from galaxyclass.tiles.tile_cutouts import TileCutouts

#: Options that name or describe sources, by the argument of `galaxyclass.open_tiles`.
_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "catalogue": click.option(
        "--catalogue",
        type=click.Path(path_type=Path),
        help="A table of sources with right ascension and declination in degrees. Without it, "
        "sources are found in the tiles (extra astro).",
    ),
    "field": click.option(
        "--field",
        metavar="SIZE",
        help="How much of the sky a cutout shows, its side: '30 arcsec', '64 pixels' of the tile, "
        "or a multiple of a column of radii, '8.48 petroR90_r'. For found sources by default "
        "'8.48 r90', as in Galaxy Zoo 2.",
    ),
    "bands": click.option(
        "--bands",
        metavar="NAME,NAME…",
        callback=options.comma_separated,
        help="The bands to use, the shortest wavelength first; or names for the planes of a cube.",
    ),
    "stretch": options.stretch_option,
    "size": click.option(
        "--size",
        type=click.IntRange(16, 4096),
        default=424,
        show_default=True,
        help="Side of a cutout, pixels; a model sees its middle, as of an image file.",
    ),
    "hdu": options.hdu_option,
    "ra_column": click.option(
        "--ra",
        "ra_column",
        metavar="COLUMN",
        help="The catalogue's column of right ascension; by default found by its UCD or name.",
    ),
    "dec_column": click.option(
        "--dec",
        "dec_column",
        metavar="COLUMN",
        help="The catalogue's column of declination; by default found by its UCD or name.",
    ),
    "id_column": click.option(
        "--id", "id_column", metavar="COLUMN", help="The catalogue's column of ids."
    ),
    "threshold": click.option(
        "--threshold",
        type=click.FloatRange(0.5, 1000),
        default=5.0,
        show_default=True,
        help="For finding sources: brightness above the sky, in units of its noise.",
    ),
    "minimum_area": click.option(
        "--minimum-area",
        type=click.IntRange(1, 1_000_000),
        default=9,
        show_default=True,
        help="For finding sources: the fewest pixels above the threshold.",
    ),
}

#: Those that `predict` has anyway: how images are read, and the column of ids.
_OF_PREDICT = ("bands", "stretch", "hdu", "id_column")


def tiles(*, required: bool) -> Callable[[Any], Any]:
    """The option ``--tiles``."""
    return click.option(
        "--tiles",
        required=required,
        multiple=True,
        metavar="PATH|BAND=PATH…",
        help="FITS files with a WCS, folders or patterns; or a file for each band, with {tile} "
        "where the names of several tiles differ: g=DIR/{tile}_g.fits r=DIR/{tile}_r.fits "
        "i=DIR/{tile}_i.fits.",
    )


def sources(*, alone: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of sources; the command gets them as one mapping, ``sources``.

    Parameters
    ----------
    alone : bool
        With those that `predict` has anyway.
    """
    names = [name for name in _OPTIONS if alone or name not in _OF_PREDICT]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_sources(*arguments: Any, **values: Any) -> Any:
            chosen = {name: values.pop(name) for name in names}
            return command(*arguments, sources=chosen, **values)

        decorated: Callable[..., Any] = with_sources
        for name in reversed(names):
            decorated = _OPTIONS[name](decorated)
        return decorated

    return decorate


def opened(
    tiles: tuple[str, ...],
    sources: Mapping[str, Any],
    reading: Mapping[str, Any] | None,
    id_column: str | None,
    progress: Progress,
    *,
    carry: tuple[str, ...] = (),
) -> TileCutouts:
    """The sources of tiles as images, for a command that reads image files too.

    Parameters
    ----------
    tiles : tuple of str
    sources : mapping
        The options of `sources`.
    reading : mapping, optional
        The options of `options.reading`.
    id_column : str, optional
        Of the catalogue.
    progress : Progress
    carry : tuple of str
        Columns of the catalogue that come along; all by default.
    """
    from galaxyclass.tiles.open_tiles import open_tiles

    return open_tiles(
        tiles, progress=progress, id_column=id_column, carry=carry, **sources, **_of_tiles(reading)
    )


def _of_tiles(reading: Mapping[str, Any] | None) -> dict[str, Any]:
    """How tiles are read, from how images are read."""
    reading = reading or {}
    for name in ("scale", "pixel_scale"):
        if name in reading:
            option = "--" + name.replace("_", "-")
            raise click.UsageError(f"{option}: of tiles, --field says how much of it is shown.")
    stretch = reading.get("stretch")
    if stretch is not None and "limits" in reading:
        from galaxyclass.images.stretch import Stretch

        stretch = Stretch(stretch, limits=reading["limits"])
    bands = tuple(name.strip() for name in reading.get("bands", "").split(",") if name.strip())
    return {"bands": bands, "hdu": reading.get("hdu"), "stretch": stretch}


def require_tiles(
    context: click.Context, tiles: tuple[str, ...], *, by_position: bool = False
) -> None:
    """Refuse options of sources where no tiles are given; a join by position has --ra and --dec."""
    positions = ("ra_column", "dec_column") if by_position else ()
    own = [name for name in _OPTIONS if name not in (*_OF_PREDICT, *positions)]
    refused = [option for name, option in options.stated(context).items() if name in own]
    if refused and not tiles:
        positions_too = "match_radius" in context.params and set(refused) <= {"--ra", "--dec"}
        needed = "--tiles or --match-radius" if positions_too else "--tiles"
        raise click.UsageError(f"{', '.join(refused)}: only with {needed}.")
