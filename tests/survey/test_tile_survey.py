"""Sources of tiles as a survey: the same table as of one process, however it is split."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import galaxyclass
from galaxyclass import ArgumentError, ArgumentTypeError, CatalogError, Survey, SurveyError
from galaxyclass.cli.main import main
from galaxyclass.survey.shard import ShardRunner
from tests.support.tiles import make_wcs, save_bands, sky

Planned = Callable[..., Survey]
COUNT, TILES = 47, 3


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Three tiles of three bands beside each other, and a catalogue in no order; one far away."""
    pytest.importorskip("astropy")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(TILES):
        wcs = make_wcs(centre=(150.0 + number * 0.03, 2.0))
        bands = {band: sky(seed=number) for band in "gri"}
        save_bands(tmp_path / "tiles", f"t{number}", bands, wcs)
        x, y = rng.uniform(15, 180, (2, COUNT // TILES + 1))
        ra, dec = wcs.all_pix2world(x, y, 0)
        rows += list(zip(ra.tolist(), dec.tolist(), strict=True))
    rng.shuffle(rows)
    table = {
        "objid": list(range(100, 100 + len(rows))),
        "ra": [ra for ra, _ in rows],
        "dec": [dec for _, dec in rows],
        "z": [0.1] * len(rows),
    }
    table["ra"][7] = 10.0
    pq.write_table(pa.table(table), tmp_path / "sky.parquet")
    return tmp_path / "sky.parquet"


def opened(catalogue: Path, **more: Any) -> Any:
    tiles = [f"{band}={catalogue.parent}/tiles/{{tile}}_{band}.fits" for band in "gri"]
    return galaxyclass.open_tiles(tiles, catalogue, field="20 pixels", size=24, **more)


def test_a_survey_of_tiles_is_what_predict_gives(
    planned: Planned, catalogue: Path, small_model: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sources = opened(catalogue)
    assert [(each.count, each.why) for each in sources.unused] == [(1, "outside of all tiles")]
    plain = galaxyclass.predict(small_model, sources, output=tmp_path / "plain.csv")
    assert (plain.predicted, plain.failed) == (COUNT, 0)
    monkeypatch.chdir(tmp_path)
    for size in (7, 100):
        survey = planned(opened(catalogue), f"night{size}", shard_size=size)
        assert survey.plan.id_column == "objid"
        assert survey.plan.sky == ("ra", "dec")
        monkeypatch.chdir("/")
        assert not survey.run_shards(range(len(survey.shards))).failed
        survey.merge(output=tmp_path / f"{size}.csv")
        assert (tmp_path / f"{size}.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_a_shard_opens_each_tile_once(
    planned: Planned, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyclass.tiles.tile import SkyTile

    survey = planned(opened(catalogue), shard_size=20)
    read: list[str] = []
    plain = SkyTile.read

    def counted(self: SkyTile) -> Any:
        read.append(self.name)
        return plain(self)

    monkeypatch.setattr(SkyTile, "read", counted)
    for number in range(len(survey.shards)):
        read.clear()
        assert not survey.run_shards([number]).failed
        assert len(set(read)) == len(read) <= 2


def test_faults_of_tiles(planned: Planned, catalogue: Path, tmp_path: Path) -> None:
    survey = planned(opened(catalogue), shard_size=20)
    lost = tmp_path / "tiles/t1_r.fits"
    lost.rename(tmp_path / "away.fits")
    result = survey.run_shards([0, 1, 2], retries=0)
    assert result.failed
    assert "t1_r.fits: gone since the survey was planned" in result.failed[0].error
    kept = survey.run_shards([0, 1, 2], accept_lost=True)
    assert kept.done == 3
    assert kept.unreadable >= 10
    (survey.folder / "tiles.parquet").write_bytes(b"")
    with pytest.raises(SurveyError, match=r"tiles.parquet: changed after the survey was planned"):
        ShardRunner.open(survey.folder)


def test_what_does_not_belong_to_tiles(planned: Planned, catalogue: Path, tmp_path: Path) -> None:
    sources = opened(catalogue)
    with pytest.raises(ArgumentError, match="sources of tiles have their own ids"):
        planned(sources, ids_from="stem")
    with pytest.raises(ArgumentError, match="no column 'zz'"):
        planned(sources, carry=["zz"])
    with pytest.raises(ArgumentTypeError, match="not what a survey is planned of"):
        planned(pa.table({"path": ["a.jpg"]}))
    table: Any = pq.read_table(catalogue)
    twice = table.set_column(0, "objid", pa.array([100, *table["objid"].to_pylist()[1:-1], 100]))
    pq.write_table(twice, catalogue)
    with pytest.raises(CatalogError, match="have an id that another has too"):
        planned(opened(catalogue))
    assert (tmp_path / "night_repeated_ids.csv").exists()


def test_the_command_line_of_tiles(
    catalogue: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night = str(tmp_path / "night")
    tiles = [f"{band}={tmp_path}/tiles/{{tile}}_{band}.fits" for band in "gri"]
    words = ["survey", "plan", "--tiles", *tiles, "--catalogue", str(catalogue), "--output", night]
    words += ["--field", "20 pixels", "--size", "24", "--model", str(small_model), "--carry", "z"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "outside of all tiles" in shown
    assert main(["survey", "run", night, "--shard", "0"]) == 0
    assert main(["survey", "merge", night, "--output", f"{night}.parquet"]) == 0
    names = pq.read_schema(f"{night}.parquet").names
    assert names[-8:] == ["ra", "dec", "z", "tile", "x", "y", "missing", "flags"]
    assert json.loads((tmp_path / "night/survey.json").read_text())["cutting"]["size"] == 24
    capsys.readouterr()
    assert main(["survey", "plan", "--catalogue", "c.csv", "x", "--output", night]) == 2
    assert "--catalogue: only with --tiles" in capsys.readouterr().err
    assert main(["survey", "plan", "--output", night]) == 2
