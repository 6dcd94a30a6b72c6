"""One job of prediction: image files with ids into a table, part by part."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.errors import OutputError, PredictionInterruptedError
from galaxyclass.model.backends.backend import require_fit
from galaxyclass.model.bundle.manifest import Manifest, Precision
from galaxyclass.model.checks import describe_problems, measure, nothing_measured
from galaxyclass.model.chunks import ChunkRecord, Chunks, open_chunks
from galaxyclass.model.columns import Columns, PredictionLayout, columns_of, mask_unknown, tabulate
from galaxyclass.model.ensemble import Ensemble, Member, embedding_width
from galaxyclass.model.extra_columns import Included, open_included
from galaxyclass.model.ids import is_exact_integer
from galaxyclass.model.stream import PredictedBatch, predict_stream
from galaxyclass.model.writers import require_failures
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary
from galaxyclass.tasks.outputs import Outputs, VoteOutputs, output_count
from galaxyclass.version import __version__

#: A part is written after the batch that makes it as old or as large as this. What a kill loses is
#: thus bounded in time, whatever the speed, and a fast job does not make a file a second.
CHUNK_SECONDS = 5.0
CHUNK_IMAGES = 16_384


@dataclass(frozen=True)
class PredictionSummary:
    """What a prediction did.

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
        Time that this run took for the others.
    views : int
        Of each galaxy, whose mean was predicted.
    precision : {"fp32", "bf16"}
        Numbers that the networks computed with.
    warnings : tuple of str
        What looks wrong with the predictions, and what to try (`describe_problems`).
    notes : tuple of str
        What else the user ought to know.
    """

    output: Path
    failed_file: Path | None
    images: int
    predicted: int
    failed: int
    resumed: int
    seconds: float
    views: int
    precision: Precision
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        failed = f", {self.failed:,} images could not be decoded" if self.failed else ""
        wrong = f", {len(self.warnings)} warnings" if self.warnings else ""
        return summary(
            f"PredictionSummary: {self.predicted:,} galaxies in "
            f"{short_path(self.output)}{failed}{wrong}"
        )


def predict_files(
    members: Sequence[Member],
    paths: Sequence[str],
    ids: Sequence[str],
    output: Path,
    *,
    views: int | None = None,
    include: Sequence[str] = (),
    batch_size: int | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    layout: PredictionLayout = "table",
) -> PredictionSummary:
    """Predict image files under given ids into a table; what `predict` does once it has these.

    Parameters
    ----------
    members : sequence of Member
        One, or several whose mean is predicted; the first names the id column.
    paths, ids : sequence of str
        An image each, and what it is called; the same length.
    output : Path
        Replaced where it exists.
    views, include, batch_size, workers, progress, layout
        As for `predict`.

    Raises
    ------
    OutputError, PredictionInterruptedError, BundleError
        As for `predict`; BundleError also where the backend does not give what the manifest says.
    """
    begun = time.monotonic()
    ensemble = Ensemble(members, views)
    manifest, outputs = members[0].bundle.manifest, ensemble.outputs
    width = embedding_width(ensemble) if "embedding" in include else 0
    included = open_included(include, [member.bundle for member in members], width)
    integer = all(map(is_exact_integer, ids)) if manifest.id_integer else False
    columns = columns_of(
        outputs,
        manifest.id_column,
        id_integer=integer,
        layout=layout,
        included=included.fields,
    )
    key = _key(ensemble.identity, columns, paths, ids, output.suffix.lower())
    job = _Job(ensemble, columns, ids, included)
    failures = output.with_name(f"{output.stem}_failed.csv")
    require_failures(failures)
    with open_chunks(output, key, nothing_measured(outputs)) as (parts, replaced):
        resumed = parts.images
        try:
            progress("predict", resumed, len(paths))
            stream = predict_stream(
                paths,
                ensemble.preprocessings,
                ensemble.backend,
                batch_size,
                workers,
                start=resumed,
                look=included.look,
            )
            with closing(stream):
                _add_parts(stream, parts, job, progress)
            failed_file = parts.finish(job.tabulate([], job.nothing), failures)
        except KeyboardInterrupt:
            raise PredictionInterruptedError(
                f"stopped; {_kept(parts, len(paths))}",
                hint="run the same again: it goes on from there",
            ) from None
        except OutputError as error:
            raise OutputError(
                error.what,
                wanted=error.wanted,
                got=_kept(parts, len(paths)),
                hint=f"{error.hint}; the same again goes on from there",
            ) from error
    return PredictionSummary(
        output=output,
        failed_file=failed_file,
        images=len(paths),
        predicted=len(paths) - parts.failed,
        failed=parts.failed,
        resumed=resumed,
        seconds=time.monotonic() - begun,
        views=ensemble.views,
        precision=ensemble.precision,
        warnings=(*_undecodable(len(paths), parts), *describe_problems(outputs, parts.statistics)),
        notes=(
            *((ensemble.note,) if ensemble.note else ()),
            *_notes(outputs, manifest, columns, resumed, replaced=replaced),
        ),
    )


@dataclass(frozen=True)
class _Job:
    """What a part needs to know of the whole."""

    ensemble: Ensemble
    columns: Columns
    ids: Sequence[str]
    included: Included

    @property
    def nothing(self) -> _Rows:
        """Those of no galaxy."""
        shapes = ((0, output_count(self.ensemble.outputs)), (0, len(self.columns.included)))
        return _Rows(*(np.empty(shape, np.float32) for shape in shapes))

    def rows(self, batch: PredictedBatch) -> _Rows:
        """What is written of a batch: nothing else of it is kept until then."""
        said, ensemble = batch.estimates, self.ensemble
        if said is None:
            return self.nothing
        require_fit(said, int(batch.decoded.sum()), ensemble.outputs, ensemble.auxiliary)
        return _Rows(said.values, self.included.make(said, batch.looks))

    def tabulate(self, names: list[str], rows: _Rows) -> pa.Table:
        """Lay galaxies' rows out as a table."""
        outputs = self.ensemble.outputs
        values = mask_unknown(outputs, rows.values)
        return tabulate(outputs, self.columns, names, values, rows.included)


