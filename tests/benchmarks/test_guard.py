"""The guard of speed: medians and verdicts by hand, turns, and two commits of a tiny repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Load

STEADY = [1.00, 1.01, 0.99, 1.02, 0.98]


def git(at: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *arguments], cwd=at, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("head", "quantity", "verdict"),
    [
        ([1.10, 1.11, 1.09, 1.12, 1.08], "s", "slower"),
        ([1.10, 1.11, 1.09, 1.12, 1.08], "MiB", "larger"),
        ([0.90, 0.91, 0.89, 0.92, 0.88], "s", "faster"),
        ([1.03, 1.04, 1.02, 1.03, 1.03], "s", ""),  # less than 5 %
        ([0.80, 0.90, 1.10, 1.40, 1.50], "s", ""),  # noise
    ],
)
def test_only_what_is_beyond_five_percent_and_noise_is_told(
    load: Load, head: list[float], quantity: str, verdict: str
) -> None:
    found = load("guard").compare("predict", quantity, STEADY, head)
    assert found.base == 1.0
    assert found.head == sorted(head)[2]
    assert found.ratio == pytest.approx(sorted(head)[2])
    assert found.low <= found.ratio <= found.high
    assert found.verdict == verdict
    assert found.worse == (verdict in {"slower", "larger"})


def test_commits_run_in_turns_and_the_first_round_does_not_count(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = load("guard")
    order: list[str] = []

    def measure(task: object, source: Path, work: Path) -> object:
        order.append(source.name)
        return guard.Cost(float(len(order)), 0.0)

    monkeypatch.setattr(guard, "measure", measure)
    costs = guard.in_turns(guard.TASKS["help"], [Path("a"), Path("b")], tmp_path, 2)
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert [[cost.seconds for cost in row] for row in costs] == [[3, 5], [4, 6]]


def test_a_slower_commit_is_found_and_nothing_is_left(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = load("guard")
    package = tmp_path / "src" / "galaxyclass"
    package.mkdir(parents=True)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for tag, turns in (("fast", 1), ("slow", 4_000_000)):
        (package / "__init__.py").write_text(f"total = sum(n * n for n in range({turns}))\n")
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "-m", tag)
        git(tmp_path, "tag", tag)
    names = ["import galaxyclass"]
    seconds, memory = found = list(
        guard.guard("fast", "slow", names, repeats=5, count=0, root=tmp_path)
    )
    assert (seconds.verdict, memory.verdict) == ("slower", "")
    assert "slower" in guard.table(found).splitlines()[1]
    listed = subprocess.run(
        ["git", "worktree", "list"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1


def test_what_cannot_be_compared_is_refused(
    load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = load("guard")
    assert guard.main(["no-such-commit"]) == 2
    assert "no such commit: no-such-commit" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        guard.main(["HEAD", "--tasks", "fly"])
    assert "no task fly; there are: import galaxyclass, help" in capsys.readouterr().err
    failing = guard.Task(("-c", "raise SystemExit('it broke')"))
    with pytest.raises(guard.GuardError, match="it broke"):
        guard.measure(failing, tmp_path, tmp_path)


def test_a_task_may_say_itself_what_it_took_and_light_means_without_torch(
    load: Load, tmp_path: Path
) -> None:
    guard = load("guard")
    code = (
        "import os\ntry:\n    import torch\nexcept ModuleNotFoundError:\n"
        "    open(os.environ['GUARD_SECONDS'], 'w').write('7.5')\n"
    )
    assert guard.measure(guard.Task(("-c", code), light=True), tmp_path, tmp_path).seconds == 7.5


@pytest.mark.parametrize(
    ("options", "wanted"), [((), (9, 200)), (("--short",), (5, 40)), (("--repeats", "7"), (7, 200))]
)
def test_each_task_is_told_as_soon_as_it_is_measured(
    load: Load,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    wanted: tuple[int, int],
) -> None:
    guard = load("guard")

    def compared(*_: object, repeats: int, count: int) -> object:
        assert (repeats, count) == wanted
        for task in ("help", "pack"):
            yield guard.compare(task, "s", STEADY, STEADY)
            assert task in capsys.readouterr().out
        raise guard.GuardError("no more")

    monkeypatch.setattr(guard, "guard", compared)
    assert guard.main(["main", *options]) == 2
