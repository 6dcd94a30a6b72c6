"""Similar galaxies: found exactly, by an index that is made when it is needed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import simplejpeg
from numpy.typing import NDArray

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, BundleError, CatalogError
from galaxyclass.model.writers import WRITERS
from galaxyclass.similarity.axes import fit_axes
from galaxyclass.similarity.embeddings import PIECE_ROWS
from galaxyclass.similarity.index import index_folder, nearest

GALAXIES, FEATURES = 300, 5


def embeddings(seed: int = 0) -> NDArray[np.float32]:
    """Embeddings with a mean far from zero and axes of very different sizes."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(GALAXIES, FEATURES)) * [3, 1, 1, 0.3, 0.1] + [9, -4, 0, 1, 2]
    return values.astype(np.float32)


def write_jpeg(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(simplejpeg.encode_jpeg(pixels))


def table_of(values: NDArray[np.float32]) -> pa.Table:
    columns = {f"embedding_{index}": values[:, index] for index in range(values.shape[1])}
    bars = np.linspace(0, 1, len(values), dtype=np.float32)
    return pa.table({"GalaxyID": np.arange(len(values)) + 7, "Class4.1": bars, **columns})


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "sky.parquet"
    pq.write_table(table_of(embeddings()), path)
    return path


def expected(values: NDArray[np.float32], query: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosines about the mean, in 64 bits."""
    centred = values.astype(np.float64) - values.astype(np.float64).mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines: NDArray[np.float64] = unit @ query
    return cosines


def unit_vectors(values: NDArray[np.float32], rows: list[int]) -> NDArray[np.float64]:
    centred = values.astype(np.float64) - values.astype(np.float64).mean(axis=0)
    mean = (centred / np.linalg.norm(centred, axis=1, keepdims=True))[rows].mean(axis=0)
    direction: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return direction


def test_cosines_about_the_mean(predictions: Path) -> None:
    values = embeddings()
    found = galaxyclass.similar(predictions, like=[10], count=8)
    cosines = expected(values, unit_vectors(values, [3]))
    cosines[3] = -2
    best = np.argsort(-cosines)[:8]
    assert found.ids == (best + 7).tolist()
    assert np.abs(found.similarities - cosines[best]).max() < 1e-5
    assert found.table.column_names == ["GalaxyID", "similarity", "Class4.1"]
    assert found.searched == GALAXIES - 1


def test_this_not_that(predictions: Path) -> None:
    values = embeddings()
    found = galaxyclass.similar(predictions, like=["7", 8], unlike=[9], count=5)
    query = unit_vectors(values, [0, 1]) - unit_vectors(values, [2])
    cosines = expected(values, query)
    cosines[:3] = -9
    assert found.ids == (np.argsort(-cosines)[:5] + 7).tolist()


def test_only_galaxies_that_meet_conditions(predictions: Path) -> None:
    found = galaxyclass.similar(predictions, like=[7], where=["4.1 >= 0.9"], count=GALAXIES)
    assert len(found) == found.searched == 30
    assert min(found.table["Class4.1"].to_pylist()) >= 0.9


@pytest.mark.parametrize(
    ("condition", "words"),
    [("Class4.1", "no condition"), ("spiral > 1", "no column"), ("4.1 > x", "holds numbers")],
)
def test_wrong_conditions(predictions: Path, condition: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        galaxyclass.similar(predictions, like=[7], where=[condition])


def test_the_index_is_made_again_where_it_is_outdated_or_damaged(
    predictions: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = galaxyclass.similar(predictions, like=[7], count=5).ids
    vectors = index_folder(predictions) / "vectors.npy"
    made = vectors.stat().st_mtime_ns
    assert galaxyclass.similar(predictions, like=[7], count=5).ids == first
    assert vectors.stat().st_mtime_ns == made
    vectors.write_bytes(vectors.read_bytes()[:-100])
    assert galaxyclass.similar(predictions, like=[7], count=5).ids == first
    (vectors.parent / "index.json").write_text('{"form')
    assert galaxyclass.similar(predictions, like=[7], count=5).ids == first
    for name in ("vectors.npy", "axes.npy"):
        whole = bytearray((vectors.parent / name).read_bytes())
        whole[-2] ^= 1
        (vectors.parent / name).write_bytes(whole)
        with caplog.at_level(logging.WARNING):
            assert galaxyclass.similar(predictions, like=[7], count=5).ids == first
        assert "the index is damaged, and is made again" in caplog.messages[-1]
        caplog.clear()
    pq.write_table(table_of(embeddings(1)), predictions)
    assert galaxyclass.similar(predictions, like=[7], count=5).ids != first
    assert not list(predictions.parent.glob(".*"))


def test_a_byte_of_the_predictions_that_was_changed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "sky.parquet"
    values = embeddings(0)[:64]
    WRITERS[".parquet"].join(path, [], table_of(values))
    whole = path.read_bytes()
    place = whole.index(np.float32(values[9, 0]).tobytes())
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(CatalogError, match="CRC checksum verification failed"):
        galaxyclass.similar(path, like=[7])


def test_csv_says_the_same(predictions: Path) -> None:
    text = predictions.with_suffix(".csv")
    pa.csv.write_csv(pq.read_table(predictions), text)
    found = galaxyclass.similar(text, like=[7], count=9)
    assert [str(name) for name in galaxyclass.similar(predictions, like=[7], count=9).ids] == list(
        map(str, found.ids)
    )


def test_what_cannot_be_searched(predictions: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="nothing to search by"):
        galaxyclass.similar(predictions)
    with pytest.raises(ArgumentError, match="no galaxy 'x'"):
        galaxyclass.similar(predictions, like=["x"])
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"GalaxyID": [1], "Class1.1": [0.5]}), plain)
    with pytest.raises(CatalogError, match="no embedding"):
        galaxyclass.similar(plain, like=[1])
    holes = table_of(embeddings())
    holes = holes.set_column(2, "embedding_0", pa.array([None] * GALAXIES, pa.float32()))
    pq.write_table(holes, plain)
    with pytest.raises(CatalogError, match="empty or not a number"):
        galaxyclass.similar(plain, like=[7])


def test_pictures_by_the_model_that_made_the_predictions(tmp_path: Path) -> None:
    model = galaxyclass.load_model(views=1)
    random = np.random.default_rng(0)
    for index in range(4):
        write_jpeg(tmp_path / f"images/{index}.jpg", random.integers(0, 255, (60, 60, 3), np.uint8))
    output = tmp_path / "sky.parquet"
    model.predict_to_file(tmp_path / "images", output=output, include=["embedding"])
    found = galaxyclass.similar(output, like_images=tmp_path / "images/2.jpg", count=1)
    assert str(found.ids[0]) == "2"
    assert found.similarities[0] > 0.999
    schema = pq.read_schema(output)
    other = json.loads(schema.metadata[b"galaxyclass"]) | {"digest": "0" * 64}
    table = pq.read_table(output)
    pq.write_table(table.replace_schema_metadata({"galaxyclass": json.dumps(other)}), output)
    with pytest.raises(BundleError, match="another model"):
        galaxyclass.similar(output, like_images=tmp_path / "images/2.jpg")


def test_axes_are_principal_components_whatever_the_pieces() -> None:
    values = embeddings()
    whole, pieces = fit_axes([values]), fit_axes(np.array_split(values, 7))
    assert np.abs(whole.mean - values.mean(axis=0)).max() < 1e-5
    assert np.abs(np.abs(np.diag(whole.directions.T @ pieces.directions)) - 1).max() < 1e-4
    spreads = ((values - whole.mean) @ whole.directions).std(axis=0)
    assert (np.diff(spreads) < 0).all()
    assert PIECE_ROWS % 64 == 0


def test_equal_galaxies_come_in_the_order_of_rows() -> None:
    similarities = np.array([0.5, 0.9, 0.9, 0.9, 0.1], np.float32)
    allowed = np.array([True, True, True, True, False])
    assert nearest(similarities, allowed, 2).tolist() == [1, 2]


def test_the_command(predictions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    folder = predictions.parent
    for name in range(7, 12):
        write_jpeg(folder / f"images/{name}.jpg", random.integers(0, 255, (60, 60, 3), np.uint8))
    found = ["similar", str(predictions), "--like", "7", "--where", "4.1 < 0.012"]
    more = ["--output", str(folder / "f.csv"), "--gallery", str(folder / "f.png")]
    assert main([*found, *more]) == 2
    page = ["--gallery", str(folder / "f.html"), "--images", str(folder / "images")]
    assert main([*found, *page]) == 1
    assert "a name that ends in .png or .svg or .pdf" in capsys.readouterr().err
    assert main([*found, *more, "--images", str(folder / "images")]) == 0
    assert "3 of 3 galaxies" in capsys.readouterr().out
    assert (folder / "f.png").read_bytes()[:4] == b"\x89PNG"
    assert (folder / "f.csv").read_text().startswith("GalaxyID,similarity,Class4.1\n")


def test_what_contradicts_or_does_nothing_is_refused(
    predictions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ArgumentError, match="'7' is among those that are wanted and those"):
        galaxyclass.similar(predictions, like=[7], unlike=["7"])
    with pytest.raises(ArgumentError, match="`model` does nothing without pictures"):
        galaxyclass.similar(predictions, like=[7], model="pretrained")
    for unused in (["--overwrite"], ["--views", "2"], ["--device", "cpu"]):
        assert main(["similar", str(predictions), "--like", "7", *unused]) == 2
        assert "needs --" in capsys.readouterr().err
