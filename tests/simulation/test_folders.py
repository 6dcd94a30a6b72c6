from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from galaxyclass.errors import ArgumentError, OutputError, WorkerError
from galaxyclass.simulation import drawing, folders
from galaxyclass.simulation.folders import simulate
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.rendering import render
from galaxyclass.trees.read import load_tree
from tests.support.sums import broken_sums

TREE = load_tree("galaxy_zoo_2")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_written(tmp_path: Path) -> None:
    made = simulate(5, output=tmp_path / "sky", size=96, seed=3, workers=1)
    names = sorted(files(made.folder))
    ids = [str(100_001 + i) for i in range(5)]
    assert names == sorted(
        ["README.txt", "truth.csv", "votes.csv", *(f"images/{i}.jpg" for i in ids)]
    )
    with made.table.open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["GalaxyID", *TREE.layout("challenge").columns]
    assert [row[0] for row in rows[1:]] == ids
    votes = np.array([row[1:] for row in rows[1:]], float)
    assert not broken_sums(TREE, votes, 1e-6).any()
    with made.truth.open() as file:
        truths = list(csv.DictReader(file))
    assert [row["GalaxyID"] for row in truths] == ids
    first = draw_morphology(np.random.default_rng((3, 0)))
    assert truths[0]["kind"] == first.kind
    assert float(truths[0]["radius"]) == first.radius
    picture = simplejpeg.decode_jpeg((made.images / "100001.jpg").read_bytes())
    assert abs(picture.astype(float) - render(first, 96)).mean() < 4


def test_the_same_whatever_the_workers_and_the_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LOT", 4)
    alone = simulate(10, output=tmp_path / "a", size=32, seed=7, workers=1)
    together = simulate(10, output=tmp_path / "b", size=32, seed=7, workers=2)
    assert files(alone.folder) == files(together.folder)
    fewer = files(simulate(6, output=tmp_path / "c", size=32, seed=7, workers=1).images)
    assert fewer.items() < files(alone.images).items()
    other = files(simulate(6, output=tmp_path / "d", size=32, seed=8, workers=1).images)
    assert not other.items() & fewer.items()


def test_progress_ends_at_the_count(tmp_path: Path) -> None:
    seen = []

    def progress(
        stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
    ) -> None:
        seen.append((stage, done, total))

    simulate(70, output=tmp_path / "sky", size=16, workers=1, progress=progress)
    assert seen == [("simulate", done, 70) for done in (32, 64, 70)]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="something here already"):
        simulate(2, output=tmp_path, size=16)
    assert files(tmp_path) == {"mine.txt": b"precious"}


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sky").write_text("a file")
    with pytest.raises(OutputError, match="a file, not a folder"):
        simulate(2, output=tmp_path / "sky", size=16)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "sky").mkdir()
    assert simulate(2, output=tmp_path / "sky", size=16).table.is_file()


@pytest.mark.parametrize(("count", "size"), [(0, 424), (-1, 424), (3, 8)])
def test_nothing_to_simulate(tmp_path: Path, count: int, size: int) -> None:
    with pytest.raises(ArgumentError, match="cannot be"):
        simulate(count, output=tmp_path / "sky", size=size)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("import os; os._exit(9)", "ended unexpectedly"),
        ("""print('{"errno": 28, "text": "No space left on device"}')""", "no room left"),
    ],
)
def test_a_process_that_fails_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, message: str
) -> None:
    told = "import sys; sys.stdin.readline(); sys.stdin.readline()"  # the job, and a task
    monkeypatch.setattr("galaxyclass.workers.start.WORKER_PROGRAM", f"{told}; {start}")
    monkeypatch.setattr(drawing, "LOT", 1)
    with pytest.raises((OutputError, WorkerError), match=message):
        simulate(2, output=tmp_path / "sky", size=16, workers=2)
    assert list(tmp_path.iterdir()) == []


def test_a_program_on_standard_input_can_use_processes(tmp_path: Path) -> None:
    sky = str(tmp_path / "sky")
    program = "from galaxyclass.simulation.folders import simulate\n"
    program += f"simulate(70, output={sky!r}, size=16, workers=2)"
    subprocess.run([sys.executable], input=program.encode(), check=True, timeout=60)
    assert len(list((tmp_path / "sky" / "images").iterdir())) == 70


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "write_text", fail)
    with pytest.raises(OutputError, match="no room left"):
        simulate(2, output=tmp_path / "sky", size=16)
    assert list(tmp_path.iterdir()) == []
