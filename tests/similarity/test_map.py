"""A map of galaxies: alike ones near each other, on a page that opens offline and runs no words."""

from __future__ import annotations

import base64
import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import simplejpeg

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, CatalogError, MissingExtraError, OutputError
from galaxyclass.similarity.map_page import SIDE, map_colours, map_page
from galaxyclass.similarity.pictures import pictures_by_id
from galaxyclass.similarity.project import kept_neighbours, project

SCRIPT = "</script><script>alert(1)</script>"


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """Thirty galaxies in three groups, with two of the pictures."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.eye(3), 10, axis=0) + random.normal(size=(30, 3)) * 0.05
    table: dict[str, object] = {
        "id": [f"g{number}" for number in range(29)] + [SCRIPT],
        "Class4.1": np.linspace(0, 1, 30),
        "class": np.repeat(["a", "b", SCRIPT], 10),
    }
    table |= {f"embedding_{axis}": groups[:, axis].astype(np.float32) for axis in range(3)}
    path = tmp_path / "sky.parquet"
    pq.write_table(pa.table(table), path)
    (tmp_path / "images").mkdir()
    for name, grey in (("g0", 50), ("g1", 200)):
        jpeg = simplejpeg.encode_jpeg(np.full((100, 100, 3), grey, np.uint8), 90)
        (tmp_path / "images" / f"{name}.jpg").write_bytes(jpeg)
    return path


def test_the_coordinates_never_replace_the_predictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = tmp_path / "sky.csv"
    predictions.write_text("id\n1\n")
    assert main(["map", str(predictions), "--output", f"{tmp_path}/sky.html", "--overwrite"]) == 2
    assert "name another by --coordinates" in capsys.readouterr().err
    assert predictions.read_text() == "id\n1\n"


def test_alike_galaxies_lie_near_each_other(predictions: Path) -> None:
    galaxies = galaxyclass.map_galaxies(predictions)
    assert galaxies.table.column_names == ["id", "x", "y", "class"]
    places = galaxies.coordinates.reshape(3, 10, 2).astype(float)
    middles = places.mean(axis=1)
    inside = np.linalg.norm(places - middles[:, None], axis=2).max()
    between = min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert between > 3 * inside
    assert galaxies.variance is not None
    assert galaxies.variance > 0.9
    assert galaxyclass.map_galaxies(predictions).table == galaxies.table
    in_memory = galaxyclass.map_galaxies(pq.read_table(predictions))
    assert np.allclose(in_memory.coordinates, galaxies.coordinates, atol=1e-5)


def test_principal_components_are_those_of_numpy() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(200, 5)).astype(np.float32) * [3, 2, 1, 0.5, 0.1]
    coordinates, variance = project(vectors.astype(np.float32), "pca", 0)
    _, singular, rows = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    found = (vectors - vectors.mean(axis=0)) @ rows[:2].T
    assert np.allclose(np.abs(coordinates), np.abs(found), atol=1e-3)
    assert variance == pytest.approx((singular[:2] ** 2).sum() / (singular**2).sum(), abs=1e-5)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    vectors = (found / lengths).astype(np.float32)
    assert kept_neighbours(vectors, vectors, 0) > 0.95
    assert kept_neighbours(vectors, random.random((200, 2)).astype(np.float32), 0) < 0.2
    assert project(vectors[:1], "pca", 0)[0].shape == (1, 2)


def test_colours_of_classes_and_numbers(predictions: Path) -> None:
    colours = map_colours(galaxyclass.map_galaxies(predictions))
    assert colours.names == (SCRIPT, "a", "b")
    assert colours.values[[0, 10, 20]].tolist() == [1, 2, 0]
    colours = map_colours(galaxyclass.map_galaxies(predictions, colour="4.1"))
    assert (colours.names, colours.low, colours.high) == ((), 0.0, 1.0)
    table = pq.read_table(predictions)
    many = pa.array([f"class {number}" for number in range(30)])
    table = table.set_column(2, "class", many)
    colours = map_colours(galaxyclass.map_galaxies(table))
    assert len(colours.names) == 7
    assert colours.names[-1] == "24 other classes"
    lists = table.append_column("lists", pa.array([[1]] * 30))
    with pytest.raises(ArgumentError, match="holds the ids"):
        galaxyclass.map_galaxies(predictions, colour="id")
    with pytest.raises(ArgumentError, match="is no colour"):
        galaxyclass.map_galaxies(lists, colour="lists")


def test_the_page_shows_words_as_text_and_counts_what_it_leaves_out(
    predictions: Path, tmp_path: Path
) -> None:
    galaxies = galaxyclass.map_galaxies(predictions)
    notes = galaxies.write_page(tmp_path / "map.html", images=tmp_path / "images")
    text = (tmp_path / "map.html").read_text("utf-8")
    assert notes == ["28 galaxies have no picture in the folder."]
    assert "alert(1)</script>" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"https?://", text)
    data = json.loads(re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)[0])
    assert data["ids"] == ["g0", "g1"]
    assert len(data["others"]) == 2 * 28
    assert data["names"][0] == SCRIPT
    with pytest.raises(OutputError, match="exists"):
        galaxies.write_page(tmp_path / "map.html")
    with pytest.raises(OutputError, match="a page for a browser"):
        galaxies.write_page(tmp_path / "map.txt")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "images" / "g0.jpg").rename(tmp_path / "elsewhere" / "other.jpg")
    with pytest.raises(CatalogError, match="no picture of these galaxies"):
        map_page(galaxies, tmp_path / "elsewhere", 0, lambda *_, **__: None)


def test_only_some_galaxies(predictions: Path) -> None:
    galaxies = galaxyclass.map_galaxies(predictions, where=["4.1 > 0.5"], count=5)
    assert (len(galaxies), galaxies.galaxies) == (5, 15)
    assert "5 of 15 galaxies, drawn at random." in galaxies.notes
    with pytest.raises(CatalogError, match="no galaxy meets"):
        galaxyclass.map_galaxies(predictions, where=["4.1 > 2"])


def test_umap_is_an_extra(predictions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"galaxyclass\[map\]"):
        galaxyclass.map_galaxies(predictions, projection="umap")


def test_the_command(predictions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["map", str(predictions), "--images", str(tmp_path / "images")]
    command += ["--colour", "4.1", "--output", str(tmp_path / "map.html")]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "28 galaxies have no picture" in shown
    assert (tmp_path / "map.csv").read_text().startswith("id,x,y,Class4.1\n")
    assert (tmp_path / "map.png").stat().st_size > 1000
    assert main(command) == 1
    assert "exists" in capsys.readouterr().err


def test_columns_called_as_a_coordinate_of_the_map(predictions: Path) -> None:
    table = pq.read_table(predictions)
    pixels = table.drop_columns("class").append_column("x", pa.array(range(30)))
    assert galaxyclass.map_galaxies(pixels.select(["id", "x", *pixels.column_names[1:-1]])).colour
    with pytest.raises(ArgumentError, match="coordinate of the map"):
        galaxyclass.map_galaxies(pixels, colour="x")
    with pytest.raises(ArgumentError, match="the ids are called 'x'"):
        galaxyclass.map_galaxies(table.rename_columns(["x", *table.column_names[1:]]))


def test_pictures_are_found_as_predict_names_them(predictions: Path) -> None:
    images = predictions.parent / "images"
    for folder in "ab":
        (images / folder).mkdir()
        (images / folder / "7.jpg").write_bytes((images / "g0.jpg").read_bytes())
    found = pictures_by_id(images, ["g0", "g1.jpg", "a/7", "b/7.jpg", "7", "7.jpg"])
    assert {name: str(path.relative_to(images)) for name, path in found.items()} == {
        "g0": "g0.jpg", "g1.jpg": "g1.jpg", "a/7": "a/7.jpg", "b/7.jpg": "b/7.jpg"
    }  # fmt: skip


def test_pictures_that_cannot_be_read_are_crossed_and_counted(
    predictions: Path, tmp_path: Path
) -> None:
    (tmp_path / "images" / "g2.jpg").write_bytes(b"no picture")
    galaxies = galaxyclass.map_galaxies(predictions)
    notes = galaxies.write_page(tmp_path / "map.html", images=tmp_path / "images")
    assert "1 picture cannot be read: crossed squares." in notes
    page = (tmp_path / "map.html").read_text()
    sheet = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)[0]
    pixels = simplejpeg.decode_jpeg(base64.b64decode(sheet))
    third = pixels[:, 2 * SIDE : 3 * SIDE]
    assert third.max() > third.min() + 60  # two lines on grey


@pytest.mark.thorough  # numba compiles for half a minute
def test_umap_keeps_neighbours_and_is_the_same_again() -> None:
    pytest.importorskip("umap")
    random = np.random.default_rng(0)
    groups = np.repeat(np.eye(4, 6), 20, axis=0) + random.normal(size=(80, 6)) * 0.1
    vectors = (groups / np.linalg.norm(groups, axis=1, keepdims=True)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba and of its own
        coordinates, variance = project(vectors, "umap", 0)
        again, _ = project(vectors, "umap", 0)
    assert variance is None
    assert np.array_equal(coordinates, again)
    label = np.repeat(np.arange(4), 20)
    apart = np.linalg.norm(coordinates[:, None] - coordinates, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (label[apart.argmin(axis=1)] == label).all()
