"""Predicting a folder of images, or some files, with a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from galaxyclass.bundles import load_bundle
from galaxyclass.catalogs import find_images
from galaxyclass.errors import CatalogError, OutputError
from galaxyclass.prediction.backends import Backend, open_backend
from galaxyclass.prediction.columns import Layout, columns_of
from galaxyclass.prediction.ids import FileNames, ImageIds
from galaxyclass.prediction.job import PredictionSummary, predict_files
from galaxyclass.prediction.sinks import sink_of
from galaxyclass.progress import Progress, silent


def predict(
    run: str | Path,
    images: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    batch_size: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    layout: Layout = "table",
    progress: Progress = silent,
    backend: Backend | None = None,
) -> PredictionSummary:
    """Predict all images of a folder, or some files, into a table.

    The table has the layout of the one that the model was trained on: the id column under its
    name, then one column per answer; or one probability column per class, then the class
    (`columns_of`). The id is the file's stem (`ImageIds`), or the file's name with as many folders
    as that table gave (`FileNames`). An image that cannot be decoded gets
    no row; it is listed with its error in ``<output>_failed.csv``.

    Memory does not grow with the number of images, but for the list of their paths. However the
    process ends, the same call goes on where it stopped and gives the very bytes that it would
    have given without the interruption.

    Parameters
    ----------
    run : str or Path
        The folder of a run, or a bundle.
    images : str, Path or a sequence of them
        A folder, searched with its sub-folders, or image files.
    output : str or Path
        A file to write, ``.csv`` or ``.parquet``.
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
    backend : Backend, optional
        Runs the network in place of the bundle's own weights; called from this thread alone,
        unless it is a `LaneBackend`.

    Raises
    ------
    OutputError
        The ending is neither of the two; the output exists; no room, no permission (the finished
        parts are kept); another process writes there; the contest's layout of a vote model.
    CatalogError
        No images; in the contest's layout, two images of one name.
    BundleError
        ``run`` is not a run or a bundle.
    MissingExtraError, DeviceError
        See `open_backend`.
    PredictionInterruptedError
        Ctrl-C; the finished parts are kept.
    """
    output = Path(output)
    check_output(output, overwrite=overwrite)
    bundle = load_bundle(run)
    paths = [str(path) for path in find_images(images)]
    # Told before the network is loaded; the columns are named again with the ids.
    columns_of(bundle.manifest.outputs, "", id_integer=False, layout=layout)
    ids, notes = _name(paths, bundle.manifest.name_parts, layout)
    summary = predict_files(
        bundle.manifest,
        backend or open_backend(bundle, device, precision),
        paths,
        ids,
        output,
        batch_size=batch_size,
        workers=workers,
        progress=progress,
        layout=layout,
    )
    return replace(summary, notes=(*notes, *summary.notes))


def _name(
    paths: Sequence[str], parts: int, layout: Layout
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
            todo="predict one folder at a time, each to its own --output",
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
    if output.is_dir():
        raise OutputError(
            f"{output}: a folder", wanted="the name of a file", todo="name a file in it"
        )
    if output.exists() and not overwrite:
        raise OutputError(
            f"{output}: the output exists already", todo="--overwrite, or choose another name"
        )
