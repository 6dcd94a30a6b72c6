"""``galaxyclass zooniverse``."""

from __future__ import annotations

from pathlib import Path

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command, ManyValues
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

EPILOG = """\b
Examples:
  galaxyclass predict --images sky/images --include strangeness --output predicted.csv
  galaxyclass zooniverse export --images sky/images --table predicted.csv --by uncertain \\
      --count 500 --output subjects
  galaxyclass zooniverse import classifications.csv --tree own.toml --output votes.csv
  galaxyclass train fast --images sky/images --table votes.csv --tree own.toml --output runs/own

Upload the folder of the export (manifest.csv and the pictures) in the project builder; download
the classification export there."""

EXPORT_EPILOG = """\b
Examples:
  galaxyclass zooniverse export --images sky/images --output subjects
  galaxyclass zooniverse export --images sky/images --table predicted.csv --by uncertain \\
      --count 500 --reason "most uncertain" --output subjects"""

IMPORT_EPILOG = """\b
Examples:
  galaxyclass zooniverse import classifications.csv --tree own.toml --output votes.csv
  galaxyclass zooniverse import reductions.csv --subjects subjects.csv --tree own.toml \\
      --retired-only --output votes.csv"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Write subjects for a Zooniverse project, and count its classifications on a tree."""


@command.command("export", cls=ManyValues, epilog=EXPORT_EPILOG)
@click.option(
    "--images",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder of images (searched with its sub-folders), or an image file.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="The galaxies to export, such as a file of predictions; otherwise all images.",
)
@options.output("the subjects: a new folder, which gets manifest.csv and a JPEG for each")
@click.option(
    "--by",
    metavar="COLUMN",
    help="Which galaxies first: uncertain (as `galaxyclass select` calls it), "
    "strange, or the highest of a column.",
)
@click.option("--lowest", is_flag=True, help="The lowest of --by first.")
@click.option("--count", type=click.IntRange(min=1), help="How many galaxies, at most.")
@click.option("--reason", help="Why they were chosen, for the manifest.")
@click.option(
    "--carry",
    multiple=True,
    metavar="COLUMN,COLUMN…|all",
    callback=options.comma_separated,
    help="Columns of the table that are copied into the manifest, hidden from volunteers.",
)
@options.tree
@options.id_column
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    default=424,
    show_default=True,
    help="Longer side of the pictures, pixels.",
)
@options.quote_formulas_option
def export_command(
    *,
    images: Path,
    table: Path | None,
    output: Path,
    by: str | None,
    lowest: bool,
    count: int | None,
    reason: str | None,
    carry: tuple[str, ...],
    tree: str | None,
    id_column: str | None,
    size: int,
    quote_formulas: bool,
) -> None:
    """Write subjects: the pictures, and their manifest.

    The manifest has each file's name and metadata that volunteers do not see: the galaxy's id,
    which model chose it, and why.
    """
    from galaxyclass.zooniverse.export_subjects import export_subjects

    with bars() as progress:
        exported = export_subjects(
            images,
            table,
            output=output,
            by=by,
            lowest=lowest,
            count=count,
            reason=reason,
            carry=carry,
            tree=tree,
            id_column=id_column,
            size=size,
            quote_formulas=quote_formulas,
            progress=progress,
        )
    echo_notes(exported.notes)
    for galaxy, why in exported.failed[:5]:
        echo(f"note: {galaxy}: {why}")
    if len(exported.failed) > 5:
        echo(f"note: {counted(len(exported.failed) - 5, 'more image')} cannot be decoded")
    echo(
        f"{counted(exported.count, 'subject')} in {exported.folder}, listed in {exported.manifest}"
    )


@command.command("import", cls=Command, epilog=IMPORT_EPILOG)
@click.argument("export", metavar="EXPORT", type=click.Path(path_type=Path))
@click.option(
    "--tree",
    required=True,
    metavar="FILE",
    help="The decision tree of the workflow: a TOML file, or the name of a tree that comes with "
    "the package.",
)
@options.output("the votes: a CSV file with a row for each galaxy")
@click.option(
    "--subjects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The subject export, which names the galaxies of reductions.",
)
@click.option(
    "--id",
    "id_column",
    metavar="KEY",
    help="The key of the subjects' metadata that is the galaxy's id; by default id, galaxy_id, "
    "filename or the like.",
)
@click.option("--workflow", metavar="ID", help="The workflow's id or name, of several.")
@click.option("--version", help="Only this version of the workflow, such as 12 or 12.34.")
@click.option("--retired-only", is_flag=True, help="Leave out galaxies that are not retired yet.")
@options.overwrite
@options.quote_formulas_option
def import_command(
    *,
    export: Path,
    tree: str,
    output: Path,
    subjects: Path | None,
    id_column: str | None,
    workflow: str | None,
    version: str | None,
    retired_only: bool,
    overwrite: bool,
    quote_formulas: bool,
) -> None:
    """Count the classifications of EXPORT on a tree.

    EXPORT is the classification export of a project, or question reductions of
    panoptes-aggregation. Of a person's classifications of one galaxy the first counts. Whatever is
    left out is counted, with its reason.
    """
    from galaxyclass.cli.tables import console
    from galaxyclass.zooniverse.import_classifications import import_classifications

    imported = import_classifications(
        export,
        tree=tree,
        output=output,
        subjects=subjects,
        id_column=id_column,
        workflow=workflow,
        version=version,
        retired_only=retired_only,
        overwrite=overwrite,
        quote_formulas=quote_formulas,
    )
    echo_notes(imported.notes)
    if imported.dropped:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        left_out = Table(box=SIMPLE_HEAD, pad_edge=False)
        left_out.add_column("left out", justify="right")
        left_out.add_column("why", overflow="fold")
        for reason, number in imported.dropped:
            left_out.add_row(f"{number:,}", in_options(reason))
        console().print(left_out)
    echo(
        f"{counted(imported.table.num_rows, 'galaxy')} with {counted(imported.votes, 'vote')} of "
        f"{counted(imported.rows, 'row')} in {output}"
    )
