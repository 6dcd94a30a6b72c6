"""Merging: every object accounted for; HATS as worked by hand, and as lsdb opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import galaxyclass
from galaxyclass import ArgumentError, OutputError, Survey, SurveyError
from galaxyclass.survey.hats_margin import margin_order
from galaxyclass.survey.partitions import Partitions

Planned = Callable[..., Survey]


@pytest.fixture
def with_positions(planned: Planned, pictures: list[Path], tmp_path: Path) -> Survey:
    """A survey that is done; half of it within a degree, and one position unknown."""
    rng = np.random.default_rng(1)
    count = len(pictures)
    ra = np.where(np.arange(count) < count // 2, 10 + rng.random(count), rng.uniform(0, 360, count))
    dec = np.where(np.arange(count) < count // 2, rng.random(count), rng.uniform(-89, 89, count))
    ra[5] = np.nan
    columns = {"file": [str(path) for path in pictures], "ra": ra, "dec": dec, "z": ra / 100}
    pq.write_table(pa.table(columns), tmp_path / "list.parquet")
    survey = planned(tmp_path / "list.parquet", carry=["z"])
    assert not survey.run_shards([0, 1, 2]).failed
    return survey


def test_partitions_hold_all_and_not_too_many() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 12 * 4**29, 500)
    counts = np.bincount(pixels >> 2 * 26, minlength=12 * 4**3).astype(np.int64)
    found = Partitions.of(counts, 3, 20)
    number = found.find(pixels)
    assert np.bincount(number).max() <= 20
    for row in range(0, 500, 50):
        order, pixel = found.pixel(int(number[row]))
        assert pixels[row] >> 2 * (29 - order) == pixel


def test_one_file_of_each_kind(with_positions: Survey, tmp_path: Path) -> None:
    table: Any = None
    for kind in ("parquet", "csv", "fits", "vot"):
        merged = with_positions.merge(output=tmp_path / f"all.{kind}")
        assert (merged.kind, merged.rows) == (kind, 60)
        if kind == "parquet":
            table = pq.read_table(merged.output)
        if kind == "fits":
            fits = pytest.importorskip("astropy.io.fits")
            assert fits.getdata(merged.output)["red"].tolist() == table["red"].to_pylist()
    assert table.column_names[-3:] == ["ra", "dec", "z"]
    assert table.schema.field("ra").metadata[b"ucd"] == b"pos.eq.ra;meta.main"
    with pytest.raises(OutputError, match="exists already"):
        with_positions.merge(output=tmp_path / "all.csv")
    with pytest.raises(ArgumentError, match="only a HATS catalogue has"):
        with_positions.merge(output=tmp_path / "other.csv", margin=5)
    with pytest.raises(ArgumentError, match="only a folder has several files"):
        with_positions.merge(output=tmp_path / "other.csv", partition_rows=5)


def test_a_folder_without_positions(planned: Planned, tmp_path: Path) -> None:
    survey = planned()
    survey.run_shards([0, 1, 2])
    merged = survey.merge(output=tmp_path / "set", partition_rows=40)
    assert (merged.kind, merged.files, merged.rows) == ("dataset", 2, 60)
    metadata = pq.read_metadata(tmp_path / "set" / "_metadata")
    assert metadata.num_rows == 60
    assert metadata.row_group(0).column(1).statistics.has_min_max
    whole = pq.read_table(tmp_path / "set")
    survey.merge(output=tmp_path / "all.parquet")
    assert whole.equals(pq.read_table(tmp_path / "all.parquet"))
    with pytest.raises(OutputError, match="a folder with something in it, which is not replaced"):
        survey.merge(output=tmp_path / "set", overwrite=True)
    failures = survey.folder / "results/000000/0000001_failed.csv"
    failures.write_text("id,path,error\n1,1.jpg,none\n")
    with pytest.raises(SurveyError, match="shard 1: not every object is accounted for"):
        survey.merge(output=tmp_path / "other.parquet")


def test_rows_without_a_position_are_told_when_it_is_planned(
    pictures: list[Path], small_model: Path, tmp_path: Path
) -> None:
    rows = [f"{path},{'' if n < 2 else n},{'' if n < 3 else n}" for n, path in enumerate(pictures)]
    (tmp_path / "list.csv").write_text("\n".join(["file,ra,dec", *rows]) + "\n")
    planned = galaxyclass.plan_survey(
        tmp_path / "list.csv", output=tmp_path / "night", model=small_model, measured=False
    )
    assert "no position in 3 of 60 rows" in planned.notes[-1]


def test_hats_by_hand(with_positions: Survey, tmp_path: Path) -> None:
    pytest.importorskip("cdshealpix", reason="cdshealpix is not installed: no HATS")
    merged = with_positions.merge(output=tmp_path / "hats", partition_rows=10, margin=1800)
    assert (merged.kind, merged.rows, merged.without_position) == ("hats", 60, 1)
    primary = tmp_path / "hats" / "hats"
    files = sorted((primary / "dataset").rglob("Npix=*.parquet"))
    assert len(files) == merged.files > 6
    rows = []
    for file in files:
        order = int(file.parts[-3].removeprefix("Norder="))
        pixel = int(file.stem.removeprefix("Npix="))
        assert file.parts[-2] == f"Dir={pixel // 10_000 * 10_000}"
        pixels = pq.read_table(file, partitioning=None)["_healpix_29"].to_numpy()
        assert (pixels >> 2 * (29 - order) == pixel).all()
        assert (np.diff(pixels) >= 0).all()
        rows.append(len(pixels))
    assert sum(rows) == 59
    assert pq.read_metadata(primary / "dataset" / "_metadata").num_rows == 59
    assert "hats_nrows=59" in (primary / "hats.properties").read_text()
    # A partition's margin has none of its own objects.
    assert margin_order(1800) == 5
    margin = tmp_path / "hats" / "hats_margin"
    for file in (margin / "dataset").rglob("Npix=*.parquet"):
        order = int(file.parts[-3].removeprefix("Norder="))
        pixels = pq.read_table(file, partitioning=None)["_healpix_29"].to_numpy()
        assert (pixels >> 2 * (29 - order) != int(file.stem.removeprefix("Npix="))).all()


@pytest.mark.slow
def test_lsdb_opens_it(with_positions: Survey, tmp_path: Path) -> None:
    lsdb = pytest.importorskip("lsdb", reason="lsdb is not installed: nobody opens our HATS here")
    with_positions.merge(output=tmp_path / "hats", partition_rows=10, margin=10)
    catalog = lsdb.open_catalog(tmp_path / "hats")
    assert len(catalog) == 59
    assert len(catalog.cone_search(ra=10.5, dec=0.5, radius_arcsec=3600).compute()) > 10
    assert catalog.margin is not None
