"""The order of the runs, and that none is repeated; with a peer that only says its name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PEER = """
import json, pathlib, sys
words = sys.argv
folder = pathlib.Path(words[words.index("--output") + 1])
images = pathlib.Path(words[words.index("--images") + 1])
assert words[1] == "train" and len(list(images.glob("*.jpg"))) == 5
rate = {"slow": 10, "fast": 40}[words[-1]]
(folder / "result.json").write_text(json.dumps({"images_per_second": rate, "versions": {}}))
"""


@pytest.fixture
def command(
    load: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    run = load("run")
    (tmp_path / "peers").mkdir()
    (tmp_path / "peers" / "peer.py").write_text(PEER)
    rows = tuple(run.Row(name, "peer.py", "", (name,)) for name in ("fast", "slow"))
    # The options of a peer come last, so that it finds its name there.
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "TASKS", {"train-resnet18": rows})
    plain = run.call
    monkeypatch.setattr(
        run, "call", lambda given, row, *words: plain(given, row, *words, *row.options)
    )
    (tmp_path / "images").mkdir()
    names = [str(number) for number in range(9)]
    for name in names:
        (tmp_path / "images" / f"{name}.jpg").write_bytes(b"")
    (tmp_path / "votes.csv").write_text(
        "GalaxyID,Class1.1\n" + "".join(f"{n},0.5\n" for n in names)
    )
    words = ["--images", "images", "--table", "votes.csv", "--output", "out", "--repeats", "2"]
    monkeypatch.chdir(tmp_path)
    return ["run.py", *words, "--resnet-images", "3", "--validation", "2"]


def test_peers_take_turns_and_nothing_runs_twice(
    load: Callable[[str], ModuleType],
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = load("run")
    monkeypatch.setattr(sys, "argv", command)
    run.main()
    results = [json.loads(line) for line in Path("out/results.jsonl").read_text().splitlines()]
    order = [(r["repeat"], r["row"]) for r in results]
    assert order == [(0, "fast"), (0, "slow"), (1, "fast"), (1, "slow")]
    assert "| slow | 10 (10–10) | 4.00 (4.00–4.00) |" in Path("out/table.md").read_text()
    # A run that was cut off goes on with what is missing.
    Path("out/results.jsonl").write_text("".join(json.dumps(r) + "\n" for r in results[:3]))
    capsys.readouterr()
    run.main()
    assert capsys.readouterr().out.startswith("train-resnet18 2/2 slow: 10.0 images/s")
    assert len(Path("out/results.jsonl").read_text().splitlines()) == 4


def test_train_and_validation_share_no_galaxy(
    load: Callable[[str], ModuleType], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", command)
    load("run").main()
    folder = Path("out/data/train-resnet18")
    train, validation = (
        set((folder / f"{part}.csv").read_text().split()[1:]) for part in ("train", "val")
    )
    assert (len(train), len(validation), train & validation) == (3, 2, set())


def test_a_missing_environment_says_how_to_build_it(
    load: Callable[[str], ModuleType], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = load("run")
    rows = (run.Row("Zoobot", "peer.py", "zoobot"),)
    monkeypatch.setattr(run, "TASKS", {"train-resnet18": rows})
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match=r"is missing: bash benchmarks/build\.sh zoobot"):
        run.main()
