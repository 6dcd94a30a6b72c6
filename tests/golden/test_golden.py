"""The pretrained model's predictions stay what they were; and how golden files are compared.

`pictures/` holds eight simulated galaxies (``simulate --count 8 --size 64 --seed 11``) as PNG, so
that neither the simulation nor a JPEG decoder is tested here; `predictions.csv` what the command of
`test_the_pretrained_model_predicts_what_it_did` gave on them.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest

from galaxyclass.cli.main import main
from galaxyclass.model.pretrained import pretrained_folder

HERE = Path(__file__).parent
SCRIPT = Path(__file__).parents[2] / "scripts" / "golden.py"


@pytest.mark.skipif(
    not (pretrained_folder() / "manifest.json").exists(),
    reason="no pretrained model in this checkout",
)
def test_the_pretrained_model_predicts_what_it_did(tmp_path: Path) -> None:
    output = tmp_path / "predictions.parquet"
    include = "five_classes,uncertainty,strangeness"
    command = [
        "predict", "--images", str(HERE / "pictures"), "--include", include,
        "--device", "cpu", "--precision", "fp32", "--workers", "1", "--output", str(output),
    ]  # fmt: skip
    assert main(command) == 0
    table = pq.read_table(output)
    with (HERE / "predictions.csv").open(newline="", encoding="utf-8") as lines:
        names, *rows = csv.reader(lines)
    assert table.column_names == names
    for name, column, expected in zip(names, table.columns, zip(*rows, strict=True), strict=True):
        values = column.to_pylist()
        if name in ("GalaxyID", "strange"):
            assert list(map(str, values)) == list(expected), name
        else:
            # The network rounds to 8 bits, and processors differ in the last bits before that: a
            # number that falls on the other side is a step of the 256 away.
            tolerance = 0.1 if name == "strangeness" else 0.02
            np.testing.assert_allclose(
                values, np.array(expected, float), rtol=0, atol=tolerance, err_msg=name
            )


@pytest.fixture
def golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def folder(path: Path, metrics: object, table: str) -> Path:
    (path / "run").mkdir(parents=True)
    (path / "run" / "metrics.json").write_text(json.dumps(metrics))
    (path / "scores.csv").write_text(table)
    return path


def test_the_last_digit_counts_and_so_does_a_missing_file(
    golden: ModuleType, tmp_path: Path
) -> None:
    table = "name,score\na,0.1\n"
    before = folder(tmp_path / "a", {"rmse": [0.1, 2]}, table)
    after = folder(tmp_path / "b", {"rmse": [0.1, 2]}, table)
    assert golden.compare(before, after) == []
    other = folder(
        tmp_path / "c", {"rmse": [0.10000000000000002, 2, 3]}, table.replace("0.1", "0.10")
    )
    (other / "more.csv").write_text("a\n1\n")
    assert golden.compare(before, other) == [
        f"more.csv: not in {before}",
        "run/metrics.json: .rmse[0]: 0.1 -> 0.10000000000000002",
        "run/metrics.json: .rmse[2]: (absent) -> 3",
        "scores.csv: line 2, score: 0.1 -> 0.10",
    ]


def test_what_was_renamed_is_the_same(
    golden: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folder(tmp_path / "a", {"earlier": {"kind": "earlier"}}, "earlier,score\nearlier,1\n")
    after = folder(tmp_path / "b", {"later": {"kind": "later"}}, "later,score\nlater,1\n")
    assert len(golden.compare(before, after)) == 5
    monkeypatch.setitem(golden.RENAMED, "earlier", "later")
    assert golden.compare(before, after) == []


def test_times_paths_and_versions_are_not_kept(golden: ModuleType) -> None:
    kept = golden.without_dropped({"rmse": 0.1, "seconds": 3, "scored": [{"version": "1"}]})
    assert kept == {"rmse": 0.1, "scored": [{}]}
    assert golden.untimed([["epoch", "seconds"], ["1", "0.2"]]) == [["epoch"], ["1"]]
