"""What is downloaded as CSV holds no formula where the server is told so; exact ids otherwise."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from galaxyclass.data.labels.log import LabelEvent
from galaxyclass.data.labels.questions import questions_of_classes
from galaxyclass.serving.labels import LabelFile
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.start import open_labelling, open_served
from tests.serving import support
from tests.serving.test_serve import client, needs_extra

NAME = "=1+1"


@needs_extra
@pytest.mark.parametrize("quoted", [True, False])
def test_formulas_in_downloads(quoted: bool, tmp_path: Path) -> None:
    names = [NAME, *(f"J{number}" for number in range(11))]
    pq.write_table(support.table_of(names), tmp_path / "sky.parquet")
    (tmp_path / "images").mkdir()
    for number, name in enumerate(names):
        (tmp_path / "images" / f"{name}.jpg").write_bytes(support.jpeg(number * 20, 90, 30))
    served = open_served(
        support.model(tmp_path),
        predictions=tmp_path / "sky.parquet",
        images=tmp_path / "images",
        limits=Limits(),
        quote_formulas=quoted,
    )
    labels = LabelFile(tmp_path / "labels.jsonl", questions_of_classes(("@ring", "none")))
    labels.add(LabelEvent(NAME, "Anna", "label", "class", "@ring"))
    labelling = open_labelling(served, labels, by="random")
    site = client(replace(served, labelling=labelling))
    try:
        picture = {"pictures": ("=2+2.jpg", support.jpeg(200, 10, 10), "image/jpeg")}
        dropped = site.post("/look", files=picture, follow_redirects=False).headers["location"]
        subjects = site.get("/label/subjects.zip?which=labelled").content
        texts = {
            "galaxies": site.get("/galaxies/table.csv").text,
            "labels": site.get("/label/labels.csv").text,
            "all labels": site.get("/label/all_labels.csv").text,
            "dropped": site.get(f"{dropped.rpartition('/')[0]}/table.csv").text,
            "subjects": zipfile.ZipFile(io.BytesIO(subjects))
            .read("subjects/manifest.csv")
            .decode(),
        }
        for name, text in texts.items():
            formula = "=2+2" if name == "dropped" else NAME
            assert (f"'{formula}" in text, formula in text) == (quoted, True), name
        assert site.get("/galaxies/table.parquet").status_code == 200
    finally:
        served.predictor.close()
        labels.close()
