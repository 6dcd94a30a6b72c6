"""``galaxyclass pack``: cutouts of all images, made once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.shown import echo
from galaxyclass.io.result_files import plain_json
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.images.packs.read import Pack

EPILOG = """\b
Example:
  galaxyclass pack --images sky/images --table sky/votes.csv --recipe fast

`galaxyclass train fast` with the same images, table and --set images.… then finds the pack in the
cache and starts at once."""

_SHOWN = 5


@click.command(cls=Command, epilog=EPILOG)
@options.images_folder
@options.table
@options.id_column
@click.option(
    "--recipe",
    default="fast",
    show_default=True,
    help="The recipe whose cutouts are made.",
)
@options.settings
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The pack's folder; by default a folder in the cache, where training finds it.",
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
    settings: tuple[str, ...],
    output: Path | None,
    cache: Path | None,
    workers: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Crop and shrink all images once, for fast training.

    A pack holds the cutouts of all images. An interrupted command goes on where it stopped; if
    images and settings are unchanged, nothing is done. Images that cannot be decoded are listed,
    and black in the pack.
    """
    from galaxyclass.data.catalog.read import read_catalog
    from galaxyclass.images.packs.write import pack
    from galaxyclass.recipes.read import as_recipe

    preprocessing = as_recipe(recipe, settings, used=["images."]).images
    catalog = read_catalog(images, table, id_column=id_column)
    # The same images in the same order as a training's: the order is part of a pack's identity.
    paths = list(dict.fromkeys(path for path in catalog.paths if path))
    with bars() as progress:
        packed = pack(
            paths,
            preprocessing,
            output=output,
            cache=cache,
            workers=workers,
            overwrite=overwrite,
            progress=progress,
        )
    _show(packed, as_json)


def _show(packed: Pack, as_json: bool) -> None:
    failed = [packed.records[row] for row in (~packed.valid).nonzero()[0].tolist()]
    if as_json:
        content = {
            "folder": str(packed.folder),
            "images": len(packed),
            "bytes": packed.size_bytes,
            "preprocessing": packed.preprocessing.model_dump(),
            "failed": [{"path": record.path, "error": record.error} for record in failed],
        }
        echo(plain_json(content))
        return
    size, settings = packed.preprocessing.size, packed.preprocessing
    echo(
        f"{counted(len(packed), 'cutout')} ({settings.cutout}, {size} x {size} px, "
        f"{settings.colour}), {packed.size_bytes / 1e6:,.1f} MB, in {packed.folder}"
    )
    if failed:
        count = counted(len(failed), "image")
        echo(f"{count} that cannot be decoded, black in the pack:")
        for record in failed[:_SHOWN]:
            echo("  " + in_options(str(record.error)).replace("\n", "\n  "))
        if len(failed) > _SHOWN:
            echo(f"  and {len(failed) - _SHOWN:,} more (--json lists them all)")
