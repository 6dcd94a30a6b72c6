"""The history of a training survives a kill in the middle of a line."""

from __future__ import annotations

from pathlib import Path

from galaxyclass.training.history import append_history, cut_history, read_history


def test_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    append_history(path, {"epoch": 1, "rmse": 0.125})
    append_history(path, {"epoch": 2, "rmse": 0.0625})
    assert read_history(path) == [{"epoch": 1, "rmse": 0.125}, {"epoch": 2, "rmse": 0.0625}]


def test_half_a_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    append_history(path, {"epoch": 1, "rmse": 0.125})
    with path.open("a") as file:
        file.write("2")
    assert read_history(path) == [{"epoch": 1, "rmse": 0.125}]


def test_cut_to_what_a_checkpoint_remembers(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    for epoch in (1, 2, 3):
        append_history(path, {"epoch": epoch, "rmse": 0.5})
    cut_history(path, 2)
    assert [row["epoch"] for row in read_history(path)] == [1, 2]
    cut_history(path, 0)
    assert read_history(path) == []
    append_history(path, {"epoch": 1, "rmse": 0.5})
    assert len(read_history(path)) == 1


def test_no_file_no_rows(tmp_path: Path) -> None:
    cut_history(tmp_path / "none.csv", 3)
    assert read_history(tmp_path / "none.csv") == []
