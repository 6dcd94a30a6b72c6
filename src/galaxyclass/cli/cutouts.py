"""``galaxyclass cutouts``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options, tile_options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import show_unused
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.tiles.files import CutoutFormat
    from galaxyclass.tiles.write_cutouts import CutoutSummary

EPILOG = """\b
Examples:
  galaxyclass cutouts --tiles tiles/ --catalogue galaxies.csv --field "30 arcsec" --output cut
  galaxyclass cutouts --tiles g=sky/{tile}_g.fits r=sky/{tile}_r.fits i=sky/{tile}_i.fits \\
      --catalogue galaxies.csv --field "8.48 petroR90_r" --output cut
  galaxyclass cutouts --tiles image.fits --output found --image-format fits

Without --catalogue the sources are found in the tiles. OUTPUT gets a folder for each tile with the
cutouts, and cutouts.csv with a row for each: id, file, the catalogue's columns, tile, x, y, missing
(the share of its pixels without data) and flags (edge, gap). What cannot be cut is listed in
cutouts_failed.csv. A stopped job goes on when the same command is given again.

`galaxyclass predict --tiles …` predicts sources without files between."""


@click.command(cls=ManyValues, epilog=EPILOG)
@tile_options.tiles(required=True)
@tile_options.sources(alone=True)
@options.output("the cutouts: a folder, new or empty")
@click.option(
    "--image-format",
    type=click.Choice(["jpg", "png", "fits"]),
    default="jpg",
    show_default=True,
    help="jpg, png: pictures; fits: the tile's own pixels in all bands, with their WCS.",
)
@options.quote_formulas_option
@options.workers
@click.pass_context
def command(
    context: click.Context,
    *,
    tiles: tuple[str, ...],
    sources: dict[str, Any],
    output: Path,
    image_format: CutoutFormat,
    quote_formulas: bool,
    workers: int | None,
) -> None:
    """Cut sources out of FITS tiles: those of a catalogue, or those that are found."""
    from galaxyclass.tiles.open_tiles import open_tiles
    from galaxyclass.tiles.write_cutouts import cutouts, require_folder

    require_folder(output)
    with bars() as progress:
        result = cutouts(
            open_tiles(tiles, progress=progress, **sources),
            output=output,
            image_format=image_format,
            quote_formulas=quote_formulas,
            workers=workers,
            progress=progress,
        )
    stated = options.stated(context)
    unused = [option for name, option in stated.items() if name in ("stretch", "size")]
    if image_format == "fits" and unused:
        echo_notes([f"{' and '.join(unused)}: not used, as FITS files have the tile's own pixels."])
    _show(result)


def _show(result: CutoutSummary) -> None:
    """Print the result."""
    echo_notes(result.notes)
    show_unused(result.unused)
    if result.resumed:
        echo(f"Went on from an earlier call, which had done {counted(result.resumed, 'source')}.")
    fresh = result.cut + result.failed - result.resumed
    speed = f", {fresh / result.seconds:,.0f}/s" if fresh and result.seconds else ""
    echo(f"{counted(result.cut, 'cutout')} in {result.output}{speed}; {result.table} lists them")
    if result.at_edge or result.with_gap:
        echo(
            f"Beyond the edge of a tile: {counted(result.at_edge, 'cutout')}; with gaps: "
            f"{result.with_gap:,}. See the column flags."
        )
    if result.failed:
        echo(f"{result.failed:,} could not be cut; {result.failed_file} lists them")
