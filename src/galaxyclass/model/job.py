"""One job of prediction: image files with ids into a table, chunk by chunk."""

from __future__ import annotations

import csv
import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from galaxyclass.calibration.comparison import TraitSums
from galaxyclass.data.unused import Unused
from galaxyclass.errors import ImageError, OutputError, PredictionInterruptedError
from galaxyclass.images.inspect import identity_of
from galaxyclass.model.bundle.manifest import ComputedPrecision
from galaxyclass.model.checks import Statistics, describe_problems, measure, nothing_measured
from galaxyclass.model.chunks import ChunkRecord, Chunks, open_chunks
from galaxyclass.model.differences import describe_differences
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.reading import describe_reading
from galaxyclass.model.rows import PredictedRows, RowMaker, join_rows
from galaxyclass.model.stream import PredictedBatch
from galaxyclass.model.table_formats import require_ascii, text_columns
from galaxyclass.model.writers import require_failures
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary, verb
from galaxyclass.version import __version__

#: A chunk is written once it is this old or this large. A kill then loses a few seconds of work at
#: any speed, and a fast job does not write a file a second.
CHUNK_SECONDS = 5.0
CHUNK_IMAGES = 16_384


@dataclass(frozen=True)
class PredictionSummary:
    """The result of a prediction to a file.

    Attributes
    ----------
    output : Path
    failed_file : Path or None
        The list of images that could not be decoded, where there are any.
    images, predicted, failed : int
        Images in all, those with a row in the output, those without.
    resumed : int
        Images (predicted or failed) that an earlier, stopped run of this job had done.
    seconds : float
        Time that this call took for the other images.
    views : int
        Test-time views of each galaxy, whose mean was predicted.
    precision : {"fp32", "bf16", "int8"}
        Numbers that the networks computed with.
    warnings : tuple of str
        Problems of the predictions, and what to try (`describe_problems`).
    notes : tuple of str
        Other remarks for the user.
    unused : tuple of Unused
        What of files, columns and rows was not used, and why.
    flagged : int or None
        Predicted images that are flagged as out of distribution; None of a model that cannot tell:
        an ensemble, or one that was not calibrated.
    """

    output: Path
    failed_file: Path | None
    images: int
    predicted: int
    failed: int
    resumed: int
    seconds: float
    views: int
    precision: ComputedPrecision
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    unused: tuple[Unused, ...] = ()
    flagged: int | None = None

    def __repr__(self) -> str:
        failed = f", {counted(self.failed, 'image')} could not be decoded" if self.failed else ""
        warnings = f", {counted(len(self.warnings), 'warning')}" if self.warnings else ""
        return summary(
            f"PredictionSummary: {counted(self.predicted, 'galaxy')} in "
            f"{short_path(self.output)}{failed}{warnings}"
        )


