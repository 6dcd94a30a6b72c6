"""Predicting a folder of images, or some files, with a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxyclass.arguments import ChosenPrecision, Device, public
from galaxyclass.errors import CatalogError
from galaxyclass.images.files import find_images
from galaxyclass.io.atomic import require_free
from galaxyclass.model.backends.backend import Backend, open_backend
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.columns import PredictionLayout, columns_of
from galaxyclass.model.ensemble import Member, require_same
from galaxyclass.model.extra_columns import check_include, open_included
from galaxyclass.model.ids import FileNames, ImageIds
from galaxyclass.model.job import PredictionSummary, predict_files
from galaxyclass.model.pretrained import pretrained_bundle
from galaxyclass.model.writers import sink_of
from galaxyclass.progress import Progress, silent


@public
def predict(
    run: str | Path | Sequence[str | Path] | None,
    images: str | Path | Sequence[str | Path],
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
    run : str, Path, a sequence of them or None
        The folder of a run, a bundle, or an exported network (``.onnx``); several, which predict
        the same; or None for the pretrained model, that comes with the package.
    images : str, Path or a sequence of them
        A folder, searched with its sub-folders, or image files.
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
        thread alone, unless it is a `LaneBackend`.

    Raises
    ------
    OutputError
        The ending is neither of the two; the output exists; no room, no permission (the finished
        parts are kept); another process writes there; the contest's layout of a vote model.
    ArgumentError, ArgumentTypeError
        A wrong argument; nothing is done then.
    CatalogError
        No images; in the contest's layout, two images of one name.
    BundleError
        ``run`` is not a run or a bundle; the runs do not predict the same; a bundle has not got
        what is to be included; there is no pretrained model.
    MissingExtraError, DeviceError
        See `open_backend`.
    PredictionInterruptedError
        Ctrl-C; the finished parts are kept.
    """
    output = Path(output)
    check_output(output, overwrite=overwrite)
    check_include(include)
    bundles = open_bundles(run)
    paths = [str(path) for path in find_images(images)]
    first = bundles[0].manifest
    # Told before a network is loaded; the columns are named again with the ids.
    included = open_included(include, bundles).fields
    columns_of(first.outputs, "", id_integer=False, layout=layout, included=included)
    ids, notes = _name(paths, first.name_parts, layout)
    summary = predict_files(
        open_members(bundles, device, precision, backend),
        paths,
        ids,
        output,
        views=views,
        include=include,
        batch_size=batch_size,
        workers=workers,
        progress=progress,
        layout=layout,
    )
    return replace(summary, notes=(*notes, *summary.notes))


def open_bundles(run: str | Path | Sequence[str | Path] | None) -> list[Bundle]:
    """Load the bundle of a run, those of several that predict the same, or the pretrained model.

    Raises
    ------
    BundleError
        See `predict`.
    """
    if run is None:
        box = pretrained_bundle()
        # There is no table of the user's whose ids these could be.
        plain = replace(box.manifest, id_column="GalaxyID", id_integer=False, name_parts=0)
        return [replace(box, manifest=plain)]
    bundles = [load_bundle(one) for one in ([run] if isinstance(run, str | Path) else run)]
    require_same(bundles)
    return bundles


def open_members(
    bundles: Sequence[Bundle],
    device: str,
    precision: ChosenPrecision,
    backend: Backend | Sequence[Backend] | None,
) -> list[Member]:
    """Load the networks of bundles, where no backends are given for them.

    Raises
    ------
    MissingExtraError, DeviceError, BundleError
        See `open_backend`.
    """
    if backend is None:
        backends = [open_backend(bundle, device, precision) for bundle in bundles]
    else:
        backends = list(backend) if isinstance(backend, Sequence) else [backend]
    return [Member(*pair) for pair in zip(bundles, backends, strict=True)]


def _name(
    paths: Sequence[str], parts: int, layout: PredictionLayout
) -> tuple[Sequence[str], tuple[str, ...]]:
    """What the images are called, and what is to be said of it."""
    names = FileNames(paths, parts) if parts else None
    if names is not None and not (repeated := names.repeated()):
        return names, ()
    ids = ImageIds(paths)
    repeated = ids.repeated if names is None else repeated
    if not repeated:
        return ids, ()
    if layout == "contest":
        raise CatalogError(
            f"{len(repeated):,} images have the name of another, such as {min(repeated)!r}",
            wanted="names that are clear without their folders, as in the contest's tables",
            hint="predict one folder at a time, each to its own `output`",
        )
    return ids, (
        f"{len(repeated):,} file names occur more than once (such as "
        f"{min(repeated)!r}): those images are called by their folder and name.",
    )


def check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that would be refused at the end, before any work is done.

    Raises
    ------
    OutputError
        Its ending is unknown, or it exists and is not to be replaced, or it is a folder.
    """
    sink_of(output)
    require_free(output, overwrite=overwrite)
