"""Which outputs are free, which are gone on with, and what two processes do to each other."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import (
    discard_folder,
    temporary_name,
    write_text,
    writing,
    writing_folder,
)
from galaxyclass.io.journal import job_key, open_journal
from galaxyclass.io.lock import open_locked
from galaxyclass.io.output import UNFINISHED, FolderOutput, require_free


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Every write is refused, as on a full disk; again when a file is closed."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
def test_a_disk_without_room_for_the_journal(tmp_path: Path) -> None:
    output = FolderOutput(tmp_path / "new", ("scores.csv",), "key", overwrite=False)
    with pytest.raises(OutputError, match="new: the file would be larger"), output.claim():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_leftover_is_taken_over(tmp_path: Path) -> None:
    temporary_name(tmp_path / "a.txt").write_text("half of what a kill left behind")
    write_text(tmp_path / "a.txt", "whole")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "whole"}


def test_what_another_process_writes_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxyclass.io.atomic.LOCK_SECONDS", 0.1)
    with writing(tmp_path / "a.txt") as temporary:
        temporary.write_text("theirs")
        with pytest.raises(OutputError, match=r"a\.txt: another process is writing it"):
            write_text(tmp_path / "a.txt", "ours")
    assert (tmp_path / "a.txt").read_text() == "theirs"


def test_a_name_whose_file_was_renamed_is_opened_anew(tmp_path: Path) -> None:
    first = open_locked(tmp_path / "lock")
    (tmp_path / "lock").rename(tmp_path / "elsewhere")
    second = open_locked(tmp_path / "lock")
    assert not os.path.samestat(os.fstat(first), os.fstat(second))
    os.close(first)
    os.close(second)


def test_a_folder_appears_whole_and_takes_the_leftover_away(tmp_path: Path) -> None:
    left = temporary_name(tmp_path / "sky")
    (left / "images").mkdir(parents=True)
    (left / "images" / "1.jpg").touch()
    with writing_folder(tmp_path / "sky") as new:
        (new / "2.jpg").touch()
        assert not (tmp_path / "sky").exists()
    assert [path.relative_to(tmp_path) for path in sorted(tmp_path.rglob("*"))] == [
        Path("sky"),
        Path("sky/2.jpg"),
    ]


def test_a_folder_of_empty_folders_is_empty(tmp_path: Path) -> None:
    (tmp_path / "sky" / "a" / "b").mkdir(parents=True)
    with writing_folder(tmp_path / "sky") as new:
        (new / "2.jpg").touch()
    assert [path.name for path in (tmp_path / "sky").iterdir()] == ["2.jpg"]


def test_a_link_to_an_empty_folder_stays_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "sky").symlink_to(tmp_path / "disk")
    with writing_folder(tmp_path / "sky") as new:
        (new / "2.jpg").touch()
    assert (tmp_path / "sky").is_symlink()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["2.jpg"]


def test_a_failure_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing_folder(tmp_path / "sky") as new:
        _ = (new / "1.jpg").write_bytes(b"") // 0
    assert list(tmp_path.iterdir()) == []


def test_two_processes_make_one_folder(tmp_path: Path) -> None:
    with writing_folder(tmp_path / "sky") as new:
        (new / "1.jpg").touch()
        with (
            pytest.raises(OutputError, match="another process is writing it"),
            writing_folder(tmp_path / "sky"),
        ):
            pass
    assert [path.name for path in (tmp_path / "sky").iterdir()] == ["1.jpg"]


def test_the_current_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with writing_folder(Path()) as new:
        (new / "1.jpg").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["1.jpg"]


def test_a_folder_is_discarded(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").touch()
    discard_folder(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def scores(folder: Path, key: str = "a", *, overwrite: bool = False) -> FolderOutput:
    return FolderOutput(folder, ("scores.csv",), job_key("score", seed=key), overwrite)


def stopped(output: FolderOutput, *, before: bool = False) -> None:
    def stop() -> None:
        with output.claim():
            if not before:
                (output.folder / "scores.csv").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()


def test_a_job_that_was_stopped_goes_on(tmp_path: Path) -> None:
    stopped(scores(tmp_path))
    scores(tmp_path).require_free()
    with scores(tmp_path).claim():
        (tmp_path / "scores.csv").write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_another_job_does_not_go_on(tmp_path: Path) -> None:
    stopped(scores(tmp_path))
    with (
        pytest.raises(OutputError, match=r"scores\.csv exists already, of a job with other"),
        scores(tmp_path, "b").claim(),
    ):
        pass
    with scores(tmp_path, "b", overwrite=True).claim():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_a_finished_job_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").touch()
    with pytest.raises(OutputError, match=r"scores\.csv exists already\n  hint: "):
        scores(tmp_path).require_free()


def test_a_job_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    stopped(scores(tmp_path / "new"), before=True)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_do_one_job(tmp_path: Path) -> None:
    with (
        scores(tmp_path).claim(),
        pytest.raises(OutputError, match="another process is writing"),
        scores(tmp_path).claim(),
    ):
        pass
    assert not (tmp_path / UNFINISHED).exists()


def test_a_journal_drops_what_a_kill_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with open_journal(path, "key") as journal:
        journal.begin()
        journal.add({"a": 1}, {"a": 2})
    with path.open("ab") as file:
        file.write(b'{"a": 3')
    with open_journal(path, "key") as journal:
        assert list(journal) == [{"a": 1}, {"a": 2}]
        journal.add({"a": 4})
        assert journal[2] == {"a": 4}


def test_a_journal_of_another_job_stays_until_a_job_begins(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with open_journal(path, "key") as journal:
        journal.begin()
    with open_journal(path, "other") as journal:
        assert (journal.previous_key, journal.begun) == ("key", False)
    with open_journal(path, "key") as journal:
        assert journal.begun


def test_a_journal_that_was_not_begun_leaves_no_file(tmp_path: Path) -> None:
    with open_journal(tmp_path / "journal", "key"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_arguments_are_another_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert job_key("a", images=Path("sky")) == job_key("a", images=tmp_path / "sky")
    assert job_key("a", images="1") != job_key("a", images=1)
    assert job_key("a", images=1) != job_key("b", images=1)


@pytest.mark.parametrize("name", ["run.json", "manifest.json"])
def test_files_of_a_training_or_a_model_are_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(OutputError, match=r"would be lost(?s:.*)results"):
        scores(tmp_path, overwrite=True).require_free()


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_not_replaced_by_the_output(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    for overwrite in (True, False):
        with pytest.raises(OutputError, match=r"a symbolic link(?s:.*)real\.csv"):
            require_free(tmp_path / "link.csv", overwrite=overwrite)
