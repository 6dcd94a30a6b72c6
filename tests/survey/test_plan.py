"""Sources of all kinds become the same plan: ids by a stated rule, every fault named."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from galaxyclass import ArgumentError, CatalogError, OutputError, Survey, SurveyError, open_survey
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.listed import listed_pieces
from galaxyclass.survey.manifest import read_objects
from galaxyclass.survey.measure import bytes_per_image
from galaxyclass.survey.pieces import ListColumns

Planned = Callable[..., Survey]


def objects(survey: Survey) -> pa.Table:
    files = SurveyFolder(survey.folder)
    return pa.concat_tables([read_objects(files, shard) for shard in survey.shards])


def test_tars_are_split_within(planned: Planned, tars: Path, pictures: list[Path]) -> None:
    survey = planned()
    assert [shard.images for shard in survey.shards] == [25, 25, 10]
    assert objects(survey)["id"].to_pylist() == [path.stem for path in pictures]
    assert objects(survey)["path"][16].as_py() == f"{tars}/00001.tar/{pictures[16].name}"
    assert survey.plan.id_integer
    assert pq.read_table(survey.folder / "sources.parquet")["images"].to_pylist() == [
        16,
        16,
        16,
        12,
    ]


def _list(tmp_path: Path, pictures: list[Path], kind: str) -> Path:
    path = tmp_path / f"list.{kind}"
    columns = {
        "file": [str(picture) for picture in pictures],
        "objid": [f"J{row}" for row in range(len(pictures))],
        "RA": np.linspace(0, 350, len(pictures)),
        "Dec": np.linspace(-80, 80, len(pictures)),
    }
    if kind == "txt":
        path.write_text("".join(f"{picture}\n" for picture in pictures))
    elif kind == "csv":
        rows = zip(*columns.values(), strict=True)
        path.write_text("file,objid,RA,Dec\n" + "".join(",".join(map(str, r)) + "\n" for r in rows))
    else:
        pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("kind", ["folder", "txt", "csv", "parquet", "zip"])
def test_ids_are_the_same_for_every_kind_of_source(
    kind: str, planned: Planned, pictures: list[Path], tmp_path: Path
) -> None:
    source = pictures[0].parent
    if kind == "zip":
        source = tmp_path / "all.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for picture in pictures:
                archive.write(picture, f"a/{picture.name}")
    elif kind != "folder":
        source = _list(tmp_path, pictures, kind)
    survey = planned(source)
    assert objects(survey)["id"].to_pylist() == [path.stem for path in pictures]
    assert survey.plan.sky == (("RA", "Dec") if kind in ("csv", "parquet") else None)
    if survey.plan.sky:
        named = planned(source, "named", id_column="objid", carry=["all"])
        assert objects(named)["id"].to_pylist()[:2] == ["J0", "J1"]
        assert objects(named).column_names == ["id", "path", "carried.RA", "carried.Dec"]
        assert named.plan.id_column == "objid"
        assert not named.plan.id_integer


def test_pictures_inside_tables(planned: Planned, pictures: list[Path], tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    table = pa.table({"id": ["x1", "x2"], "image": [path.read_bytes() for path in pictures[:2]]})
    pq.write_table(table, tmp_path / "inside.parquet")
    with h5py.File(tmp_path / "stack.h5", "w") as file:
        file["images"] = np.zeros((3, 8, 8, 3), np.uint8)
    survey = planned([tmp_path / "inside.parquet", tmp_path / "stack.h5"])
    assert objects(survey)["id"].to_pylist() == ["x1", "x2", "0000000", "0000001", "0000002"]


def test_repeated_ids_are_refused_and_listed(planned: Planned, tars: Path, tmp_path: Path) -> None:
    (tars / "later").mkdir()
    (tars / "later/00009.tar").write_bytes((tars / "00001.tar").read_bytes())
    with pytest.raises(CatalogError, match="32 pictures have an id that another has too") as caught:
        planned()
    listed = tmp_path / "night_repeated_ids.csv"
    assert len(listed.read_text().splitlines()) == 33
    assert 'ids_from="path"' in str(caught.value)
    assert not (tmp_path / "night").exists()
    ids = objects(planned(ids_from="path"))["id"].to_pylist()
    assert ids[-1].startswith("later/00009.tar/5877")


def test_damaged_archives_are_named_or_left_out(planned: Planned, tars: Path) -> None:
    (tars / "00002.tar").write_bytes((tars / "00002.tar").read_bytes()[:5000])
    with pytest.raises(CatalogError, match="cannot be used: 1 of 4 archives"):
        planned()
    assert planned(skip_invalid=True).plan.images == 44


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["a.jpg", '""'], "no path in row 2"),
    ],
)
def test_lists_with_faults(lines: list[str], what: str, planned: Planned, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("\n".join(["file", *lines]) + "\n")
    with pytest.raises(CatalogError, match=what):
        planned(path)


def test_lists_in_another_encoding(planned: Planned, pictures: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{pictures[0]}\n", encoding="utf-8-sig")  # as some editors write it
    (piece,) = listed_pieces(str(path), ListColumns(), [])
    assert piece.paths.to_pylist() == [str(pictures[0])]
    path.write_bytes(f"{pictures[0]}\ncaf\u00e9.jpg\n".encode("latin-1"))
    with pytest.raises(CatalogError, match="not text in UTF-8"):
        planned(path)
    (tmp_path / "list.parquet").write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(CatalogError, match="cannot be read"):
        planned(tmp_path / "list.parquet")


def test_wrong_calls(planned: Planned, tmp_path: Path, pictures: list[Path]) -> None:
    with pytest.raises(CatalogError, match="no such file or folder"):
        planned(tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match="ids from a column need its name"):
        planned(ids_from="column")
    with pytest.raises(ArgumentError, match="only a list has columns"):
        planned(id_column="objid")
    with pytest.raises(ArgumentError, match="no column 'objct'"):
        planned(_list(tmp_path, pictures, "csv"), id_column="objct")
    (tmp_path / "x.rar").touch()
    with pytest.raises(CatalogError, match="nothing that pictures can be read from"):
        planned(tmp_path / "x.rar")
    planned()
    with pytest.raises(OutputError, match="there is something here already: a survey"):
        planned()
    with pytest.raises(SurveyError, match="no survey"):
        open_survey(tmp_path)


def test_a_measurement_finds_that_nothing_can_be_read(
    planned: Planned, tmp_path: Path, pictures: list[Path]
) -> None:
    cost = planned(name="measured", measured=True).plan.cost
    assert cost.images == 60
    assert 10 < cost.bytes_per_image < 38 * 8
    (tmp_path / "list.txt").write_text("gone/1.jpg\ngone/2.jpg\n")
    with pytest.raises(SurveyError, match="none of 2 pictures that were tried can be read"):
        planned(tmp_path / "list.txt", measured=True)


def test_the_size_of_results_is_that_of_their_numbers() -> None:
    numbers = np.random.default_rng(0).random((2, 5000)).astype(np.float32)
    tables = [pa.table({"a": row}) for row in numbers]
    assert bytes_per_image(tables) == pytest.approx(4, rel=0.5)


def test_a_plan_that_was_changed_is_refused(planned: Planned) -> None:
    survey = planned()
    shards = survey.folder / "shards.parquet"
    pq.write_table(pq.read_table(shards).slice(1), shards)
    with pytest.raises(SurveyError, match="changed after the survey was planned"):
        open_survey(survey.folder)
    manifest = survey.folder / "survey.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(SurveyError, match="made by a newer version"):
        open_survey(survey.folder)


def test_objects_that_were_changed_are_refused(planned: Planned) -> None:
    survey = planned()
    file = survey.folder / "objects/000000.parquet"
    table: Any = pq.read_table(file)
    changed = table.set_column(0, "id", pa.array(["other", *table["id"].to_pylist()[1:]]))
    pq.write_table(changed, file, row_group_size=25)
    result = survey.run_shards([0, 1], retries=0)
    assert result.done == 1
    assert "the objects of shard 0 changed" in result.failed[0].error
