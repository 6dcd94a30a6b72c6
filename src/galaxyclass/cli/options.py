"""Options that several commands share, with one meaning and one wording."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any] | click.Command)


class ManyValues(click.Command):
    """A command whose options marked ``multiple`` take several values after one name.

    ``--images a.jpg b.jpg`` is read as ``--images a.jpg --images b.jpg``, so that a shell's
    ``--images *.jpg`` works.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        many = {
            name
            for parameter in self.params
            if isinstance(parameter, click.Option) and parameter.multiple
            for name in parameter.opts
        }
        spread: list[str] = []
        current, values = "", 0
        for argument in args:
            if argument.startswith("-") and len(argument) > 1:
                current, values = (argument if argument in many else ""), 0
            elif current:
                values += 1
                if values > 1:
                    spread.append(current)
            spread.append(argument)
        return super().parse_args(ctx, spread)


images = click.option(
    "--images",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of images (searched with its sub-folders), or image files.",
)
images_folder = click.option(
    "--images",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder of the images (searched with its sub-folders).",
)
images_folder_or_none = click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="The folder of the images (searched with its sub-folders).",
)
table = click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="A table with a row per galaxy (CSV of any kind, FITS, VOTable, ECSV, parquet, HDF5, "
    "Excel; also compressed): an id (or path) column, and votes or a class; or a folder with "
    "train.csv, val.csv and test.csv. Without it, each sub-folder of --images is a class.",
)
table_to_carry = click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="A catalogue of these galaxies, of any format, whose columns are copied beside the "
    "predictions: joined by id or path of image, or by position (--match-radius).",
)
id_column = click.option(
    "--id",
    "id_column",
    metavar="COLUMN",
    help="The id column of the table; by default the one that matches the image file names.",
)
target_column = click.option(
    "--target",
    "target_column",
    metavar="COLUMN",
    help="The class column of the table, if several columns could hold classes.",
)
id_map = click.option(
    "--map",
    "id_map",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A table that names each galaxy by the ids of --table and by its image, where these "
    "differ: for Galaxy Zoo 2, gz2_filename_mapping.csv.",
)
skip_invalid = click.option(
    "--skip-invalid", is_flag=True, help="Leave out galaxies with errors, and list them."
)
classes = click.option(
    "--classes",
    metavar="RULE",
    help="Train on classes made from vote fractions: five (round, in between, cigar, edge-on, "
    "spiral), or argmax:QUESTION for the leading answer to a question, for instance argmax:1.",
)


def _mirror_settings(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> list[str]:
    """The values of --mirror-pairs as settings of the recipe."""
    if "none" in values:
        if len(values) > 1:
            raise click.BadParameter("none stands alone")
        return ["augmentation.flip=none"]
    invalid = [value for value in values if ":" not in value]
    if invalid:
        raise click.BadParameter(f"{invalid[0]!r} is not A:B or none")
    return [f"augmentation.mirror_pairs={list(values)}"] if values else []


mirror_pairs = click.option(
    "--mirror-pairs",
    multiple=True,
    metavar="A:B",
    callback=_mirror_settings,
    help="Two classes that swap in a mirror image, for instance clockwise:anticlockwise; "
    "repeatable. none: train without mirror images.",
)
settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Change a setting of the recipe, for instance training.epochs=40; repeatable. "
    "`galaxyclass recipes NAME` lists the settings.",
)
seed = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Random seed."
)
device = click.option(
    "--device",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    help="Where the network runs; auto is a GPU if there is one.",
)
workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Cores to use, each of which decodes images; all by default.",
)
batch_size = click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Images that the network gets at once; lower it if memory runs out.",
)
cache = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    envvar="GALAXYCLASS_CACHE",
    help="Folder for packed images; by default $GALAXYCLASS_CACHE, or the user's cache folder.",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace an existing output.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def output(content: str) -> Callable[[Decorated], Decorated]:
    """The option ``--output``, with what is written there."""
    return click.option(
        "--output",
        required=True,
        type=click.Path(path_type=Path),
        help=f"Where to write {content}.",
    )


also = click.option(
    "--also",
    type=(click.Path(path_type=Path), click.Path(path_type=Path)),
    multiple=True,
    metavar="DIR FILE",
    help="More images with their table to train on: votes on the same tree, even if some answers "
    "are missing, or classes, which become an auxiliary task. Repeatable.",
)


def dataset(*more: Callable[[Any], Any], required: bool = True) -> Callable[[Decorated], Any]:
    """The options that select galaxies; the command gets a ``dataset`` in their place.

    Parameters
    ----------
    *more : options
        Some of `skip_invalid`, `classes`, `also`.
    required : bool
        Whether ``--images`` is required; ``dataset`` is None without it.
    """
    folder = images_folder if required else images_folder_or_none
    selected = (
        folder,
        table,
        id_column,
        target_column,
        id_map,
        *(option for option in _MORE.values() if option in more),
    )

    def decorate(command: Decorated) -> Any:
        names = ["images", "table", "id_column", "target_column", "id_map"]
        names += [name for name, option in _MORE.items() if option in more]

        @functools.wraps(command)
        def with_dataset(*arguments: Any, **values_of_options: Any) -> Any:
            from galaxyclass.data.dataset.dataset import Dataset

            values = {name: values_of_options.pop(name) for name in names}
            built = None if values["images"] is None else Dataset(**values)
            return command(*arguments, dataset=built, **values_of_options)

        decorated: Any = with_dataset
        for option in reversed(selected):
            decorated = option(decorated)
        return decorated

    return decorate


_MORE = {"skip_invalid": skip_invalid, "classes": classes, "also": also}