class _Rows(NamedTuple):
    """Of each galaxy (galaxies, columns) float32: what is predicted, and what is included."""

    values: NDArray[np.float32]
    included: NDArray[np.float32]


def _add_parts(
    stream: Iterator[PredictedBatch], parts: Chunks, job: _Job, progress: Progress
) -> None:
    """Gather batches into parts and write each; the stream begins where the parts end."""
    begun = time.monotonic()
    total = len(job.ids)
    waiting: list[tuple[PredictedBatch, _Rows]] = []
    failed = parts.failed
    for batch in stream:
        rows = job.rows(batch)
        waiting.append((replace(batch, estimates=None, looks=None), rows))
        failed += len(batch.errors)
        end = batch.start + len(batch.paths)
        progress("predict", end, total, note=f"{failed:,} cannot be decoded" if failed else "")
        old = time.monotonic() - begun >= CHUNK_SECONDS
        if old or end - parts.images >= CHUNK_IMAGES or end == total:
            _add_part(waiting, parts, job)
            waiting, begun = [], time.monotonic()


def _add_part(waiting: list[tuple[PredictedBatch, _Rows]], parts: Chunks, job: _Job) -> None:
    rows = _Rows(*map(np.concatenate, zip(*(rows for _, rows in waiting), strict=True)))
    batches = [batch for batch, _ in waiting]
    decoded = np.concatenate([batch.decoded for batch in batches])
    names = [job.ids[parts.images + int(place)] for place in np.flatnonzero(decoded)]
    failures = tuple(
        failure
        for batch in batches
        for failure in zip(
            (path for path, fine in zip(batch.paths, batch.decoded, strict=True) if not fine),
            batch.errors,
            strict=True,
        )
    )
    statistics = measure(job.ensemble.outputs, rows.values)
    parts.add(job.tabulate(names, rows), ChunkRecord(len(decoded), failures, statistics))


def _kept(parts: Chunks, images: int) -> str:
    return f"{parts.images:,} of {images:,} images are done and kept in {parts.folder}"


def _undecodable(images: int, parts: Chunks) -> tuple[str, ...]:
    if images and parts.failed == images:
        return (f"None of the {images:,} images could be decoded.",)
    return ()


def _notes(
    outputs: Outputs, manifest: Manifest, columns: Columns, resumed: int, *, replaced: bool
) -> Iterator[str]:
    if resumed:
        yield f"Went on from an earlier run, which had done {resumed:,} images."
    if replaced:
        yield "Chunks of another job that were kept for this output have been removed."
    if isinstance(outputs, VoteOutputs) and not all(outputs.known):
        names = [
            name for name, known in zip(columns.values, outputs.known, strict=True) if not known
        ]
        yield (
            f"{len(names)} of {len(columns.values)} answers are left empty, because the model was "
            f"trained without votes for them: {', '.join(names)}."
        )
    if manifest.id_integer and not columns.id_integer:
        yield (
            f"The training table's {columns.id_column} held whole numbers; some of these images "
            "are not called by one, so the column holds text."
        )


def _key(
    identity: str, columns: Columns, paths: Sequence[str], ids: Sequence[str], suffix: str
) -> str:
    """What the bytes of the output depend on, but for the device and the size of a batch.

    Those two are left out so that a job that ran out of memory can go on with a smaller batch.
    """
    key = hashlib.sha256()
    head = (__version__, identity, repr(columns), suffix, str(len(paths)))
    key.update("\0".join(head).encode())
    for path, name in zip(paths, ids, strict=True):
        try:
            status = os.stat(path)  # noqa: PTH116 - three times faster than through Path
            identity = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            identity = "missing"
        key.update(f"\0{path}\0{name}\0{identity}".encode("utf-8", "surrogateescape"))
    return key.hexdigest()
