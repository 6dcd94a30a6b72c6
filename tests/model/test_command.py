"""``galaxyclass predict`` as it is typed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from galaxyclass.cli.main import main
from galaxyclass.data.tables.tables import read_table
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.output import ModelOutput
from galaxyclass.model.predict import predict
from tests.support import fake
from tests.support.fake import LaneBackend


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    module = sys.modules["galaxyclass.model.model"]
    monkeypatch.setattr(module, "open_backend", lambda *_: fake.TreeBackend())
    return fake.save_run(tmp_path / "run")


def _type(*arguments: Any) -> int:
    return main(["predict", *map(str, arguments)])


def test_several_files_after_one_option(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = fake.save_images(tmp_path / "sky", 3)
    bad = tmp_path / "sky" / "bad.jpg"
    bad.write_text("no")
    output = tmp_path / "p.csv"
    assert _type(run, "--images", *images, bad, "--output", output) == 0
    said = capsys.readouterr()
    assert f"3 galaxies in {output}" in said.out
    assert f"1 image could not be decoded: see {tmp_path / 'p_failed.csv'}" in said.out
    assert _type(run, "--images", bad, "--output", tmp_path / "none.csv") == 1
    assert f"the first: {bad}: " in capsys.readouterr().err


def test_a_catalogue_is_carried_and_what_was_not_used_is_told(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = fake.save_images(tmp_path / "sky", 2)
    (tmp_path / "sky" / "notes.txt").write_text("x")
    rows = "".join(f"{path.stem},{n},0.5\n" for n, path in enumerate(images))
    (tmp_path / "c.csv").write_text(f"galaxy,n,z\n{rows}none,9,9\n")
    where = ("--images", tmp_path / "sky", "--table", tmp_path / "c.csv", "--carry", "n")
    assert _type(run, *where, "--output", tmp_path / "p.fits") == 0
    table = read_table(tmp_path / "p.fits")
    assert (table.column_names[0], table["n"].to_pylist()) == ("galaxy", [0, 1])
    capsys.readouterr()
    assert _type(run, *where, "--output", tmp_path / "p.csv", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["predicted"] == 2
    assert [(each["kind"], each["names"]) for each in told["unused"]] == [
        ("files", "1 .txt"), ("columns", "z"), ("rows", "line 4")
    ]  # fmt: skip
    assert _type(run, *where[:2], "--carry", "n", "--output", tmp_path / "q.csv") == 2
    assert "--carry needs --table or --catalogue" in capsys.readouterr().err


def test_output_exists_is_told_and_exit_code_1(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.save_images(tmp_path / "sky", 3)
    (tmp_path / "p.csv").touch()
    arguments = (run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv")
    assert _type(*arguments) == 1
    assert "the output exists already" in capsys.readouterr().err
    assert _type(*arguments, "--overwrite") == 0


def test_a_collapse_is_announced(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.save_images(tmp_path / "sky", 30)
    module = sys.modules["galaxyclass.model.model"]
    nothing = lambda cutouts: fake.said(np.full((len(cutouts), 37), 1e-4, np.float32))  # noqa: E731
    monkeypatch.setattr(module, "open_backend", lambda *_: nothing)
    assert _type(run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv") == 0
    assert "warning: Collapsed: every value is close to 0" in capsys.readouterr().err


def test_precision_reaches_the_network_and_the_note_is_printed(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.save_images(tmp_path / "sky", 3)
    module = sys.modules["galaxyclass.model.model"]

    def opened(bundle: Bundle, device: str, precision: str) -> LaneBackend:
        backend = fake.LaneBackend(fake.TreeBackend())
        backend.note = f"Computed in {precision} on {device}."
        return backend

    monkeypatch.setattr(module, "open_backend", opened)
    arguments = (run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv")
    assert _type(*arguments, "--precision", "bf16", "--device", "cpu") == 0
    assert "Computed in bf16 on cpu." in capsys.readouterr().out
    assert _type(*arguments, "--precision", "fp8") == 2


def test_ctrl_c_is_130_and_says_how_to_go_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.save_images(tmp_path / "sky", 30)
    module = sys.modules["galaxyclass.model.model"]

    def stopped(cutouts: NDArray[Any]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "open_backend", lambda *_: stopped)
    assert _type(run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv") == 130
    assert "run the same again: it goes on from there" in capsys.readouterr().err


def test_several_runs_views_and_columns_besides(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    auxiliary = (fake.class_outputs("spiral", "edge_on", "cigar_shaped_smooth",
                                  "in_between_smooth", "completely_round_smooth"),)  # fmt: skip
    runs = [fake.save_run(tmp_path / name, auxiliary=auxiliary) for name in "ab"]
    fake.save_images(tmp_path / "sky", 3)
    tree, five, calls = fake.TreeBackend(), fake.ClassBackend(5), []

    def backend(cutouts: NDArray[Any]) -> ModelOutput:
        calls.append(len(cutouts))
        return fake.said(tree.values(cutouts), [five.values(cutouts)], np.ones((len(cutouts), 2)))

    monkeypatch.setattr(sys.modules["galaxyclass.model.model"], "open_backend", lambda *_: backend)
    output = tmp_path / "p.csv"
    arguments = (*runs, "--images", tmp_path / "sky", "--output", output, "--views", 10)
    assert _type(*arguments, "--include", "embedding, five_classes") == 0
    assert calls == [1] * 20 + [3] * 20
    header = output.read_text().splitlines()[0]
    assert header.endswith("cigar_shaped_smooth,edge_on,spiral,embedding_0,embedding_1,"
                           "embedding_2,embedding_3")  # fmt: skip
    assert _type(*arguments, "--overwrite", "--include", "five") == 1
    assert "nothing called 'five' can be included" in capsys.readouterr().err
    assert _type(*arguments, "--overwrite", "--views", "0") == 2


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pretrained model, whose own training had a table with numbers for ids."""
    folder = fake.save_run(tmp_path / "box", id_column="asset_id", id_integer=True, name_parts=2)
    module = sys.modules["galaxyclass.model.model"]
    monkeypatch.setattr("galaxyclass.model.pretrained.pretrained_folder", lambda: folder)
    monkeypatch.setattr(module, "open_backend", lambda *_: fake.TreeBackend())


@pytest.mark.usefixtures("box")
def test_without_a_run_the_model_in_the_box_predicts(tmp_path: Path) -> None:
    images = fake.save_images(tmp_path / "sky", 3)
    output = tmp_path / "p.parquet"
    assert _type("--images", tmp_path / "sky", "--output", output) == 0
    table = pq.read_table(output)
    assert table.column_names[0] == "GalaxyID"
    assert table["GalaxyID"].to_pylist() == [int(path.stem) for path in images]
    assert predict(None, tmp_path / "sky", output=tmp_path / "q.csv").predicted == 3


@pytest.mark.usefixtures("box")
def test_a_run_that_stands_among_the_images(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.save_images(tmp_path / "sky", 3)
    output = tmp_path / "p.csv"
    assert _type(run, "--images", tmp_path / "sky", run, "--output", output) == 2
    capsys.readouterr()
    assert _type("--images", tmp_path / "sky", run, "--output", output) == 2
    assert f"{run} is a model, but named after --images" in capsys.readouterr().err
    assert not output.exists()


def test_there_is_no_model_in_the_box(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxyclass.model.pretrained.pretrained_folder", lambda: tmp_path / "none")
    fake.save_images(tmp_path / "sky", 3)
    assert _type("--images", tmp_path / "sky", "--output", tmp_path / "p.csv") == 1
    assert "no pretrained model" in capsys.readouterr().err
