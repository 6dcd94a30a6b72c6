"""Ids and columns that are formulas come out as they are, and harmless where that is asked for."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError
from tests.support import fake
from tests.support.by_hand import save_small_model


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    fake.save_images(folder, 2)
    first, second = sorted(folder.iterdir())
    first.rename(folder / f"=1+1{first.suffix}")
    second.rename(folder / f"plain{second.suffix}")
    (folder / "@broken.jpg").write_bytes(b"not an image")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_predictions_and_failures(images: Path, tmp_path: Path) -> None:
    model = galaxyclass.load_model(save_small_model(tmp_path / "model"))
    carried = pa.table({"id": ["=1+1", "plain"], "@note": ["-1.5", "+x"], "z": [-1.5, 2.0]})
    exact, quoted = tmp_path / "exact.csv", tmp_path / "quoted.csv"
    model.predict_to_file(images, output=exact, table=carried)
    model.predict_to_file(images, output=quoted, table=carried, quote_formulas=True)
    plain = rows(exact)
    assert [(row["@note"], row["z"]) for row in plain] == [("-1.5", "-1.5"), ("+x", "2")]
    wanted = [
        {("'@note" if name == "@note" else name): value for name, value in row.items()}
        for row in plain
    ]
    ids = next(iter(plain[0]))
    assert plain[0][ids] == "=1+1"
    wanted[0][ids], wanted[1]["'@note"] = "'=1+1", "'+x"
    assert rows(quoted) == wanted
    (failed,) = rows(tmp_path / "quoted_failed.csv")
    assert Path(failed["path"]) == images / "@broken.jpg"  # begins with the folder's name

    # The same in memory; and a job that is given anew with the option is another job.
    again = model.predict(images, table=carried).write(tmp_path / "a.csv", quote_formulas=True)
    assert again.read_bytes() == quoted.read_bytes()
    with pytest.raises(galaxyclass.OutputError, match="exists already"):
        model.predict_to_file(images, output=exact, table=carried, quote_formulas=True)


def test_only_csv(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = galaxyclass.load_model(save_small_model(tmp_path / "model"))
    with pytest.raises(ArgumentError, match="only text in CSV can be a formula"):
        model.predict_to_file(images, output=tmp_path / "p.parquet", quote_formulas=True)
    command = ["predict", str(tmp_path / "model"), "--images", str(images), "--quote-formulas"]
    assert main([*command, "--output", str(tmp_path / "p.fits")]) == 1
    assert "--quote-formulas: only text in CSV" in capsys.readouterr().err
    assert main([*command, "--output", str(tmp_path / "p.csv")]) == 0
    assert "'=1+1" in (tmp_path / "p.csv").read_text()
