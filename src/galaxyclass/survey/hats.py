"""HATS: a catalogue as parquet by HEALPix pixel, which `lsdb.open_catalog` reads.

The layout is that of the IVOA Note on the Hierarchical Adaptive Tiling Scheme 1.0 (2025):
``hats.properties``, ``partition_info.csv`` and ``dataset/Norder=K/Dir=D/Npix=N.parquet``, rows
sorted by ``_healpix_29``, the pixel of order 29 in the nested scheme.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxyclass.extras import require
from galaxyclass.progress import Progress
from galaxyclass.survey.accounting import ShardResult, planned_schema
from galaxyclass.survey.hats_margin import Margins, margin_order
from galaxyclass.survey.manifest import SurveyPlan
from galaxyclass.survey.partitions import HIGHEST, Partitions
from galaxyclass.version import __version__

HEALPIX = "_healpix_29"
_ORDER = 29
#: Rows that are gathered before they are given to their partitions.
_GATHERED = 500_000


@dataclass(frozen=True)
class WrittenHats:
    """How many partitions a catalogue has, and how many rows have no position."""

    partitions: int
    without_position: int


def write_hats(
    plan: SurveyPlan,
    results: Sequence[ShardResult],
    folder: Path,
    *,
    name: str,
    margin: float | None,
    partition_rows: int,
    progress: Progress,
) -> WrittenHats:
    """Write a HATS catalogue into an empty folder; with a margin, a collection of two.

    Parameters
    ----------
    plan : SurveyPlan
    results : sequence of ShardResult
    folder : Path
    name : str
        Of the catalogue.
    margin : float or None
        Arcseconds.
    partition_rows : int
        Rows of a partition, at most; more only where a pixel of order 9 has more.
    progress : Progress

    Raises
    ------
    MissingExtraError
        cdshealpix is not installed.
    """
    require("cdshealpix", "astropy")
    schema = planned_schema(results[0], plan)
    highest = HIGHEST if margin is None else min(HIGHEST, margin_order(margin))
    partitions = Partitions.of(_counts(plan, results, highest, progress), highest, partition_rows)
    primary = folder if margin is None else folder / name
    catalogue = _Catalogue(primary, partitions, schema)
    beside = None
    if margin is not None:
        beside = _Catalogue(folder / f"{name}_margin", partitions, schema)
    margins = None if margin is None else Margins.of(partitions, margin_order(margin))
    lost = _distribute(
        plan,
        results,
        folder,
        catalogue=catalogue,
        beside=beside,
        margins=margins,
        progress=progress,
    )
    catalogue.finish()
    words = {
        "hats_col_ra": plan.sky[0] if plan.sky else "",
        "hats_col_dec": plan.sky[1] if plan.sky else "",
        "hats_creation_date": f"{plan.planned}T00:00UTC",
    }
    catalogue.describe({"obs_collection": name, "dataproduct_type": "object", **words})
    if beside is not None and margin is not None:
        beside.finish()
        more = {"hats_primary_table_url": name, "hats_margin_threshold": f"{margin:g}"}
        beside.describe(
            {"obs_collection": f"{name}_margin", "dataproduct_type": "margin", **words, **more}
        )
        _write_properties(
            folder / "collection.properties",
            {
                "obs_collection": name,
                "hats_primary_table_url": name,
                "all_margins": f"{name}_margin",
                "default_margin": f"{name}_margin",
            },
        )
    return WrittenHats(len(catalogue.rows), lost)


def healpix_29(
    table: pa.Table, sky: tuple[str, str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The pixel of order 29 of each row, and whether its position is known."""
    nested = require("cdshealpix.nested")
    coordinates: Any = require("astropy.coordinates")
    ra, dec = (_degrees(table[name]) for name in sky)
    known = np.isfinite(ra) & np.isfinite(dec)
    pixels = nested.lonlat_to_healpix(
        coordinates.Longitude(np.where(known, ra, 0), "deg"),
        coordinates.Latitude(np.where(known, dec, 0), "deg"),
        np.uint8(_ORDER),
        num_threads=1,
    )
    return pixels.astype(np.int64), known


def _degrees(column: Any) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(), np.float64)


def _counts(
    plan: SurveyPlan, results: Sequence[ShardResult], order: int, progress: Progress
) -> NDArray[np.int64]:
    """(pixels of that order,) How many rows are in each."""
    assert plan.sky is not None, "HATS is written where positions are known"
    counts = np.zeros(12 * 4**order, np.int64)
    for number, result in enumerate(results):
        progress("positions", number, len(results), unit="shards")
        table = pq.read_table(
            result.predictions,
            columns=list(plan.sky),
            partitioning=None,
            page_checksum_verification=True,
        )
        pixels, known = healpix_29(table, plan.sky)
        found, many = np.unique(pixels[known] >> 2 * (_ORDER - order), return_counts=True)
        counts[found] += many
    progress("positions", len(results), len(results), unit="shards")
    return counts


