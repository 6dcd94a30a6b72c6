from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from galaxyclass.errors import WorkerError
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.study.benchmark import bare_pack as bare
from galaxyclass.study.benchmark.bare_pack import bare_loop
from galaxyclass.workers import processes
from galaxyclass.workers.processes import WorkerProcess

from .conftest import SETTINGS


def test_alone_it_reads_every_image_once_in_order(
    few: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def note(path: str, preprocessing: Preprocessing) -> NDArray[Any]:
        read.append(path)
        assert preprocessing == SETTINGS
        return read_cutout(path, preprocessing)

    monkeypatch.setattr(bare, "read_cutout", note)
    assert 0 < bare_loop([Path(path) for path in few], SETTINGS, workers=1) < 60
    assert read == few


def test_processes_share_the_images(many: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = processes.WorkerProcess.ask

    def note(process: WorkerProcess, task: dict[str, list[str]]) -> dict[str, Any]:
        asked.append(task["paths"])
        return real(process, task)

    monkeypatch.setattr(processes.WorkerProcess, "ask", note)
    begun = time.perf_counter()
    seconds = bare_loop(many, SETTINGS, workers=3)
    assert 0 < seconds < time.perf_counter() - begun
    assert asked[:3] == [many[:1]] * 3  # before the clock starts
    assert sorted(path for share in asked[3:] for path in share) == many
    assert sorted(len(share) for share in asked[3:]) == [166, 167, 167]  # asked side by side


def test_nothing_is_written(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALAXYCLASS_CACHE", str(tmp_path / "cache"))
    bare_loop(many, SETTINGS, workers=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_cannot_be_decoded_is_passed_over(few: list[str], workers: int) -> None:
    Path(few[0]).unlink()
    Path(few[1]).write_text("not a picture")
    assert bare_loop(few, SETTINGS, workers=workers) > 0


def test_a_process_that_dies_is_reported(few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galaxyclass.workers.start.WORKER_PROGRAM", "import sys; sys.exit(3)")
    with pytest.raises(WorkerError, match=r"exit status 3"):
        bare_loop(few, SETTINGS, workers=2)