def predict_to_table(
    maker: RowMaker,
    output: Path,
    options: InferenceOptions,
    *,
    progress: Progress = silent,
    quote_formulas: bool = False,
    keep_journal: bool = False,
    may_be_empty: bool = False,
) -> PredictionSummary:
    """Predict images into a file; what `galaxyclass.Model.predict_to_file` does inside.

    A job of image files that was stopped goes on. For images in memory nothing is kept.

    Parameters
    ----------
    maker : RowMaker
        Has the networks, the images and the columns.
    output : Path
        If this same job has finished it already, only leftovers of a kill are removed.
    options : InferenceOptions
        As for `galaxyclass.model.stream.predict_stream`.
    progress : Progress
    quote_formulas : bool
        As for `galaxyclass.predict`.
    keep_journal : bool
        Let the same job find its output until `galaxyclass.model.chunks.forget_predictions`.
    may_be_empty : bool
        Whether a table without rows is written where no image can be decoded.

    Raises
    ------
    ImageError
        No image could be decoded: the list of failures is written alone. An earlier output stays.
    OutputError, PredictionInterruptedError
        As for `galaxyclass.Model.predict_to_file`.
    BundleError
        The backend's outputs do not fit the manifest.
    """
    begun = time.monotonic()
    ensemble, source, task = maker.ensemble, maker.source, maker.ensemble.task
    failures = output.with_name(f"{output.stem}_failed.csv")
    require_failures(failures)
    if output.suffix.lower() == ".fits":
        ids = [] if source.ids is None else [(maker.columns.id_column, source.ids)]
        carried = [] if maker.carried is None else text_columns(maker.carried)
        require_ascii([*ids, *carried], output)
    key = _key(maker, output.suffix.lower() + " quoted" * quote_formulas)
    nothing = nothing_measured(task)
    read: Counter[str] = Counter()
    opened = open_chunks(output, key, nothing, quote_formulas=quote_formulas)
    with opened as (chunks, replaced):
        resumed, complete = chunks.images, chunks.complete
        try:
            progress("predict", resumed, source.count)
            with closing(maker.stream(options, resumed)) as stream:
                _add_chunks(_counted(stream, read), chunks, maker, progress)
            if chunks.failed == chunks.images > 0 and not may_be_empty and not complete:
                chunks.finish_without_rows(failures)
                raise _none_decoded(chunks.failed, failures, output)
            failed_file = chunks.finish(
                maker.tabulate([], maker.nothing), failures, keep_journal=keep_journal
            )
        except BaseException as error:
            if not source.can_go_on:
                chunks.abandon()
            _raise_what_is_kept(error, chunks, source)
            raise
    return PredictionSummary(
        output=output,
        failed_file=failed_file,
        images=chunks.images,
        predicted=chunks.images - chunks.failed,
        failed=chunks.failed,
        resumed=resumed,
        seconds=time.monotonic() - begun,
        views=ensemble.views,
        precision=ensemble.precision,
        warnings=describe_all(maker, chunks.images, chunks.failed, chunks.statistics),
        notes=(
            *source.notes,
            *describe_job(maker),
            *describe_reading(read, chunks.images - resumed),
            *describe_images(maker, chunks.traits),
            *_notes(resumed, replaced=replaced, complete=complete),
        ),
        unused=(*source.unused, *_undecodable(chunks.failed, failures)),
        flagged=chunks.traits.flagged if chunks.traits.images else None,
    )


def _none_decoded(count: int, failures: Path, output: Path) -> ImageError:
    with failures.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))["error"]
    return ImageError(
        "nothing could be predicted",
        got=f"{counted(count, 'image')} could not be decoded; the first: {first}",
        hint=f"all reasons are in {failures}; {output.name} was not written",
    )


def _counted(stream: Iterator[PredictedBatch], read: Counter[str]) -> Iterator[PredictedBatch]:
    """The batches of a stream; their remarks are counted."""
    for batch in stream:
        read.update(batch.notes)
        yield batch


def _undecodable(count: int, failures: Path) -> Iterator[Unused]:
    if count:
        yield Unused("files", count, f"listed in {failures}", "cannot be decoded")


def _raise_what_is_kept(error: BaseException, chunks: Chunks, source: ImageSource) -> None:
    """If the job was stopped, raise an error that says how much is kept; pass on other errors."""
    if not source.can_go_on:
        if isinstance(error, KeyboardInterrupt):
            raise PredictionInterruptedError(
                "stopped; nothing is kept of images that are in memory",
                hint="write the images to files: then a prediction goes on where it stopped",
            ) from None
        return
    assert source.count is not None, "of images that can be read again the number is known"
    images = counted(source.count, "image")
    progress_made = f"none of {images} is done"
    if chunks.images:
        progress_made = (
            f"{chunks.images:,} of {images} {verb(chunks.images, 'is')} done and kept in "
            f"{chunks.folder}"
        )
    if isinstance(error, KeyboardInterrupt):
        raise PredictionInterruptedError(
            f"stopped; {progress_made}", hint="run the same again: it goes on from there"
        ) from None
    if isinstance(error, OutputError):
        raise OutputError(
            error.what,
            wanted=error.wanted,
            got=progress_made,
            hint=f"{error.hint}; what is done is kept: the same again goes on from there",
        ) from error


def _add_chunks(
    stream: Iterator[PredictedBatch], chunks: Chunks, maker: RowMaker, progress: Progress
) -> None:
    """Gather batches into chunks and write each; the stream begins where the chunks end."""
    begun = time.monotonic()
    waiting: list[_Waiting] = []
    failed = chunks.failed
    for batch in stream:
        rows = maker.rows(batch)
        traits = maker.compare(batch)
        light = replace(batch, output=None, image_statistics=None)
        waiting.append(_Waiting(light, rows, traits))
        failed += len(batch.errors)
        end = batch.start + len(batch.paths)
        note = f"{failed:,} cannot be decoded" if failed else ""
        try:
            progress("predict", end, maker.source.count, note=note)
        except KeyboardInterrupt:  # whoever follows the job ends it here: nothing is lost
            _add_chunk(waiting, chunks, maker)
            raise
        old = time.monotonic() - begun >= CHUNK_SECONDS
        if old or end - chunks.images >= CHUNK_IMAGES:
            _add_chunk(waiting, chunks, maker)
            waiting, begun = [], time.monotonic()
    if waiting:
        _add_chunk(waiting, chunks, maker)