def _distribute(
    plan: SurveyPlan,
    results: Sequence[ShardResult],
    folder: Path,
    *,
    catalogue: _Catalogue,
    beside: _Catalogue | None,
    margins: Margins | None,
    progress: Progress,
) -> int:
    """Give each row to its partition; those without a position to a file of their own."""
    assert plan.sky is not None, "HATS is written where positions are known"
    lost: list[pa.Table] = []
    for table in _gathered(results, progress):
        pixels, known = healpix_29(table, plan.sky)
        if not known.all():
            lost.append(table.filter(pa.array(~known)))
            table, pixels = table.filter(pa.array(known)), pixels[known]  # noqa: PLW2901
        table = table.add_column(0, pa.field(HEALPIX, pa.int64()), pa.array(pixels))  # noqa: PLW2901
        catalogue.add(table, catalogue.partitions.find(pixels))
        if beside is not None and margins is not None:
            rows, partition = margins.find(pixels)
            beside.add(table.take(pa.array(rows)), partition)
    if lost:
        pq.write_table(
            pa.concat_tables(lost), folder / "without_position.parquet", write_page_checksum=True
        )
    return sum(table.num_rows for table in lost)


def _gathered(results: Sequence[ShardResult], progress: Progress) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    count = 0
    for number, result in enumerate(results):
        progress("merge", number, len(results), unit="shards")
        table = (
            pq.ParquetFile(result.predictions, page_checksum_verification=True)
            .read()
            .replace_schema_metadata(None)
        )
        waiting.append(table)
        count += table.num_rows
        if count >= _GATHERED:
            yield pa.concat_tables(waiting)
            waiting, count = [], 0
    if waiting:
        yield pa.concat_tables(waiting)
    progress("merge", len(results), len(results), unit="shards")


@dataclass
class _Catalogue:
    """A catalogue that is being written: first pieces of its partitions, then these whole."""

    folder: Path
    partitions: Partitions
    schema: pa.Schema
    rows: dict[int, int] = field(default_factory=dict)
    _pieces: dict[int, list[Path]] = field(default_factory=dict)
    _count: int = 0

    @property
    def _spool(self) -> Path:
        return self.folder / ".pieces"

    def add(self, table: pa.Table, partition: NDArray[np.int64]) -> None:
        """Give rows to their partitions."""
        self._spool.mkdir(parents=True, exist_ok=True)
        order = np.argsort(partition, kind="stable")
        numbers, first = np.unique(partition[order], return_index=True)
        bounds = [*first.tolist(), len(order)]
        for index, number in enumerate(numbers.tolist()):
            rows = order[bounds[index] : bounds[index + 1]]
            path = self._spool / f"{self._count:08}.parquet"
            pq.write_table(
                table.take(pa.array(rows)), path, compression="lz4", write_page_checksum=True
            )
            self._pieces.setdefault(number, []).append(path)
            self._count += 1

    def finish(self) -> None:
        """Write each partition as one file, sorted, and the files about all of them."""
        collected: list[pq.FileMetaData] = []
        schema = pa.schema([pa.field(HEALPIX, pa.int64()), *self.schema], self.schema.metadata)
        dataset = self.folder / "dataset"
        dataset.mkdir(parents=True, exist_ok=True)
        for number in sorted(self._pieces):
            table = pa.concat_tables(
                [
                    pq.ParquetFile(path, page_checksum_verification=True).read()
                    for path in self._pieces[number]
                ]
            )
            id_column = self.schema.names[0]
            table = table.sort_by([(HEALPIX, "ascending"), (id_column, "ascending")])
            order, pixel = self.partitions.pixel(number)
            name = f"Norder={order}/Dir={pixel // 10_000 * 10_000}/Npix={pixel}.parquet"
            (dataset / name).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(
                pa.table(table.columns, schema=schema).combine_chunks(),
                dataset / name,
                compression="zstd",
                write_page_checksum=True,
            )
            metadata = pq.read_metadata(dataset / name)
            metadata.set_file_path(name)
            collected.append(metadata)
            self.rows[number] = table.num_rows
            for path in self._pieces[number]:
                path.unlink()
        shutil.rmtree(self._spool, ignore_errors=True)
        pq.write_metadata(schema, dataset / "_common_metadata")
        pq.write_metadata(schema, dataset / "_metadata", metadata_collector=collected)
        lines = ["Norder,Npix"]
        lines += [
            f"{order},{pixel}" for order, pixel in map(self.partitions.pixel, sorted(self.rows))
        ]
        (self.folder / "partition_info.csv").write_text("\n".join(lines) + "\n", "utf-8")

    def describe(self, words: Mapping[str, str]) -> None:
        """Write the properties of the catalogue."""
        orders = [self.partitions.pixel(number)[0] for number in self.rows]
        sky = sum(1 / (12 * 4**order) for order in orders)
        size = sum(path.stat().st_size for path in self.folder.rglob("*.parquet"))
        properties = {
            **words,
            "hats_nrows": str(sum(self.rows.values())),
            "hats_col_healpix": HEALPIX,
            "hats_col_healpix_order": str(_ORDER),
            "hats_npix_suffix": ".parquet",
            "hats_order": str(max(orders, default=0)),
            "hats_max_rows": str(max(self.rows.values(), default=0)),
            "hats_estsize": str(size // 1024),
            "moc_sky_fraction": f"{sky:.8f}",
            "hats_version": "v1.0",
            "hats_builder": f"galaxyclass {__version__}",
        }
        for name in ("hats.properties", "properties"):
            _write_properties(self.folder / name, properties)


def _write_properties(path: Path, properties: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["#HATS catalog", *(f"{name}={text}" for name, text in properties.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
