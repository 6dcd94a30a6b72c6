"""Options of the commands that take tiles of a survey, and what is said of the tiles."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from galaxyclass.recipes.stretches import STRETCHES

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
        "or a multiple of a column of radii, '8.48 petroR90_r'. Of found sources by default "
        "'8.48 r90', as in Galaxy Zoo 2.",
    ),
    "bands": click.option(
        "--bands",
        metavar="NAME,NAME…",
        help="The bands to use, the shortest wavelength first; or names for the planes of a cube.",
    ),
    "stretch": click.option(
        "--stretch",
        type=click.Choice(STRETCHES),
        help="From brightness to grey level; by default chosen by the bands and their unit.",
    ),
    "size": click.option(
        "--size",
        type=click.IntRange(16, 4096),
        default=424,
        show_default=True,
        help="Side of a cutout's picture, pixels; a model sees its middle, as of a picture file.",
    ),
    "hdu": click.option(
        "--hdu", metavar="NAME|NUMBER", help="The HDU of the image; the first with one by default."
    ),
    "ra_column": click.option(
        "--ra", "ra_column", metavar="COLUMN", help="The catalogue's column of right ascension."
    ),
    "dec_column": click.option(
        "--dec", "dec_column", metavar="COLUMN", help="The catalogue's column of declination."
    ),
    "id_column": click.option(
        "--id", "id_column", metavar="COLUMN", help="The catalogue's column of ids."
    ),
    "threshold": click.option(
        "--threshold",
        type=click.FloatRange(0.5, 1000),
        default=5.0,
        show_default=True,
        help="Of found sources: brightness above the sky, in units of its noise.",
    ),
    "minimum_area": click.option(
        "--minimum-area",
        type=click.IntRange(1, 1_000_000),
        default=9,
        show_default=True,
        help="Of found sources: pixels above the threshold.",
    ),
}

#: Those that `predict` has anyway: how pictures are read, and the column of ids.
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
            if alone:
                chosen["bands"] = _listed(chosen["bands"])
            return command(*arguments, sources=chosen, **values)

        decorated: Callable[..., Any] = with_sources
        for name in reversed(names):
            decorated = _OPTIONS[name](decorated)
        return decorated

    return decorate


def of_tiles(reading: Mapping[str, Any] | None) -> dict[str, Any]:
    """How tiles are read, from how pictures are read."""
    reading = reading or {}
    for name in ("scale", "pixel_scale"):
        if name in reading:
            option = "--" + name.replace("_", "-")
            raise click.UsageError(f"{option}: of tiles, --field says how much of it is shown.")
    stretch = reading.get("stretch")
    if stretch is not None and "limits" in reading:
        from galaxyclass.images.stretch import Stretch

        stretch = Stretch(stretch, limits=reading["limits"])
    return {"bands": _listed(reading.get("bands")), "hdu": reading.get("hdu"), "stretch": stretch}


def _listed(names: Any) -> tuple[str, ...]:
    names = names.split(",") if isinstance(names, str) else names or ()
    return tuple(filter(None, (str(name).strip() for name in names)))


def stated(context: click.Context) -> list[str]:
    """The options of sources that were given on the command line."""
    given = click.core.ParameterSource.COMMANDLINE
    spelled = {"ra_column": "ra", "dec_column": "dec"}
    return [
        "--" + spelled.get(name, name).replace("_", "-")
        for name in _OPTIONS
        if name not in _OF_PREDICT and context.get_parameter_source(name) == given
    ]