class _Waiting(NamedTuple):
    """A batch that waits for its chunk to be written, without what its rows were made of."""

    batch: PredictedBatch
    rows: PredictedRows
    traits: TraitSums


def _add_chunk(waiting: list[_Waiting], chunks: Chunks, maker: RowMaker) -> None:
    rows = join_rows(entry.rows for entry in waiting)
    batches = [entry.batch for entry in waiting]
    traits = sum((entry.traits for entry in waiting), TraitSums())
    decoded = np.concatenate([batch.decoded for batch in batches])
    indices = (chunks.images + np.flatnonzero(decoded)).tolist()
    failures = tuple(
        failure
        for batch in batches
        for failure in zip(batch.failed_paths, batch.errors, strict=True)
    )
    statistics = measure(maker.ensemble.task, rows.values)
    chunks.add(
        maker.tabulate(indices, rows), ChunkRecord(len(decoded), failures, statistics, traits)
    )


def describe_all(
    maker: RowMaker, images: int, failed: int, statistics: Statistics
) -> tuple[str, ...]:
    """All warnings about predictions."""
    none = (
        "The one image could not be decoded."
        if images == 1
        else f"None of the {images:,} images could be decoded."
    )
    undecodable = (none,) if images and failed == images else ()
    return (*undecodable, *describe_problems(maker.ensemble.task, statistics))


def describe_images(maker: RowMaker, traits: TraitSums) -> Iterator[str]:
    """How the images differ from those that the model knows, and what to do."""
    if maker.familiar is not None:
        yield from describe_differences(maker.familiar, traits, maker.source.images)


def describe_job(maker: RowMaker) -> Iterator[str]:
    """Notes on the networks and the columns for the user."""
    task, columns = maker.ensemble.task, maker.columns
    manifest = maker.ensemble.members[0].bundle.manifest
    if maker.ensemble.note:
        yield maker.ensemble.note
    if not task.known_mask.all():
        # Counts have further columns, behind those of the outputs.
        known_columns = zip(columns.values, task.known_mask, strict=False)
        names = [name for name, known in known_columns if not known]
        values = "values" if task.decision_tree is None else "votes"
        yield (
            f"{len(names)} of {task.count} {task.output_word} are left empty, because the model "
            f"was trained without {values} for them: {', '.join(names)}."
        )
    if maker.source.id_integer is None and manifest.id_integer and not columns.id_integer:
        yield (
            f"The training table's {columns.id_column} held whole numbers; some of these images "
            "are not called by one, so the column holds text."
        )


def _notes(resumed: int, *, replaced: bool, complete: bool) -> Iterator[str]:
    if complete:
        yield "An earlier run had done all of it already."
    elif resumed:
        yield f"Went on from an earlier run, which had done {counted(resumed, 'image')}."
    if replaced:
        yield "Chunks of another job that were kept for this output have been removed."


def _key(maker: RowMaker, form: str) -> str:
    """Digest of all that the output depends on, but for the device and the batch size.

    Those two are left out so that a job that ran out of memory can go on with a smaller batch.
    A job of images in memory gets a key of its own.
    """
    source = maker.source
    if not source.can_go_on:
        return uuid.uuid4().hex
    key = hashlib.sha256()
    identity = maker.ensemble.identity
    settings = " ".join(settings.model_dump_json() for settings in maker.preprocessings)
    head = (__version__, identity, settings, repr(maker.columns), form, str(source.count))
    key.update("\0".join(head).encode())
    if source.identity is not None:
        key.update(source.identity.encode())
        for index in range(source.count or 0):
            key.update(f"\0{source.name(index)}".encode("utf-8", "surrogateescape"))
    for index, path in enumerate(source.paths or ()):
        size, mtime_ns = identity_of(path)
        identity = f"{size} {mtime_ns}" if mtime_ns else "missing"
        name = source.name(index)
        key.update(f"\0{path}\0{name}\0{identity}".encode("utf-8", "surrogateescape"))
    if maker.carried is not None:
        buffer = pa.BufferOutputStream()
        with pa.ipc.new_stream(buffer, maker.carried.schema) as writer:
            writer.write_table(maker.carried)
        key.update(buffer.getvalue())
    return key.hexdigest()
