"""Real comparisons on a small sky: what they leave behind, and how they go on."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import CatalogError, OutputError, RunError, StoppedError
from galaxyclass.networks.network import build_network
from galaxyclass.progress import silent
from galaxyclass.study.compare import worker
from galaxyclass.study.compare.compare import compare, read_comparison
from galaxyclass.training.checkpoints import read_checkpoint
from galaxyclass.training.history import read_history
from tests.support.sky import Sky, changed
from tests.support.waiting import is_running, wait_until

from .conftest import TINY

#: Epochs of each trial; enough to be stopped twice among them.
EPOCHS = 10
SETTINGS = changed(TINY, f"training.epochs={EPOCHS}")


def tiny(sky: Sky, output: Path, vary: dict[str, list[object]], **options: object) -> Any:
    """Compare on a table that is in memory, unless another is given."""
    given: dict[str, object] = {
        "table": pd.read_csv(sky.table),
        "settings": SETTINGS,
        **options,
    }
    return compare(
        ["fast"],
        sky.images,
        output=output,
        vary=vary,
        cache=sky.cache,
        device="cpu",
        workers=1,
        **given,  # type: ignore[arg-type]
    )


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "compare.csv").open() as file:
        return list(csv.DictReader(file))


def times(folder: Path) -> dict[str, int]:
    """When each file of the trials was written."""
    return {
        str(path): path.stat().st_mtime_ns
        for part in ("runs", "trials")
        for path in (folder / part).rglob("*")
        if path.is_file()
    }


class Count:
    """A progress callback that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int | None, str]] = []

    def __call__(
        self, stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
    ) -> None:
        self.told.append((stage, done, total, note))


