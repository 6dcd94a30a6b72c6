"""`plan_survey`: from sources to a folder with a plan, without reading a picture."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.arguments import public
from galaxyclass.data.sky_columns import find_sky_columns
from galaxyclass.data.unused import Unused
from galaxyclass.errors import ArgumentError, ArgumentTypeError, CatalogError, OutputError
from galaxyclass.images.remote import is_address
from galaxyclass.io.atomic import require_new, writing_folder
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.load import ModelSource, open_model
from galaxyclass.model.model import Model, require_included
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.pretrained import PRETRAINED, is_pretrained
from galaxyclass.model.provenance import make_provenance
from galaxyclass.model.rows import open_rows
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary, verb
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import SurveyPlan
from galaxyclass.survey.measure import measure_cost, some_objects
from galaxyclass.survey.pieces import ListColumns
from galaxyclass.survey.repeated import IdHashes, repeated_ids, write_repeated
from galaxyclass.survey.sources import Sources
from galaxyclass.survey.tile_survey import TileReader, TileSources, write_tiles
from galaxyclass.survey.write_objects import CARRIED, ObjectsWriter, all_objects
from galaxyclass.tiles.tile_cutouts import TileCutouts
from galaxyclass.version import __version__

#: What ids are made from: the name of a picture without its ending, its path below the source, or
#: a column of a list.
IdRule = Literal["stem", "path", "column"]


@dataclass(frozen=True)
class PlannedSurvey:
    """The result of planning a survey.

    Attributes
    ----------
    folder : Path
    plan : SurveyPlan
    notes : tuple of str
        Remarks for the user.
    unused : tuple of Unused
        What of the sources is not used, and why.
    """

    folder: Path
    plan: SurveyPlan
    notes: tuple[str, ...]
    unused: tuple[Unused, ...]

    def __repr__(self) -> str:
        return summary(
            f"PlannedSurvey: {counted(self.plan.images, 'image')} in "
            f"{counted(self.plan.shards, 'shard')}, "
            f"{short_path(self.folder)}"
        )


@public
def plan_survey(
    images: Any,
    *,
    output: str | Path,
    model: ModelSource | None = None,
    shard_size: int = 20_000,
    ids_from: IdRule | None = None,
    path_column: str | None = None,
    id_column: str | None = None,
    carry: Sequence[str] = (),
    include: Sequence[str] = (),
    reading: Mapping[str, Any] | None = None,
    options: InferenceOptions | None = None,
    skip_invalid: bool = False,
    measured: bool = True,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> PlannedSurvey:
    """Plan the prediction of any number of pictures: split them into shards.

    Nothing is unpacked and no picture is read, but for a short measurement. Memory does not grow
    with the number of pictures. The plan holds absolute paths, so every machine that runs it must
    see the sources, the model and the folder under the same names.

    Parameters
    ----------
    images : path, a sequence of them, or TileCutouts
        Folders (with all their sub-folders), archives (``.zip``, ``.tar``, such as WebDataset's),
        HDF5 and parquet with pictures inside, folders of these, and lists: a text file with a path
        a line, or a table (CSV, parquet and others) with a column of paths. Relative paths of a
        list begin at the list's folder, or else at the current one.

        Or the sources of tiles (`open_tiles`): a shard is some of them, tile after tile. They have
        the catalogue's ids.
    output : str or Path
        The survey's folder, new or empty.
    model : str, Path, Model, a sequence of them or None
        The model, as for `load_model`; None is the pretrained model.
    shard_size : int
        Pictures of a shard, which is predicted into one file.
    ids_from : {"stem", "path", "column"}, optional
        What the ids are made from, so that they are the same however the survey is split: the
        file's name without folder and ending (the default), its path below its source, or
        ``id_column`` (the default where that is given).
    path_column, id_column : str, optional
        Columns of lists.
    carry : sequence of str
        Columns of lists that are written beside the predictions, or ``all``. Right ascension and
        declination are found by their UCDs or names, and always carried, in degrees. Of the
        catalogue of tiles all columns are carried where none is named.
    include, reading
        As for `Model.predict_to_file`.
    options : InferenceOptions, optional
        How the model is run. Views, precision (also one that the machine chooses) and labelling are
        fixed here for the whole survey; device, batch size and workers are those of the
        measurement, and each run has its own.
    skip_invalid : bool
        Leave out archives that cannot be opened.
    measured : bool
        Measure the cost by predicting some pictures for a few seconds.
    quote_formulas : bool
        As for `galaxyclass.predict`, in the list of ids that stand twice, if any do.
    progress : Progress

    Raises
    ------
    CatalogError
        A source that does not exist or holds no images; two pictures with the same id (a list of
        them is written beside the output).
    ArgumentError
        A column that lists do not have; ids from a column without its name.
    OutputError
        The folder is not empty; no room, no permission.
    SurveyError
        None of the pictures that were measured can be read.
    BundleError, MissingExtraError, DeviceError
        As for `load_model`.
    """
    folder = Path(output)
    if (folder / "survey.json").is_file():
        raise OutputError(
            f"{folder}: there is something here already: a survey",
            hint="to go on with it, run it again; for a new survey choose another `output`",
        )
    require_new(folder)
    columns = ListColumns(path_column, id_column, tuple(carry))
    sources, rule = _sources(images, columns, ids_from, skip_invalid=skip_invalid)
    model = open_model(PRETRAINED if model is None else model, options)
    require_included(model, include)
    # Wrong settings of `reading` are refused before the sources are read.
    open_rows(model.ensemble, ImageSource([], []), include, reading=reading)
    with writing_folder(folder) as temporary:
        files = SurveyFolder(temporary)
        with tempfile.TemporaryFile(dir=temporary) as file:
            hashes = IdHashes(file)
            writer = ObjectsWriter(files, shard_size, rule, hashes)
            _write_objects(writer, sources, progress)
            if len(repeated := hashes.repeated()):
                _require_no_repeats(
                    files, writer, repeated, folder, rule, quote_formulas=quote_formulas
                )
        pq.write_table(writer.shard_table(), files.shards, write_page_checksum=True)
        pq.write_table(_source_table(sources), files.sources, write_page_checksum=True)
        cutting = write_tiles(sources.cutouts, files) if isinstance(sources, TileSources) else None
        plan = _plan(model, writer, sources, cutting, include=include, reading=reading)
        if measured:
            progress("measure", 0, None)
            tiles = None if cutting is None else TileReader.open(files, cutting)
            archives = [path for path, _, _ in sources.containers]
            objects = some_objects(files, writer.shards, archives, tiles=tiles is not None)
            plan = replace(plan, cost=measure_cost(model, plan, objects, tiles))
        files.manifest.write_text(plan.to_json(), encoding="utf-8")
    return PlannedSurvey(folder, plan, tuple(sources.notes), sources.unused)


def _sources(
    images: Any, columns: ListColumns, ids_from: IdRule | None, *, skip_invalid: bool
) -> tuple[Sources | TileSources, IdRule]:
    """The sources of a survey, and what its ids are made from."""
    if isinstance(images, TileCutouts):
        stated = {"ids_from": ids_from, "path_column": columns.path_column,
                  "id_column": columns.id_column}  # fmt: skip
        for name in (name for name, value in stated.items() if value is not None):
            raise ArgumentError(
                f"`{name}`: sources of tiles have their own ids",
                argument=name,
                hint="name the id column in `galaxyclass.open_tiles`",
            )
        return TileSources(images, columns.carry), "column"
    named = [images] if isinstance(images, str | Path) else images
    if not isinstance(named, list | tuple) or not all(isinstance(n, str | Path) for n in named):
        raise ArgumentTypeError(
            "`images`: not what a survey is planned of",
            argument="images",
            wanted="paths of folders, archives and lists; or sources of tiles "
            "(`galaxyclass.open_tiles`)",
            got=type(images).__name__,
            hint="write a table of paths to a file first: a plan is run by other processes",
        )
    rule = ids_from or ("stem" if columns.id_column is None else "column")
    if (rule == "column") != (columns.id_column is not None):
        raise ArgumentError(
            "ids from a column need its name, and a column is needed for nothing else",
            argument="id_column",
            wanted='`ids_from="column"` and `id_column` together',
            got=f"ids_from={rule!r}, id_column={columns.id_column!r}",
        )
    sources = Sources([str(path) for path in named], columns, skip_invalid)
    sources.require()
    return sources, rule


def _write_objects(
    writer: ObjectsWriter, sources: Sources | TileSources, progress: Progress
) -> None:
    try:
        for piece in sources.pieces():
            if writer.rule == "column" and piece.ids is None:
                raise ArgumentError(
                    f"{piece.paths[0]}: only a list has columns",
                    argument="ids_from",
                    wanted='"stem" or "path" for folders and archives',
                    got='"column"',
                )
            writer.add(piece)
            progress("plan", writer.images, None)
        writer.finish()
    finally:
        writer.close()
    if not writer.images:
        raise CatalogError("no images in the sources", argument="images")
    progress("plan", writer.images, writer.images)


def _require_no_repeats(
    files: SurveyFolder,
    writer: ObjectsWriter,
    repeated: Any,
    folder: Path,
    rule: str,
    *,
    quote_formulas: bool,
) -> None:
    listed = folder.with_name(f"{folder.name}_repeated_ids.csv")
    rows = repeated_ids(all_objects(files, len(writer.shards)), repeated)
    count, second = write_repeated(listed, rows, quote_formulas=quote_formulas)
    if not count:  # different ids with the same hash
        listed.unlink()
        return
    hints = {
        "stem": 'take their paths as ids: `ids_from="path"`',
        "path": "name each picture once, or the folder above the sources instead of each of them",
        "column": "choose a column in which each id stands once",
    }
    raise CatalogError(
        f"{counted(count, 'picture')} {verb(count, 'has')} an id that another has too",
        argument="ids_from",
        wanted="an id for each picture that no other has, in the whole survey",
        got=f"such as {second[0]}, of {second[1]}; {listed} lists them",
        hint=hints[rule],
    )


def _plan(
    model: Model,
    writer: ObjectsWriter,
    sources: Sources | TileSources,
    cutting: dict[str, Any] | None,
    *,
    include: Sequence[str],
    reading: Mapping[str, Any] | None,
) -> SurveyPlan:
    manifest, files, rule = model.bundles[0].manifest, writer.folder, writer.rule
    pretrained = is_pretrained(model.sources[0])
    integer = writer.id_integer and (pretrained or manifest.id_integer or rule == "column")
    with pq.ParquetFile(files.objects(0), page_checksum_verification=True) as file:
        carried = file.schema_arrow.empty_table().select(
            [name for name in file.schema_arrow.names if name.startswith(CARRIED)]
        )
    names = [name.removeprefix(CARRIED) for name in carried.column_names]
    precision: Any = model.precision
    return SurveyPlan(
        version=__version__,
        planned=make_provenance(model.bundles, None, model.views, precision).date,
        source=tuple(
            name if is_address(name) else os.path.abspath(name)  # noqa: PTH100
            for name in sources.named
        ),
        ids=rule,
        model=tuple(
            PRETRAINED if is_pretrained(source) else str(source.absolute())
            for source in model.sources
        ),
        name=model.name,
        digest=model.digest,
        views=model.views,
        precision=precision,
        labelling=model.options.labelling,
        include=tuple(include),
        reading=dict(reading or {}),
        id_column=sources.id_column or manifest.id_column,
        id_integer=integer,
        sky=find_sky_columns(carried.rename_columns(names)),
        cutting=cutting,
        images=writer.images,
        shards=len(writer.shards),
        shard_size=writer.shard_size,
        shards_digest=hashlib.sha256(files.shards.read_bytes()).hexdigest(),
        cost=None,
    )


def _source_table(sources: Sources | TileSources) -> pa.Table:
    columns: Any = list(zip(*sources.containers, strict=True)) or [(), (), ()]
    types = (pa.string(), pa.int64(), pa.int64())
    arrays = [pa.array(cells, kind) for cells, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, names=["path", "images", "bytes"])
