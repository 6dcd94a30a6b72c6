"""``galaxyclass map``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import click

from galaxyclass.arguments import MapMethod, replaced_input
from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.io.result_files import plain_json

EPILOG = """\b
Examples:
  galaxyclass predict --images sky/images --output sky.parquet --include embedding
  galaxyclass map sky.parquet --images sky/images --output map.html
  galaxyclass map sky.parquet --images sky/images --colour 4.1 --projection umap --output map.html

PREDICTIONS is a file that `predict --include embedding` has written. OUTPUT is one file that opens
without a network: the galaxies as dots, their pictures under the pointer. Beside it are map.csv,
the coordinates of every galaxy, and map.png, a picture of the map (where matplotlib is installed).

\b
--projection:
  pca   the two directions in which galaxies differ most: quick, always the same, and crowded
  umap  keeps those that look alike together far better; needs `galaxyclass[map]`, and takes
        half a minute for ten thousand galaxies"""


@click.command(cls=Command, epilog=EPILOG)
@options.predictions
@options.output("the page: a file that ends in .html")
@options.images_folder_or_none
@click.option(
    "--projection",
    type=click.Choice(get_args(MapMethod)),
    default="pca",
    show_default=True,
    help="How two coordinates are made of the embedding; see below.",
)
@click.option(
    "--colour",
    metavar="COLUMN",
    help="Colour the galaxies by a column of numbers or classes, or the code of an answer such as "
    "4.1; by default the first of classes, otherwise the first of numbers.",
)
@options.where("Map")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="How many galaxies are mapped at most; of more, this many are drawn at random.",
)
@click.option(
    "--coordinates",
    type=click.Path(path_type=Path),
    help="Where the coordinates are written instead: a name that ends in .csv, .parquet, .fits, "
    ".vot or .ecsv.",
)
@options.seed
@options.overwrite
@options.quote_formulas_option
@options.as_json
def command(
    *,
    predictions: Path,
    output: Path,
    images: Path | None,
    projection: MapMethod,
    colour: str | None,
    where: tuple[str, ...],
    count: int | None,
    coordinates: Path | None,
    seed: int,
    overwrite: bool,
    quote_formulas: bool,
    as_json: bool,
) -> None:
    """Map all galaxies, those that look alike near each other."""
    from galaxyclass.io.journal import job_key
    from galaxyclass.io.output import FilesOutput, require_page
    from galaxyclass.model.writers import require_output
    from galaxyclass.similarity.map_galaxies import map_galaxies

    page, picture = require_page(output), output.with_suffix(".png")
    table = coordinates or output.with_suffix(".csv")
    if replaced_input(table, {"predictions": predictions}):
        raise click.UsageError(
            f"the table of coordinates would replace {predictions}: name another by --coordinates"
        )
    drawn = find_spec("matplotlib") is not None
    require_output(table, overwrite=True, quote_formulas=quote_formulas)
    results = FilesOutput(
        [page, table, *([picture] if drawn else [])],
        job_key(
            "map",
            predictions=predictions,
            projection=projection,
            colour=colour,
            where=where,
            count=count,
            seed=seed,
            images=images,
            quote_formulas=quote_formulas,
        ),
        overwrite,
    )
    results.require_free()
    with bars() as progress:
        galaxies = map_galaxies(
            predictions,
            projection=projection,
            colour=colour,
            where=where,
            count=count,
            seed=seed,
            progress=progress,
        )
        with results.claim():
            galaxies.write(table, overwrite=True, quote_formulas=quote_formulas)
            if drawn:
                from galaxyclass.plots.style import save

                save(galaxies.plot(images), picture)
            notes = galaxies.write_page(
                page, images=images, seed=seed, overwrite=True, progress=progress
            )
    if as_json:
        numbers = {
            "galaxies": len(galaxies),
            "projection": galaxies.method,
            "colour": galaxies.colour,
            "variance": galaxies.variance,
            "kept_neighbours": galaxies.kept if galaxies.kept == galaxies.kept else None,
        }
        echo(plain_json(numbers))
        return
    echo_notes((*galaxies.notes, *notes))
    if not drawn:
        echo(f'no picture {picture}: pip install "galaxyclass[plots]"')
    echo(f"written: {table}" + (f", {picture}" if drawn else ""))
    echo(f"open {page} in a browser ({max(page.stat().st_size / 1e6, 0.1):.1f} MB)")