@pytest.fixture(scope="module")
def compared(sky: Sky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trials, of which the second asks for a head that does not suit the table."""
    folder = tmp_path_factory.mktemp("compared") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        tiny(sky, folder, {"model.head": ["tree", "softmax"]})
    return folder


def copied(compared: Path, folder: Path, table: Path | None = None) -> Path:
    """The same comparison as another folder, of the table that is kept there or of another."""
    shutil.copytree(compared, folder)
    plan = json.loads((folder / "compare.json").read_text())
    assert plan["data"]["table"] == str(compared / "table.parquet")
    plan["data"]["table"] = str(table or folder / "table.parquet")
    (folder / "compare.json").write_text(json.dumps(plan))
    return folder


def test_the_table_has_the_figures_of_the_runs(compared: Path) -> None:
    good, bad = rows(compared)
    run = compared / "runs" / "fast_model.head=tree"
    metrics = json.loads((run / "metrics.json").read_text())
    validation = metrics["parts"]["validation"]
    for name in ("value", "low", "high", "reference"):
        assert float(good[name]) == pytest.approx(validation[name], rel=1e-7)
    assert good["score"] == "rmse"
    assert good["galaxies"] == "12"
    assert int(good["epochs"]) == metrics["epochs"] == EPOCHS
    assert float(good["minutes"]) == pytest.approx(metrics["seconds"] / 60, rel=1e-7)
    assert float(good["images_per_second"]) == pytest.approx(metrics["images_per_second"], rel=1e-7)
    network = build_network(galaxyclass.load_bundle(run).manifest)
    assert int(good["parameters"]) == sum(each.numel() for each in network.parameters())
    # torch alone takes more than 100 MiB; a trial of 60 galaxies nothing like 20 GiB.
    assert 100 < float(good["peak_memory_mib"]) < 20_000
    assert good["peak_gpu_memory_mib"] == ""
    assert good["failure"] == ""
    assert good["notices"].split() == [notice["kind"] for notice in metrics["notices"]]
    assert bad["state"] == "failed"
    assert "`model.head=softmax` does not suit a table of votes" in bad["failure"]


def test_a_comparison_can_be_read_again(compared: Path) -> None:
    good, bad = read_comparison(compared).results
    assert good.trial.varied == {"model.head": "tree"}
    assert good.history == tuple(read_history(compared / "runs" / good.trial.name / "history.csv"))
    assert bad.failure is not None
    assert bad.failure.startswith("`model.head=softmax`")
    assert (compared / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert f"epoch {EPOCHS}/{EPOCHS}" in (compared / "logs" / f"{good.trial.name}.log").read_text()


def test_a_finished_comparison_trains_nothing(sky: Sky, compared: Path) -> None:
    before = times(compared)
    table = (compared / "compare.csv").read_bytes()
    count = Count()
    again = tiny(sky, compared, {"model.head": ["tree", "softmax"]}, progress=count)
    assert times(compared) == before
    assert (compared / "compare.csv").read_bytes() == table
    assert [result.state for result in again.results] == ["finished", "failed"]
    assert count.told[-1] == ("compare", 2 * EPOCHS, 2 * EPOCHS, "trial 2 of 2, all done")


@pytest.mark.parametrize(
    ("vary", "options", "wanted", "got"),
    [
        (
            {"model.head": ["tree"]},
            {},
            "trials: fast_model.head=tree",
            "without: fast_model.head=s",
        ),
        ({"model.head": ["tree", "softmax", "sigmoid"]}, {}, "trials: ", "not among them: "),
        ({"model.head": ["tree", "softmax"]}, {"seed": 1}, "seed 0", "seed 1"),
        (
            {"model.head": ["tree", "softmax"]},
            {"settings": changed(TINY, "training.epochs=7")},
            f"'epochs': {EPOCHS}",
            "'epochs': 7",
        ),
    ],
    ids=["fewer", "more", "seed", "settings"],
)
def test_another_command_is_refused(
    sky: Sky, compared: Path, vary: dict[str, list[object]], options: dict, wanted: str, got: str
) -> None:
    before = times(compared)
    with pytest.raises(OutputError, match="begun here with other arguments") as caught:
        tiny(sky, compared, vary, **options)
    assert wanted in (caught.value.wanted or "")
    assert got in (caught.value.got or "")
    assert times(compared) == before


def test_changed_data_are_refused(sky: Sky, compared: Path, tmp_path: Path) -> None:
    table = tmp_path / "votes.csv"
    shutil.copy(sky.table, table)
    folder = copied(compared, tmp_path / "study", table)
    tiny(sky, folder, {"model.head": ["tree", "softmax"]}, table=table)
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(RunError, match="have changed since it was begun"):
        tiny(sky, folder, {"model.head": ["tree", "softmax"]}, table=table)


def test_a_table_in_memory_is_kept_beside_the_plan(
    sky: Sky, compared: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(sky.table)
    folder = copied(compared, tmp_path / "study")
    assert pd.read_parquet(folder / "table.parquet").equals(frame)
    # Killed before the table was written, the same call goes on; with other values it does not.
    (folder / "table.parquet").unlink()
    tiny(sky, folder, {"model.head": ["tree", "softmax"]}, table=frame.copy())
    written = (folder / "table.parquet").read_bytes()
    with pytest.raises(RunError, match="have changed since it was begun"):
        tiny(sky, folder, {"model.head": ["tree", "softmax"]}, table=frame.iloc[:-1])
    assert (folder / "table.parquet").read_bytes() == written


def replace_process(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """The process of a trial does nothing but report its memory and end in this way."""
    told = json.dumps({"stage": "train", "done": 1, "total": 2, "note": "", "memory": 5 << 20})
    monkeypatch.setattr(
        "galaxyclass.workers.start.WORKER_PROGRAM",
        f"import sys; sys.stdin.readline(); print({told!r}, flush=True); {end}",
    )


def test_failed_trials_are_tried_again_when_asked(
    sky: Sky, compared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(compared, tmp_path / "study")
    replace_process(monkeypatch, "sys.exit(3)")
    good = (folder / "trials" / "fast_model.head=tree.json").stat().st_mtime_ns
    kept = tiny(sky, folder, {"model.head": ["tree", "softmax"]})
    assert "does not suit" in (kept.results[1].failure or "")
    tried = tiny(sky, folder, {"model.head": ["tree", "softmax"]}, retry_failed=True)
    assert "ended unexpectedly (exit 3)" in (tried.results[1].failure or "")
    assert tried.results[0].state == "finished"
    assert (folder / "trials" / "fast_model.head=tree.json").stat().st_mtime_ns == good


def test_wrong_data_are_told_at_once(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nothing to train on"):
        compare(["fast"], sky.images, output=tmp_path / "study", cache=sky.cache, workers=1)
    assert not (tmp_path / "study").exists()


def test_a_used_folder_is_refused(sky: Sky, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="there is something here already"):
        tiny(sky, tmp_path, {})
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ('{"format": 99}', "newer version"),
        ('{"format": 0}', "older version"),
        ("{}", "damaged"),
    ],
)
def test_a_folder_that_is_not_quite_a_comparison(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "compare.json").write_text(text)
    with pytest.raises(RunError, match=message):
        read_comparison(tmp_path)


def test_a_folder_that_is_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a comparison"):
        read_comparison(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("import os; os.kill(os.getpid(), 9)", "killed by the system (it held 5 MiB)"),
        ("import os; os.kill(os.getpid(), 11)", "ended unexpectedly (killed by signal 11)"),
        ("sys.exit(3)", "ended unexpectedly (exit 3)"),
    ],
)
def test_a_process_that_dies_is_a_row(
    sky: Sky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, message: str
) -> None:
    replace_process(monkeypatch, end)
    comparison = tiny(sky, tmp_path / "study", {"optimizer.lr": [0.1, 0.01]})
    assert [result.state for result in comparison.results] == ["failed", "failed"]
    for row in rows(tmp_path / "study"):
        assert message in row["failure"]
        assert float(row["peak_memory_mib"]) == 5


def test_a_full_disk_is_no_outcome_of_a_trial(
    sky: Sky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once there is room, the same call goes on with the trial."""
    refusal = {"what": "last.ckpt: no room", "wanted": None, "got": None, "hint": "free some space"}
    message = json.dumps({"refused": refusal, "memory": 5 << 20})
    with monkeypatch.context() as patched:
        replace_process(patched, f"print({message!r}, flush=True); sys.exit(1)")
        with pytest.raises(OutputError, match=r"(?s)no room.*free some space; the same again goes"):
            tiny(sky, tmp_path / "study", {"optimizer.lr": [0.1, 0.01]})
    assert [each.state for each in read_comparison(tmp_path / "study").results] == [
        "unfinished",
        "unfinished",
    ]


def test_the_process_of_a_trial_tells_a_full_disk_from_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> dict[str, Any]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "events.out")

    monkeypatch.setattr(worker, "_metrics", fail)
    with pytest.raises(OutputError, match=r"events\.out: no room left on the disk"):
        worker.run_trial({"folder": str(tmp_path)}, silent)


