"""`Survey.merge`: the results of all shards as one file, a data set of parquet files, or HATS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.arguments import public
from galaxyclass.errors import ArgumentError, OutputError, SurveyError
from galaxyclass.io.atomic import (
    require_new,
    temporary_folder,
    temporary_name,
    translated,
    write_text,
    writing,
    writing_folder,
)
from galaxyclass.io.formulas import require_csv
from galaxyclass.model.provenance import provenance_file, provenance_json
from galaxyclass.model.table_formats import require_ascii, text_columns
from galaxyclass.model.writers import (
    ParquetWriter,
    TableWriter,
    require_failures,
    require_output,
    write_failures,
    writer_of,
)
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary
from galaxyclass.survey.accounting import ShardResult, checked_results, planned_schema
from galaxyclass.survey.folder import SurveyFolder

if TYPE_CHECKING:
    from galaxyclass.survey.survey import Survey

#: Rows of a file of a data set without positions, and of a partition of HATS at most.
PARTITION_ROWS = 1_000_000


@dataclass(frozen=True)
class MergedSurvey:
    """The result of merging a survey.

    Attributes
    ----------
    output : Path
    kind : str
        ``csv``, ``parquet`` and so on, of one file; ``dataset`` or ``hats`` of a folder.
    rows, failed : int
        Objects with predictions, and those whose pictures could not be read.
    failed_file : Path or None
        The list of these.
    files : int
        Files with rows: partitions of HATS.
    without_position : int
        Rows of HATS whose position is unknown; they are in a file of their own.
    """

    output: Path
    kind: str
    rows: int
    failed: int
    failed_file: Path | None
    files: int = 1
    without_position: int = 0

    def __repr__(self) -> str:
        return summary(
            f"MergedSurvey: {counted(self.rows, 'row')}, {counted(self.failed, 'failure')}, "
            f"{self.kind}, "
            f"{short_path(self.output)}"
        )


@public
def merge_survey(
    survey: Survey,
    *,
    output: str | Path,
    margin: float | None = None,
    partition_rows: int | None = None,
    overwrite: bool = False,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> MergedSurvey:
    """Join the results of a survey, in constant memory.

    Parameters
    ----------
    survey : Survey
    output : str or Path
        A file, ``.csv``, ``.parquet``, ``.fits``, ``.vot`` or ``.ecsv``; or a folder. Where
        positions are known, a folder becomes a HATS catalogue, which `lsdb.open_catalog` opens:
        parquet by HEALPix pixel, rows sorted by the column ``_healpix_29``. Otherwise it becomes
        parquet files in the order of the plan, with their statistics in ``_metadata``.
    margin : float, optional
        Of HATS: also write the objects within so many arcseconds of each partition, which exact
        crossmatches need; the folder is then a collection.
    partition_rows : int, optional
        Rows of a file of a folder, at most; by default a million.
    overwrite : bool
        Replace a file. A folder must be new or empty.
    quote_formulas : bool
        As for `galaxyclass.predict`.
    progress : Progress

    Raises
    ------
    ArgumentError
        A margin for anything but a HATS catalogue; rows of a partition for a single file.
    SurveyError
        A shard is not done, or its result was changed; not every object is accounted for.
    OutputError
        The output exists, or cannot be written.
    MissingExtraError
        HATS without cdshealpix; FITS without astropy.
    """
    path = Path(output)
    is_file = bool(path.suffix) and not path.is_dir()
    _require_free(path, is_file=is_file, overwrite=overwrite, quote_formulas=quote_formulas)
    if margin is not None and (is_file or survey.plan.sky is None):
        raise ArgumentError(
            "`margin`: only a HATS catalogue has one",
            argument="margin",
            wanted="a folder as `output`, and a survey with positions",
            got=str(path),
        )
    if partition_rows is not None and is_file:
        raise ArgumentError(
            "`partition_rows`: only a folder has several files",
            argument="partition_rows",
            wanted="a folder as `output`",
            got=str(path),
        )
    most = partition_rows or PARTITION_ROWS
    files = SurveyFolder(survey.folder)
    results = checked_results(files, survey.plan, survey.shards, progress)
    if is_file:
        return _one_file(survey, results, path, progress, quote_formulas=quote_formulas)
    with writing_folder(path) as temporary:
        _write_failures(temporary / "failed.csv", results)
        if survey.plan.sky is not None:
            from galaxyclass.survey.hats import write_hats

            written = write_hats(
                survey.plan,
                results,
                temporary,
                name=path.name,
                margin=margin,
                partition_rows=most,
                progress=progress,
            )
            count, lost = written.partitions, written.without_position
        else:
            count, lost = _data_set(survey, results, temporary, most, progress), 0
    failed = sum(result.failed for result in results)
    return MergedSurvey(
        output=path,
        kind="dataset" if survey.plan.sky is None else "hats",
        rows=sum(result.rows for result in results),
        failed=failed,
        failed_file=path / "failed.csv" if failed else None,
        files=count,
        without_position=lost,
    )


def _require_free(path: Path, *, is_file: bool, overwrite: bool, quote_formulas: bool) -> None:
    """Refuse an output that is there already, or has an unknown ending."""
    if quote_formulas:
        require_csv(path)
    if is_file:
        require_output(path, overwrite=overwrite)
        require_failures(_failed_file(path))
        return
    if overwrite and path.is_dir() and any(path.iterdir()):
        raise OutputError(
            f"{path}: a folder with something in it, which is not replaced",
            argument="overwrite",
            wanted="a new folder or an empty one; `overwrite` replaces files",
            hint="remove it first, or choose another `output`",
        )
    require_new(path)


def _one_file(
    survey: Survey,
    results: Sequence[ShardResult],
    output: Path,
    progress: Progress,
    *,
    quote_formulas: bool,
) -> MergedSurvey:
    empty = _empty(survey, results)
    suffix = output.suffix.lower()
    writer = writer_of(output, quote_formulas=quote_formulas)
    failed = sum(result.failed for result in results)
    with translated(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        chunks_of = temporary_name(output.with_name(f"{output.name}.shards"))
        # The output appears last of all: after a kill before it, the same call begins anew.
        with writing(output) as temporary:
            with temporary_folder(chunks_of) as chunks:
                parts: Iterable[Path] = _followed(results, progress)
                if not isinstance(writer, ParquetWriter):  # the shards are parquet already
                    parts = _write_parts(writer, parts, chunks, output)
                writer.join(temporary, parts, empty)
            listed = _failed_file(output)
            if failed:
                with writing(listed) as list_of_failures:
                    write_failures(
                        list_of_failures, _all_failures(results), quote_formulas=quote_formulas
                    )
            else:
                listed.unlink(missing_ok=True)
            if suffix == ".csv":
                write_text(provenance_file(output), provenance_json(empty.schema))
    return MergedSurvey(
        output=output,
        kind=suffix.removeprefix("."),
        rows=sum(result.rows for result in results),
        failed=failed,
        failed_file=listed if failed else None,
    )


def _write_parts(
    writer: TableWriter, shards: Iterable[Path], folder: Path, output: Path
) -> list[Path]:
    """Write each shard in the format of the output; the files, in the order of the shards."""
    suffix, parts = output.suffix.lower(), []
    for number, shard in enumerate(shards):
        table = pq.ParquetFile(shard, page_checksum_verification=True).read()
        if suffix == ".fits":
            require_ascii(text_columns(table), output)
        parts.append(folder / f"{number:08}{suffix}")
        writer.write_chunk(parts[-1], table)
    return parts


def _data_set(
    survey: Survey,
    results: Sequence[ShardResult],
    folder: Path,
    partition_rows: int,
    progress: Progress,
) -> int:
    """Parquet files in the order of the plan, and the statistics of all in ``_metadata``."""
    schema = _empty(survey, results).schema
    collected: list[pq.FileMetaData] = []
    writer: pq.ParquetWriter | None = None
    count = rows = 0
    try:
        for path in _followed(results, progress):
            table = (
                pq.ParquetFile(path, page_checksum_verification=True)
                .read()
                .cast(schema)
                .replace_schema_metadata(schema.metadata)
            )
            while table.num_rows:
                if writer is None:
                    name = f"part-{count:06}.parquet"
                    writer = pq.ParquetWriter(folder / name, schema, write_page_checksum=True)
                    count, rows = count + 1, 0
                taken = table.slice(0, partition_rows - rows)
                writer.write_table(taken.combine_chunks())
                rows, table = rows + taken.num_rows, table.slice(taken.num_rows)
                if rows == partition_rows:
                    _end(writer, folder, count, collected)
                    writer = None
        if writer is not None:
            _end(writer, folder, count, collected)
            writer = None
    finally:
        if writer is not None:
            writer.close()
    pq.write_metadata(schema, folder / "_common_metadata")
    pq.write_metadata(schema, folder / "_metadata", metadata_collector=collected)
    return count


def _end(
    writer: pq.ParquetWriter, folder: Path, count: int, collected: list[pq.FileMetaData]
) -> None:
    writer.close()
    name = f"part-{count - 1:06}.parquet"
    metadata = pq.read_metadata(folder / name)
    metadata.set_file_path(name)
    collected.append(metadata)


def _empty(survey: Survey, results: Sequence[ShardResult]) -> pa.Table:
    """The columns of the results, without rows; they are the same in all shards.

    Raises
    ------
    SurveyError
        They are not.
    """
    schema = planned_schema(results[0], survey.plan)
    for result in results[1:]:
        other = pq.read_schema(result.predictions)
        if not other.equals(schema):
            raise SurveyError(
                f"{result.predictions}: other columns than in the first shard",
                hint="remove it: the next run predicts the shard again",
            )
    return schema.empty_table()


def _followed(results: Sequence[ShardResult], progress: Progress) -> Iterator[Path]:
    for number, result in enumerate(results):
        progress("merge", number, len(results), unit="shards")
        yield result.predictions
    progress("merge", len(results), len(results), unit="shards")


def _all_failures(results: Sequence[ShardResult]) -> Iterator[tuple[str, str]]:
    return chain.from_iterable(result.read_failures() for result in results)


def _write_failures(path: Path, results: Sequence[ShardResult]) -> None:
    if any(result.failed for result in results):
        write_failures(path, _all_failures(results))


def _failed_file(output: Path) -> Path:
    return output.with_name(f"{output.stem}_failed.csv")
