"""`predict`: images into a file, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

from galaxyclass.arguments import ChosenPrecision, Device, public
from galaxyclass.images.files import image_paths
from galaxyclass.model.backends.backend import Backend
from galaxyclass.model.columns import PredictionLayout
from galaxyclass.model.job import PredictionSummary
from galaxyclass.model.model import ModelSource, open_model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.pretrained import PRETRAINED
from galaxyclass.model.writers import require_output
from galaxyclass.progress import Progress, silent


@public
def predict(
    run: ModelSource | None,
    images: Any,
    *,
    output: str | Path,
    include: Sequence[str] = (),
    layout: PredictionLayout = "table",
    views: int | None = None,
    device: Device = "auto",
    precision: ChosenPrecision = "auto",
    batch_size: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
    backend: Backend | Sequence[Backend] | None = None,
) -> PredictionSummary:
    """Predict all images of a folder, or some files, into a table.

    What `Model.predict_to_file` of `load_model` does, in one call.

    The table has the layout of the one that the model was trained on: the id column under its
    name, then one column per answer; or one probability column per class, then the class
    (`columns_of`). The id is the file's stem (`ImageIds`), or the file's name with as many folders
    as that table gave (`FileNames`); for the pretrained model it is the stem as text, in the column
    ``GalaxyID``. An image that cannot be decoded gets no row; it is listed with its error in
    ``<output>_failed.csv``.

    Several runs are an ensemble: the mean of what they predict is written, and the columns are
    those of the first. Each image is read and decoded once, however many runs and views there are;
    runs that cut it out at different scales decode it once each.

    Memory does not grow with the number of images, but for the list of their paths. However the
    process ends, the same call goes on where it stopped and gives the very bytes that it would
    have given without the interruption.

    Parameters
    ----------
    run : str, Path, Model, a sequence of them or None
        The folder of a run, a bundle, or an exported network (``.onnx``); several, which predict
        the same; or None or ``"pretrained"`` for the pretrained model, a part of the package.
    images : str, Path, a sequence of them, arrays or a table
        A folder, searched with its sub-folders, or image files: sorted by path, each once. Or
        whatever else `Model.predict` takes.
    output : str or Path
        A file to write, ``.csv`` or ``.parquet``.
    views : int, optional
        Predict the mean over so many views of each galaxy: up to 8 are mirrors and quarter turns,
        and more are turned by other angles; for a network to which those are one, all are
        (`make_views`). Takes almost as many times as long. As many as the model's maker chose
        unless told otherwise: one, where nothing was chosen.
    include : sequence of {"five_classes", "uncertainty", "strangeness", "embedding"}
        Columns to write besides, float32 where nothing else is said:

        - ``five_classes``: probabilities of ``completely_round_smooth``, ``in_between_smooth``,
          ``cigar_shaped_smooth``, ``edge_on`` and ``spiral``, of a model that learnt them beside
          the votes.
        - ``uncertainty``: of each answer ``<answer>_lower`` and ``<answer>_upper``, between which
          90 % of the true fractions lie, of a model that is calibrated.
        - ``strangeness``: how little the picture is like galaxies that the model knows, and
          ``strange`` (bool): above 1 it is too little to trust what is predicted.
        - ``embedding``: the encoder's features, ``embedding_0`` and so on; of an ensemble those of
          one member after the other.
    device : {"auto", "cpu", "cuda", "mps"}
    precision : {"auto", "fp32", "bf16"}
        ``auto`` takes bfloat16 where the network was trained in it and the machine has it.
    batch_size : int, optional
        Most images that the network gets at once; chosen for the device unless told otherwise.
    workers : int, optional
        Cores that read images, and on the CPU predict them; all unless told otherwise.
    overwrite : bool
        Replace the output where it exists.
    layout : {"table", "contest"}
        ``contest`` writes the name of each image and its class, and nothing else.
    progress : Progress
    backend : Backend or a sequence of them, optional
        Runs the network in place of the bundle's own weights, one for each run; called from this
        thread alone, unless it is a `ConcurrentBackend`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An option that is not possible (`InferenceOptions`); arrays that are not images.
    OutputError
        The ending is neither of the two; the output exists; no room, no permission (the finished
        chunks are kept); another process writes there; the contest's layout of a vote model; there
        is no such thing to include.
    CatalogError
        No images; in the contest's layout, two images of one name.
    BundleError
        ``run`` is not a run or a bundle; the runs do not predict the same; a bundle has not got
        what is to be included; there is no pretrained model.
    MissingExtraError, DeviceError
        See `open_backend`.
    PredictionInterruptedError
        Ctrl-C; the finished chunks are kept.
    """
    require_output(Path(output), overwrite=overwrite)
    options = InferenceOptions(views, device, precision, batch_size, workers)
    model = open_model(PRETRAINED if run is None else run, options, backend)
    return model.predict_to_file(
        image_paths(images) if _are_paths(images) else images,
        output,
        include=include,
        layout=layout,
        overwrite=overwrite,
        progress=progress,
    )


def _are_paths(images: object) -> TypeGuard[str | Path | Sequence[str | Path]]:
    several = images if isinstance(images, list | tuple) else [images]
    return all(isinstance(place, str | Path) for place in several)
