"""Options that several commands share: one meaning, one wording everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any] | click.Command)


class ManyValues(click.Command):
    """A command whose options marked ``multiple`` take several values after one name.

    ``--images a.jpg b.jpg`` is read as ``--images a.jpg --images b.jpg``, so that the shell's
    ``--images *.jpg`` means what it says.
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
    help="CSV or parquet with a row per galaxy: an id (or path) column, and vote fractions or a "
    "class; or a folder with train.csv, val.csv and test.csv. Without it, each sub-folder of "
    "--images is a class.",
)
id_column = click.option(
    "--id",
    "id_column",
    metavar="COLUMN",
    help="The id column; otherwise the one that matches the names of the image files.",
)
target_column = click.option(
    "--target",
    "target_column",
    metavar="COLUMN",
    help="The class column, where the table has several that could be.",
)
skip_invalid = click.option(
    "--skip-invalid", is_flag=True, help="Leave out the galaxies with errors, and list them."
)
classes = click.option(
    "--classes",
    metavar="RULE",
    help="Make classes of the votes: five (round, in between, cigar, edge-on, spiral), or "
    "argmax:QUESTION for the leading answer of a question, for instance argmax:1.",
)


def _mirror_settings(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> list[str]:
    """What --mirror-pairs says, as settings of the recipe."""
    if "none" in values:
        if len(values) > 1:
            raise click.BadParameter("none stands alone")
        return ["augmentation.flip=none"]
    wrong = [value for value in values if ":" not in value]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not A:B or none")
    return [f"augmentation.mirror_pairs={list(values)}"] if values else []


mirror_pairs = click.option(
    "--mirror-pairs",
    multiple=True,
    metavar="A:B",
    callback=_mirror_settings,
    help="Classes that a mirror turns into each other; repeatable. none: train without mirrors.",
)
assignments = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Change a setting of the recipe, for instance training.epochs=40; repeatable.",
)
seed = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Random seed."
)
device = click.option(
    "--device",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    help="Where the network runs; auto takes a GPU where there is one.",
)
workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Cores to use: as many images are decoded at once; all unless told otherwise.",
)
batch_size = click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Images that the network gets at once; lower it where memory runs out.",
)
cache = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    envvar="GALAXYCLASS_CACHE",
    help="Folder for packs; $GALAXYCLASS_CACHE, or the user's cache folder.",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace the output where it exists.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


def output(what: str) -> Callable[[Decorated], Decorated]:
    """The option ``--output``, saying what is written there."""
    return click.option(
        "--output", required=True, type=click.Path(path_type=Path), help=f"Where to write {what}."
    )


also = click.option(
    "--also",
    type=(click.Path(path_type=Path), click.Path(path_type=Path)),
    multiple=True,
    metavar="DIR FILE",
    help="More images with their table, to learn from beside the first: votes on the same tree, "
    "whatever they know of it, or classes, which become an auxiliary output. May be given again.",
)


def dataset(*more: Callable[[Any], Any], required: bool = True) -> Callable[[Decorated], Any]:
    """The options that say which galaxies; the command gets a ``dataset`` in their place.

    Parameters
    ----------
    *more : options
        Some of `skip_invalid`, `classes`, `also`.
    required : bool
        Whether ``--images`` must be given; where it is not, ``dataset`` is None.
    """
    folder = images_folder if required else images_folder_or_none
    chosen = (
        folder,
        table,
        id_column,
        target_column,
        *(option for option in _MORE.values() if option in more),
    )

    def decorate(command: Decorated) -> Any:
        names = ["images", "table", "id_column", "target_column"]
        names += [name for name, option in _MORE.items() if option in more]

        @functools.wraps(command)
        def with_dataset(*arguments: Any, **given: Any) -> Any:
            from galaxyclass.data.dataset.dataset import Dataset

            values = {name: given.pop(name) for name in names}
            made = None if values["images"] is None else Dataset(**values)
            return command(*arguments, dataset=made, **given)

        decorated: Any = with_dataset
        for option in reversed(chosen):
            decorated = option(decorated)
        return decorated

    return decorate


_MORE = {"skip_invalid": skip_invalid, "classes": classes, "also": also}