def epochs_of(run: Path) -> int:
    return len(read_history(run / "history.csv"))


def kill(arguments: list[str], run: Path, epochs: int) -> None:
    """Begin a comparison in a process of its own, and kill it after so many epochs."""
    with subprocess.Popen([sys.executable, "-m", "galaxyclass", *arguments]) as process:
        wait_until(lambda: epochs_of(run) >= epochs, process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    (child,) = children
    wait_until(lambda: not is_running(int(child)))


def interrupt(arguments: list[str], run: Path, epochs: int) -> int:
    """Go on with a comparison in this process, and press Ctrl-C after so many epochs."""

    def press() -> None:
        wait_until(lambda: epochs_of(run) >= epochs)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        return main(arguments)
    finally:
        thread.join()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes in /proc")
def test_a_stopped_comparison_goes_on(
    sky: Sky, compared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However it is stopped, nothing runs on, and the end is that of one that was not stopped."""
    folder, handlers = tmp_path / "study", stop_handlers()
    arguments = ["compare", "fast", "--images", str(sky.images), "--table", str(sky.table)]
    arguments += ["--output", str(folder), "--cache", str(sky.cache), "--device", "cpu"]
    arguments += ["--vary", "model.head=tree", "--workers", "1"]
    arguments += [word for setting in SETTINGS for word in ("--set", setting)]
    run = folder / "runs" / "fast_model.head=tree"
    done, began, code = 0, 0, 0
    for stop in (kill, interrupt):
        code = stop(arguments, run, done + 2) or 0
        done = epochs_of(run)
        assert done < EPOCHS
        # A stop costs one epoch at most.
        safe = int(read_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"]) + 1
        assert safe >= done - 1
        assert [result.state for result in read_comparison(folder).results] == ["unfinished"]
        began = began or (run / "run.json").stat().st_mtime_ns
    assert code == 130
    assert stop_handlers() == handlers
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [child for child in children if b"compare.worker" in command_of(child)]
    text = capsys.readouterr().err
    assert "stopped; 0 of 1 trial has ended" in text
    assert "the same again goes on from there" in text
    assert main(arguments) == 0
    assert "1 trial: 1 finished, 0 failed" in capsys.readouterr().out
    assert (run / "run.json").stat().st_mtime_ns == began  # gone on with, not begun again
    whole = rows(compared)[0]
    assert rows(folder)[0]["trial"] == whole["trial"]
    assert float(rows(folder)[0]["value"]) == pytest.approx(float(whole["value"]), rel=1e-6)


def command_of(process: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def stop_handlers() -> list[Any]:
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_ctrl_c_in_python_is_an_exception_of_ours(
    sky: Sky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(stage: str, done: int, total: int | None, **_: str) -> None:
        if stage == "compare":
            os.kill(os.getpid(), signal.SIGINT)

    replace_process(monkeypatch, "import time; time.sleep(600)")
    handlers = stop_handlers()
    with pytest.raises(StoppedError, match="0 of 1 trial has ended"):
        tiny(sky, tmp_path / "study", {}, progress=stop)
    assert stop_handlers() == handlers


def test_the_command_refuses_what_is_wrong_before_it_begins(
    sky: Sky, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", "fast", "--images", str(sky.images), "--output", str(tmp_path / "x")]
    assert main([*arguments, "--vary", "optimizer.lrr=0.1"]) == 1
    assert "did you mean optimizer.lr?" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
