"""`predict`: images into a file, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard

from galaxyclass.arguments import public
from galaxyclass.model.carry import TableJoin
from galaxyclass.model.columns import PredictionLayout
from galaxyclass.model.image_source import find_image_files
from galaxyclass.model.job import PredictionSummary
from galaxyclass.model.load import ModelSource, open_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.pretrained import PRETRAINED
from galaxyclass.model.writers import require_output
from galaxyclass.progress import Progress, silent


@public
def predict(
    model: ModelSource | None,
    images: Any,
    *,
    output: str | Path,
    include: Sequence[str] = (),
    layout: PredictionLayout = "table",
    options: InferenceOptions | None = None,
    overwrite: bool = False,
    quote_formulas: bool = False,
    reading: Mapping[str, Any] | None = None,
    id_column: str | None = None,
    table: TableJoin | Any = None,
    progress: Progress = silent,
) -> PredictionSummary:
    """Predict all images of a folder, or some files, into a table.

    The same as `load_model` and `Model.predict_to_file` in one call.

    The output has the layout of the model's training table: its id column, then one column per
    answer; or one probability column per class, then the class (`columns_of`). The id is the
    file's stem (`ImageIds`), or the file's name with as many folders as in that table
    (`FileNames`); for the pretrained model it is the stem, in the column ``GalaxyID``. Ids are
    64-bit integers if those of the training table (for the pretrained model: all of these ids)
    are, otherwise text. An image that cannot be decoded gets no row; it is listed with its error in
    ``<output>_failed.csv``.

    Several models are an ensemble: their mean is written, in the columns of the first. Each image
    is decoded once for all models and views, or once for each scale of the models' cutouts.

    Memory does not grow with the number of images, except for the list of their paths. If the
    prediction is interrupted or killed, the same call goes on where it stopped, and the output is
    byte for byte that of an uninterrupted call.

    Parameters
    ----------
    model : str, Path, Model, a sequence of them or None
        The folder of a run, a bundle, or an exported network (``.onnx``); several
        with the same outputs; or None or ``"pretrained"`` for the pretrained model, which comes
        with the package.
    images : str, Path, a sequence of them, arrays or a table
        A folder, searched with its sub-folders, or image files: sorted by path, each once. Or
        arrays or a table, as for `Model.predict`.
    output : str or Path
        A file to write: ``.csv``, ``.parquet``, ``.fits``, ``.vot`` or ``.ecsv``.
    include : sequence of {"five_classes", "uncertainty", "strangeness", "embedding"}
        Extra columns, float32 unless stated otherwise:

        - ``five_classes``: probabilities of ``completely_round_smooth``, ``in_between_smooth``,
          ``cigar_shaped_smooth``, ``edge_on`` and ``spiral``, of a model with this auxiliary task.
        - ``uncertainty``: for each answer ``<answer>_lower`` and ``<answer>_upper``, a conformal
          interval that holds 90 % of the true fractions; needs a calibrated model.
        - ``strangeness``: the out-of-distribution score, and ``strange`` (bool): whether it is
          above 1, where the prediction is not to be trusted. In CSV the flag is ``True`` or
          ``False``, which astropy reads as text and pandas as booleans.
        - ``embedding``: the encoder's features, ``embedding_0`` and so on; of an ensemble those of
          all members.
    options : InferenceOptions, optional
        How the networks are run: test-time views, device, precision, batch size, workers. None: as
        the options of a `Model` say, otherwise by default.
    overwrite : bool
        Replace the output where it exists.
    quote_formulas : bool
        Of CSV: put an apostrophe before text that a spreadsheet would run as a formula. Such ids
        are then not those of the images any more.
    layout : {"table", "contest"}
        ``contest`` writes only the name of each image and its class.
    reading : mapping, optional
        How FITS and other pictures in bands are read, as for `Model.predict`.
    id_column : str, optional
        Where ``images`` is a table: the column of its ids.
    table : path, table in memory or TableJoin, optional
        A catalogue whose columns are copied beside the predictions; see `Model.predict`.
    progress : Progress

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A wrong argument; arrays that are not images.
    OutputError
        An unknown ending; the output exists; no room, no permission (the finished
        chunks are kept); another process writes there; the contest layout of a vote model; an
        unknown name in `include`.
    ImageError
        No image could be decoded: the list of failures alone is written.
    CatalogError
        No images; in the contest layout, two images of the same name.
    BundleError
        ``model`` is not a run or a bundle; several have different outputs; one does not have an
        extra column; there is no pretrained model.
    MissingExtraError, DeviceError
        See `open_backend`.
    PredictionInterruptedError
        Ctrl-C; the finished chunks are kept.
    """
    require_output(Path(output), overwrite=overwrite, quote_formulas=quote_formulas)
    model = open_model(PRETRAINED if model is None else model, options)
    return model.predict_to_file(
        find_image_files(images) if _are_paths(images) else images,
        output=output,
        include=include,
        layout=layout,
        overwrite=overwrite,
        quote_formulas=quote_formulas,
        reading=reading,
        id_column=id_column,
        table=table,
        progress=progress,
    )


def _are_paths(images: object) -> TypeGuard[str | PathLike[str] | Sequence[str | PathLike[str]]]:
    listed = images if isinstance(images, list | tuple) else [images]
    return all(isinstance(entry, str | PathLike) for entry in listed)
