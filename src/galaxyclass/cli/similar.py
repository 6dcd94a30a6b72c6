"""``galaxyclass similar``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.shown import echo
from galaxyclass.io.result_files import plain_json
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.model.options import InferenceOptions
    from galaxyclass.similarity.similar import Neighbours

EPILOG = """\b
Examples:
  galaxyclass predict --images sky/images --output sky.parquet --include embedding
  galaxyclass similar sky.parquet --like 100134
  galaxyclass similar sky.parquet --like 100134 --like 100521 --unlike 100990 --count 50
  galaxyclass similar sky.parquet --like-images mine.jpg --where 'Class4.1 > 0.5' \\
      --output spirals.csv --gallery spirals.png --images sky/images

PREDICTIONS is a file that `predict --include embedding` has written. The first search makes an
index beside it, PREDICTIONS.index; if the file changes, the index is made again. Galaxies are
compared one by one, so that no neighbour is missed.

Similarity is the cosine between the embeddings of two galaxies, about the mean of all: 1 is the
same, 0 as alike as any two. Several galaxies are searched by their mean; the similarity to those of
--unlike is subtracted."""


@click.command(cls=ManyValues, epilog=EPILOG)
@options.predictions
@click.option("--like", multiple=True, metavar="ID", help="A galaxy of the file; repeatable.")
@click.option(
    "--unlike",
    multiple=True,
    metavar="ID",
    help="A galaxy that those found should not look like; repeatable.",
)
@click.option(
    "--like-images",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Images to search by, which need not be in the file; or a folder of them.",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="The model that made the predictions, for --like-images; by default the one that they "
    "name.",
)
@options.where("Find")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many galaxies are found at most.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write the found galaxies with all their columns: a name that ends in .csv, .parquet, "
    ".fits, .vot or .ecsv.",
)
@click.option(
    "--gallery",
    type=click.Path(path_type=Path),
    help="Draw the found galaxies: a name that ends in .png, .svg or .pdf. Needs --images.",
)
@options.images_folder_or_none
@options.inference
@options.overwrite
@options.quote_formulas_option
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    predictions: Path,
    like: tuple[str, ...],
    unlike: tuple[str, ...],
    like_images: tuple[Path, ...],
    model: Path,
    where: tuple[str, ...],
    count: int,
    output: Path | None,
    gallery: Path | None,
    images: Path | None,
    inference: InferenceOptions,
    overwrite: bool,
    quote_formulas: bool,
    as_json: bool,
) -> None:
    """Find galaxies that look like some others."""
    from galaxyclass.io.journal import job_key
    from galaxyclass.io.output import FilesOutput
    from galaxyclass.model.options import InferenceOptions
    from galaxyclass.model.writers import require_output
    from galaxyclass.plots.style import require_figure
    from galaxyclass.similarity.similar import similar

    if (gallery is None) != (images is None):
        raise click.UsageError("--gallery and --images belong together")
    stated = options.stated(context)
    unused = [stated[name] for name in stated if name in (*options.INFERENCE, "model")]
    if unused and not like_images:
        raise click.UsageError(f"{unused[0]} needs --like-images")
    if quote_formulas and output is None:
        raise click.UsageError("--quote-formulas needs --output")
    if overwrite and output is None and gallery is None:
        raise click.UsageError("--overwrite needs --output or --gallery")
    if output is not None:
        require_output(output, overwrite=True, quote_formulas=quote_formulas)
    if gallery is not None:
        require_figure(gallery)
    files = [file for file in (output, gallery) if file is not None]
    key = job_key(
        "similar",
        predictions=predictions,
        like=like,
        unlike=unlike,
        like_images=like_images,
        where=where,
        count=count,
        images=images,
        quote_formulas=quote_formulas,
    )
    results = FilesOutput(files, key, overwrite)
    results.require_free()
    with bars() as progress:
        neighbours = similar(
            predictions,
            like=like,
            unlike=unlike,
            like_images=list(like_images) or None,
            model=model,
            where=where,
            count=count,
            options=None if inference == InferenceOptions() else inference,
            progress=progress,
        )
    with results.claim():
        if output is not None:
            neighbours.write(output, overwrite=True, quote_formulas=quote_formulas)
        if gallery is not None and images is not None:
            from galaxyclass.plots.style import save
            from galaxyclass.similarity.gallery import draw_neighbours

            save(draw_neighbours(neighbours, images), gallery)
    if as_json:
        names = neighbours.table.column_names[:2]
        echo(plain_json(neighbours.table.select(names).to_pylist()))
        return
    _show(neighbours)
    for written in (output, gallery):
        if written is not None:
            echo(f"written: {written}")


def _show(neighbours: Neighbours) -> None:
    width = max((len(str(name)) for name in neighbours.ids), default=2)
    echo(f"{neighbours.table.column_names[0]:<{width}}  similarity")
    for name, similarity in zip(neighbours.ids, neighbours.similarities, strict=True):
        echo(f"{name!s:<{width}}  {similarity:.3f}")
    echo(f"{len(neighbours):,} of {counted(neighbours.searched, 'galaxy')}")
