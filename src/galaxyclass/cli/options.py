"""Options that several commands share, with one meaning and one wording."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from galaxyclass.arguments import ChosenPrecision, Device, Part
from galaxyclass.recipes.stretches import STRETCHES

Decorated = TypeVar("Decorated", bound=Callable[..., Any] | click.Command)


def comma_separated(
    _context: click.Context, _option: click.Parameter, values: str | Sequence[str] | None
) -> tuple[str, ...]:
    """The callback of an option that takes names separated by commas, or one by one."""
    texts = [values] if isinstance(values, str) else values or ()
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def stated(context: click.Context) -> dict[str, str]:
    """What was given on the command line: the parameter's name -> its option, as it is spelled."""
    on_command_line = click.core.ParameterSource.COMMANDLINE
    return {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if parameter.name is not None
        and context.get_parameter_source(parameter.name) is on_command_line
    }


images = click.option(
    "--images",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of images (searched with its sub-folders), or image files.",
)
images_or_bands = click.option(
    "--images",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of images (searched with its sub-folders), or image files; or a pattern of "
    "files of one band each, such as 'sky/{id}_{band}.fits'.",
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
    "Excel; also compressed): an id or path, and votes, a class or numbers; or a folder with "
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


number_columns = click.option(
    "--numbers",
    multiple=True,
    metavar="COLUMN,COLUMN…",
    callback=comma_separated,
    help="Predict the numbers in these columns of the table, such as a redshift or a Hubble type. "
    "Limits or errors beside them (T_inf and T_sup, z_err) give the noise floor.",
)
counts = click.option(
    "--counts",
    is_flag=True,
    help="Read the numbers of votes in the table (…_count), not its fractions: a model that learns "
    "from them says how sure it is of each answer.",
)
missing = click.option(
    "--missing",
    multiple=True,
    metavar="[COLUMN=]VALUE",
    help="A value that stands for an unknown number: -1 in all columns of --numbers, or "
    "Bar_Length=-1 in one; repeatable. Empty cells and NaN always do.",
)
id_map = click.option(
    "--map",
    "id_map",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A table that names each galaxy by the ids of --table and by its image, where these "
    "differ: for Galaxy Zoo 2, gz2_filename_mapping.csv.",
)
tree = click.option(
    "--tree",
    metavar="FILE",
    help="The decision tree of the votes: a TOML file, or the name of a tree that comes with the "
    "package (`galaxyclass tree`). By default the one that names the table's columns.",
)
skip_invalid = click.option(
    "--skip-invalid", is_flag=True, help="Leave out galaxies with errors, and list them."
)
classes = click.option(
    "--classes",
    metavar="RULE",
    help="Make classes of the vote fractions, and take these: five (round, in between, cigar, "
    "edge-on, spiral), or argmax:QUESTION for the leading answer to a question, such as argmax:1.",
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
    type=click.Choice(get_args(Device)),
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
precision = click.option(
    "--precision",
    default="auto",
    show_default=True,
    type=click.Choice(get_args(ChosenPrecision)),
    help="Number format of the network; auto is bfloat16 if the run was trained in it and this "
    "machine has it, which is two or three times as fast.",
)
views = click.option(
    "--views",
    type=click.IntRange(min=1),
    help="Predict the mean over so many test-time views of each galaxy, mirrored and turned: 8 "
    "take almost 8 times as long. By default as many as the model says, mostly 1.",
)
cache = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    envvar="GALAXYCLASS_CACHE",
    help="Folder for packed images; by default $GALAXYCLASS_CACHE, or the user's cache folder.",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace an existing output.")
quote_formulas_option = click.option(
    "--quote-formulas",
    is_flag=True,
    help="In CSV, put an apostrophe before text that a spreadsheet would run as a formula; for ids "
    "and columns from strangers.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def output(content: str) -> Callable[[Decorated], Decorated]:
    """The option ``--output``, with what is written there."""
    return click.option(
        "--output",
        required=True,
        type=click.Path(path_type=Path),
        help=f"Where to write {content}.",
    )


predictions = click.argument("predictions", type=click.Path(path_type=Path))


def where(verb: str) -> Callable[[Decorated], Decorated]:
    """The option ``--where``, with what is done with the galaxies."""
    return click.option(
        "--where",
        multiple=True,
        metavar="CONDITION",
        help=f"{verb} only galaxies whose columns meet this, such as 'Class4.1 > 0.5'; repeatable.",
    )


part = click.option(
    "--part",
    type=click.Choice(get_args(Part)),
    default="unseen",
    show_default=True,
    help="Which galaxies to score; unseen: all that the model was not trained on.",
)
votes = click.option(
    "--votes",
    type=click.FloatRange(min=2),
    default=40,
    show_default=True,
    help="Volunteers per galaxy, which determine the noise floor: the error of a perfect model.",
)

also = click.option(
    "--also",
    type=(click.Path(path_type=Path), click.Path(path_type=Path)),
    multiple=True,
    metavar="DIR FILE",
    help="More images with their table to train on: votes on the same tree, even if some answers "
    "are missing, or classes, which become an auxiliary task. Repeatable.",
)


def inference(command: Decorated) -> Any:
    """The options that say how networks are run; the command gets an ``inference`` of them."""

    @functools.wraps(command)
    def with_inference(*arguments: Any, **values: Any) -> Any:
        from galaxyclass.model.options import InferenceOptions

        built = InferenceOptions(**{name: values.pop(name) for name in INFERENCE})
        return command(*arguments, inference=built, **values)

    decorated: Any = with_inference
    for option in reversed(INFERENCE.values()):
        decorated = option(decorated)
    return decorated


def _scale(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> str | float | None:
    """The value of --scale: a word, or a factor."""
    if text in (None, "auto", "keep"):
        return text
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 / 16 <= factor <= 16:
        raise click.BadParameter(f"{text!r} is not auto, keep or a factor of 1/16 to 16")
    return factor


stretch_option = click.option(
    "--stretch",
    type=click.Choice(STRETCHES),
    help="From brightness to grey level; by default chosen by an image's bands and unit.",
)
hdu_option = click.option(
    "--hdu",
    metavar="NAME|NUMBER",
    help="HDU of FITS files, by name or number; by default the first that holds an image.",
)

#: How images in bands are read -> its option; the command gets all as `reading`.
_READING: dict[str, Callable[[Any], Any]] = {
    "bands": click.option(
        "--bands",
        metavar="NAME,NAME…",
        help="Bands of FITS and other images in bands, the shortest wavelength first, by name or "
        "by number from 1; or with a file for each: 'g=sky/{id}_g.fits,r=sky/{id}_r.fits'.",
    ),
    "stretch": stretch_option,
    "limits": click.option(
        "--limits",
        nargs=2,
        type=float,
        metavar="BLACK WHITE",
        help="Brightness that is black and white; by default found in each image.",
    ),
    "hdu": hdu_option,
    "scale": click.option(
        "--scale",
        metavar="auto|keep|FACTOR",
        callback=_scale,
        help="auto (the default): images with a WCS are brought to the scale that the model "
        "knows; keep: their pixels are taken as they are; 2: galaxies are shown twice as large.",
    ),
    "pixel_scale": click.option(
        "--pixel-scale",
        type=click.FloatRange(min=0, min_open=True),
        metavar="ARCSEC",
        help="Arcseconds a pixel of images whose files have no WCS.",
    ),
}


def _files_of_bands(text: str, images: tuple[Path, ...]) -> tuple[str, tuple[Path, ...]]:
    """The names of bands, and the pattern of their files, of ``g=sky/{id}_g.fits,r=…``."""
    from galaxyclass.images.band_files import common_pattern

    files = {}
    for part in text.split(","):
        band, equals, pattern = part.partition("=")
        if not (equals and band.strip() and pattern.strip()):
            raise click.BadParameter(f"{part!r} is not BAND=FILES", param_hint="--bands")
        if band.strip() in files:
            raise click.BadParameter(f"{band.strip()} stands twice", param_hint="--bands")
        files[band.strip()] = pattern.strip()
    if images:
        raise click.UsageError("--bands names the files: name no others")
    return ",".join(files), (Path(common_pattern(files)),)


def reading(command: Decorated) -> Any:
    """The options of how images are read; the command gets a mapping ``reading``."""

    @functools.wraps(command)
    def with_reading(*arguments: Any, **values: Any) -> Any:
        stated = {name: values.pop(name) for name in _READING}
        chosen = {name: value for name, value in stated.items() if value is not None}
        target = "images" if "images" in values else "source"
        if "=" in chosen.get("bands", ""):
            chosen["bands"], values[target] = _files_of_bands(chosen["bands"], values[target])
        if target == "images" and not values["images"] and not values.get("tiles"):
            either = " (image files) or '--tiles' (FITS tiles)" if "tiles" in values else ""
            raise click.UsageError(f"Missing option '--images'{either}.")
        return command(*arguments, reading=chosen or None, **values)

    decorated: Any = with_reading
    for option in reversed(_READING.values()):
        decorated = option(decorated)
    return decorated


also_labelling = click.option(
    "--also-labelling",
    type=(str, click.Path(path_type=Path), click.Path(path_type=Path)),
    multiple=True,
    metavar="NAME DIR FILE",
    help="As --also, for a table whose votes were debiased in another way: it gets a last layer of "
    "its own, so that it does not change the predictions for --table. `predict --labelling NAME` "
    "predicts as it does. Repeatable.",
)
labelling = click.option(
    "--labelling",
    metavar="NAME",
    help="Predict as the tables do that were named so in the training (--also-labelling).",
)


def dataset(*more: Callable[[Any], Any], required: bool = True) -> Callable[[Decorated], Any]:
    """The options that select galaxies; the command gets a ``dataset`` in their place.

    Parameters
    ----------
    *more : options
        Some of `skip_invalid`, `classes`, `also`, `also_labelling`.
    required : bool
        Whether ``--images`` is required; ``dataset`` is None without it.
    """
    folder = images_folder if required else images_folder_or_none
    selected = (
        folder,
        table,
        id_column,
        target_column,
        number_columns,
        missing,
        counts,
        id_map,
        tree,
        *(option for option in _MORE.values() if option in more),
    )

    def decorate(command: Decorated) -> Any:
        names = ["images", "table", "id_column", "target_column", "numbers", "missing", "counts"]
        names += ["id_map", "tree"]
        names += [name for name, option in _MORE.items() if option in more]

        @functools.wraps(command)
        def with_dataset(*arguments: Any, **values_of_options: Any) -> Any:
            from galaxyclass.data.dataset.dataset import Dataset

            values = {name: values_of_options.pop(name) for name in names}
            if labelled := values.pop("also_labelling", ()):
                shared = {name: values[name] for name in ("skip_invalid", "tree") if name in values}
                values["also"] = [
                    *values.get("also", ()),
                    *(
                        Dataset(folder, file, labelling=name, **shared)
                        for name, folder, file in labelled
                    ),
                ]
            built = None if values["images"] is None else Dataset(**values)
            return command(*arguments, dataset=built, **values_of_options)

        decorated: Any = with_dataset
        for option in reversed(selected):
            decorated = option(decorated)
        return decorated

    return decorate


#: How networks are run: parameter -> its option.
INFERENCE = {
    "views": views,
    "device": device,
    "precision": precision,
    "batch_size": batch_size,
    "workers": workers,
}
_MORE = {
    "skip_invalid": skip_invalid,
    "classes": classes,
    "also": also,
    "also_labelling": also_labelling,
}
