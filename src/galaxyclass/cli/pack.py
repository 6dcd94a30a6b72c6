"""``galaxyclass pack``: cutouts of all images, made once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options

if TYPE_CHECKING:
    from galaxyclass.images.packs.read import Pack

EPILOG = """\b
Example:
  galaxyclass pack --images sky/images --table sky/votes.csv --recipe notebook
Then `galaxyclass train notebook` with the same images and table finds the pack in the cache
and starts at once."""

_SHOWN = 5


@click.command(epilog=EPILOG)
@options.images_folder
@options.table
@options.id_column
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="The recipe that says what is cut out; the options below change it.",
)
@click.option(
    "--cutout",
    type=click.Choice(["centre", "contour", "object"]),
    help="A square around the centre; the notebook's largest contour; the object at the centre.",
)
@click.option(
    "--frame",
    type=click.IntRange(min=8),
    help="centre: side of the square in pixels of the image; otherwise its shorter side.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 2),
    help="object: sky on each side, as a share of the object's longer side.",
)
@click.option("--size", type=click.IntRange(8, 1024), help="Side of the cutouts, pixels.")
@click.option("--colour", type=click.Choice(["rgb", "grey"]), help="Three channels, or one.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The pack's folder; otherwise a folder in the cache, where training looks for it.",
)
@options.cache
@options.workers
@options.overwrite
@options.as_json
def command(
    *,
    images: Path,
    table: Path | None,
    id_column: str | None,
    recipe: str,
    output: Path | None,
    cache: Path | None,
    workers: int | None,
    overwrite: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Cut and shrink all images once, so that training reads them fast.

    The cutouts go into one file that is mapped into memory. A pack that was interrupted goes on
    where it stopped; one whose images and settings are unchanged is only opened. Images that
    cannot be decoded are listed, and left black.
    """
    from galaxyclass.data.catalog.read import read_catalog
    from galaxyclass.images.packs.write import pack
    from galaxyclass.recipes.preprocessing import Preprocessing
    from galaxyclass.recipes.read import load_recipe

    given = {name: value for name, value in changes.items() if value is not None}
    settings = Preprocessing(**{**load_recipe(recipe).images.model_dump(), **given})
    catalog = read_catalog(images, table, id_column=id_column)
    # The same images in the same order as a training's: the order is part of a pack's identity.
    paths = list(dict.fromkeys(path for path in catalog.paths if path))
    with bars() as progress:
        made = pack(
            paths,
            settings,
            output=output,
            cache=cache,
            workers=workers,
            overwrite=overwrite,
            progress=progress,
        )
    _show(made, as_json)


def _show(made: Pack, as_json: bool) -> None:
    failed = [made.records[row] for row in (~made.valid).nonzero()[0].tolist()]
    if as_json:
        content = {
            "folder": str(made.folder),
            "images": len(made),
            "bytes": made.size_bytes,
            "preprocessing": made.preprocessing.model_dump(),
            "failed": [{"path": record.path, "error": record.error} for record in failed],
        }
        click.echo(json.dumps(content, indent=2))
        return
    size, settings = made.preprocessing.size, made.preprocessing
    click.echo(
        f"{len(made):,} cutouts ({settings.cutout}, {size} x {size} px, {settings.colour}), "
        f"{made.size_bytes / 1e6:,.1f} MB, in {made.folder}"
    )
    if failed:
        what = "1 image" if len(failed) == 1 else f"{len(failed):,} images"
        click.echo(f"{what} that cannot be decoded, black in the pack:")
        for record in failed[:_SHOWN]:
            click.echo("  " + in_options(str(record.error)).replace("\n", "\n  "))
        if len(failed) > _SHOWN:
            click.echo(f"  and {len(failed) - _SHOWN:,} more (--json lists them all)")
