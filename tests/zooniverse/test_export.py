"""Pictures and manifest of subjects, and the way back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, CatalogError, ImageError
from galaxyclass.model.provenance import PROVENANCE
from galaxyclass.zooniverse.classifications import id_of
from galaxyclass.zooniverse.export_subjects import export_subjects

P_COLUMNS = ("P_EL", "P_CW", "P_ACW", "P_EDGE", "P_DK", "P_MG")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(1, 5):
        Image.fromarray(np.full((60, 80, 3), 50 * number, np.uint8)).save(folder / f"{number}.png")
    (folder / "4.png").write_bytes(b"not a picture")
    return folder


def test_each_column_of_a_manifest_has_a_name_of_its_own(images: Path, tmp_path: Path) -> None:
    table = pa.table({"id": ["1", "2"], "reason": ["strange", "likely"], "mag": [15, 16]})
    folder = export_subjects(images, table, output=tmp_path / "s", reason="x", carry=["all"]).folder
    with (folder / "manifest.csv").open() as file:
        header = next(csv.reader(file))
    assert len(set(header)) == len(header)
    assert manifest(folder)[1]["#reason"] == "x; likely"
    assert manifest(folder)[1]["#reason_of_table"] == "likely"
    with pytest.raises(ArgumentError, match="lowest of which"):
        export_subjects(images, table, output=tmp_path / "t", lowest=True)


def test_nobody_voted_is_no_uncertainty(images: Path, tmp_path: Path) -> None:
    values = {name: [0.0, 0.2] for name in P_COLUMNS}
    table = pa.table({"id": ["1", "2"], **values})
    exported = export_subjects(images, table, output=tmp_path / "s", by="uncertain")
    assert [each["#id"] for each in manifest(exported.folder)] == ["2"]
    assert "1 galaxy has no uncertainty." in exported.notes


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open() as file:
        return list(csv.DictReader(file))


def test_uncertain_galaxies_with_the_model_that_chose_them(images: Path, tmp_path: Path) -> None:
    table = tmp_path / "predicted.csv"
    rows = ["id,P_EL,P_CW,P_ACW,P_EDGE,P_DK,P_MG,mag", "1,1,0,0,0,0,0,15", "2,.5,.5,0,0,0,0,16"]
    table.write_text(
        "\n".join([*rows, "3,.2,.2,.2,.2,.1,.1,17", "4,.3,.2,.2,.1,.1,.1,18", "9,1,0,0,0,0,0,"])
    )
    (tmp_path / "predicted_provenance.json").write_text(
        json.dumps({"software": "galaxyclass", "model": "runs/a", "digest": "0123456789abcdef"})
    )
    exported = export_subjects(
        images,
        table,
        output=tmp_path / "s",
        by="uncertain",
        count=2,
        reason="round 1",
        carry=["mag"],
    )
    first, second = manifest(exported.folder)
    assert (first["filename"], first["#id"], first["#mag"]) == ("3.jpg", "3", "17")
    assert first["#model"] == "runs/a 0123456789ab"
    assert first["#reason"].startswith("round 1; entropy of the answers 0.97")
    assert second["#id"] == "2"
    with Image.open(exported.folder / "3.jpg") as picture:
        assert picture.size == (424, 318)
    assert [galaxy for galaxy, _ in exported.failed] == ["4"]
    assert "1 galaxy of the table has no image." in exported.notes
    # What volunteers classify comes back under the galaxy's id.
    assert id_of(dict(first), None) == "3"


def test_predictions_of_another_model_are_refused(images: Path, tmp_path: Path) -> None:
    table = tmp_path / "predicted.csv"
    table.write_text("id,P_EL,P_CW,P_ACW,P_EDGE,P_DK,P_MG\n1,1,0,0,0,0,0")
    made_by = {"software": "galaxyclass", "model": "mine", "digest": "0", "sources": ["pretrained"]}
    (tmp_path / "predicted_provenance.json").write_text(json.dumps(made_by))
    with pytest.raises(CatalogError, match="made by another model") as refused:
        export_subjects(images, table, output=tmp_path / "s", by="uncertain")
    assert "predict again" in str(refused.value.hint)
    exported = export_subjects(
        images, table, output=tmp_path / "s", by="uncertain", tree="galaxy_zoo_1"
    )
    assert exported.notes
    gone = {**made_by, "sources": ["gone"]}
    (tmp_path / "predicted_provenance.json").write_text(json.dumps(gone))
    export_subjects(images, table, output=tmp_path / "t", by="uncertain")


def test_all_images_and_wrong_calls(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["zooniverse", "export", "--images", str(images), "--output", str(tmp_path / "a")])
        == 0
    )
    assert "3 subjects" in capsys.readouterr().out
    assert [each["#id"] for each in manifest(tmp_path / "a")] == ["1", "2", "3"]
    with pytest.raises(ArgumentError, match="only a table"):
        export_subjects(images, output=tmp_path / "b", by="mag")
    with pytest.raises(CatalogError, match="no column 'strangeness'"):
        export_subjects(images, {"id": ["1"], "x": [2]}, output=tmp_path / "b", by="strange")
    with pytest.raises(CatalogError, match="holds no numbers"):
        export_subjects(images, {"id": ["1"], "x": ["a"]}, output=tmp_path / "b", by="x")
    with pytest.raises(CatalogError, match="no column matches the names"):
        export_subjects(images, {"id": ["x"]}, output=tmp_path / "b")
    with pytest.raises(CatalogError, match="no predicted fractions"):
        export_subjects(images, {"id": ["1"]}, output=tmp_path / "b", by="uncertain")
    with pytest.raises(ImageError, match="not one of"):
        export_subjects(images, {"id": ["4"]}, output=tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_selection_is_exported_in_its_order_with_its_reasons(
    images: Path, tmp_path: Path
) -> None:
    chosen = pa.table({"id": ["3", "1"], "reason": ["uncertainty 0.9 (1 of 9)", None]})
    made = json.dumps({"model": "rings", "digest": "0123456789abcdef"})
    pq.write_table(chosen.replace_schema_metadata({PROVENANCE: made}), tmp_path / "chosen.parquet")
    # That of a CSV of the same name, by another model.
    (tmp_path / "chosen_provenance.json").write_text('{"model": "other"}')
    exported = export_subjects(images, tmp_path / "chosen.parquet", output=tmp_path / "s")
    subjects = [(row["#id"], row["#model"], row["#reason"]) for row in manifest(exported.folder)]
    assert subjects == [
        ("3", "rings 0123456789ab", "uncertainty 0.9 (1 of 9)"),
        ("1", "rings 0123456789ab", ""),
    ]
