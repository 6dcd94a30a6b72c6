"""What is left when making a pack ends early: real kills, a full disk, Ctrl-C, two at once."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.errors import OutputError, PackError, WorkerError
from galaxyclass.images.packs import layout, write
from galaxyclass.images.packs.read import open_pack
from galaxyclass.images.packs.shards import MadeShard, make_shard
from galaxyclass.images.packs.write import pack
from galaxyclass.workers import processes
from galaxyclass.workers.start import start_process
from tests.support.waiting import is_running, wait_until

from .conftest import SETTINGS, content

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and /proc")

#: Packs many images, and kills itself once some shards are in the journal.
KILLED = """
import os, signal, sys
from pathlib import Path
from galaxyclass.workers import processes
from galaxyclass.images.packs import write
from galaxyclass.images.packs.write import pack
from galaxyclass.recipes.preprocessing import Preprocessing

folder, workers, how, pids, *paths = sys.argv[1:]
write._SYNC_SECONDS = write._SYNC_REST = 0
work = write.work_in_processes
if how == "processes":
    write.work_in_processes = lambda *arguments, in_thread: work(*arguments)
start = processes.start_process

def noted(*arguments):
    process = start(*arguments)
    with open(pids, "a") as file:
        print(process.pid, file=file)
    return process

processes.start_process = noted

def kill(stage, done, total, **_):
    journal = Path(folder) / "journal.jsonl"
    if journal.exists() and journal.read_text().count('shard') > 2:
        os.kill(os.getpid(), signal.SIGKILL)

pack(paths, Preprocessing(cutout="centre", size=16), output=folder, workers=int(workers),
     progress=kill)
"""


def finished(folder: Path) -> set[int]:
    """The numbers of the shards in a journal."""
    lines = (folder / layout.JOURNAL).read_text().rstrip("\0").splitlines()[1:]
    return {json.loads(line)["shard"] for line in lines}


@POSIX
@pytest.mark.parametrize(("workers", "how"), [(1, "alone"), (2, "together"), (2, "processes")])
def test_a_killed_pack_goes_on_where_it_stopped(
    many: list[str], tmp_path: Path, counted: list[Any], workers: int, how: str
) -> None:
    folder, pids = tmp_path / "killed", tmp_path / "pids"
    pids.touch()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(workers), how, str(pids), *many],
        check=False,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGKILL
    done = finished(folder)
    assert 3 <= len(done) < 8
    with pytest.raises(PackError, match="an unfinished pack"):
        open_pack(folder)

    resumed = pack(many, SETTINGS, output=folder, workers=1)
    redone = {many.index(first) // layout.SHARD_IMAGES for first in counted}
    assert redone == set(range(8)) - done
    whole = pack(many, SETTINGS, output=tmp_path / "whole", workers=1)
    assert content(resumed.folder) == content(whole.folder)

    started = [int(line) for line in pids.read_text().split()]
    assert len(started) == {"alone": 0, "together": 1, "processes": 2}[how]
    # No packing process outlives the one that started it.
    wait_until(lambda: not any(is_running(pid) for pid in started), seconds=60)


def stopped_after(shards: int, error: KeyboardInterrupt | OSError) -> Callable[..., Any]:
    """A `make_shard` that fails after some shards."""
    made: list[int] = []

    def make(*arguments: Any) -> MadeShard:
        if len(made) == shards:
            raise error
        made.append(1)
        return make_shard(*arguments)

    return make


def test_a_line_cut_short_is_dropped(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Any]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(write, "make_shard", stopped_after(3, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            pack(many, SETTINGS, output=tmp_path / "pack", workers=1)
    journal = tmp_path / "pack" / layout.JOURNAL
    journal.write_bytes(journal.read_bytes().rstrip(b"\0")[:-30])
    counted.clear()
    assert pack(many, SETTINGS, output=tmp_path / "pack", workers=1).valid.all()
    assert counted == [many[64 * shard] for shard in range(2, 8)]


@pytest.mark.usefixtures("in_processes")
def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def noted(*arguments: Any) -> subprocess.Popen[Any]:
        started.append(start_process(*arguments))
        return started[-1]

    monkeypatch.setattr(processes, "start_process", noted)

    def interrupt(stage: str, done: int, total: int | None, **_: Any) -> None:
        if done >= 128:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(many, SETTINGS, output=tmp_path / "pack", workers=2, progress=interrupt)
    assert len(finished(tmp_path / "pack")) >= 2
    assert [process.poll() is not None for process in started] == [True, True]
    assert pack(many, SETTINGS, output=tmp_path / "pack", workers=1).valid.all()


def test_a_full_disk_is_explained_and_what_is_done_is_kept(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Any]
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as patch:
        patch.setattr(write, "make_shard", stopped_after(3, full))
        with pytest.raises(OutputError, match="no room left on the disk"):
            pack(many, SETTINGS, output=tmp_path / "pack", workers=1)
    assert finished(tmp_path / "pack") == {0, 1, 2}
    counted.clear()
    assert pack(many, SETTINGS, output=tmp_path / "pack", workers=1).valid.all()
    assert len(counted) == 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_by_a_packing_process(many: list[str]) -> None:
    job = {"settings": SETTINGS.model_dump(), "images": "/dev/full"}
    task = {"paths": many[:64], "offset": 0}
    results = processes.work_in_processes("galaxyclass.images.packs.worker", job, [(0, task)], 1)
    with pytest.raises(OSError, match="No space left") as caught:
        next(results)
    assert caught.value.errno == errno.ENOSPC


@POSIX
@pytest.mark.parametrize(
    ("name", "number"),
    [("fcntl.flock", errno.ENOSYS), ("fcntl.flock", errno.ENOLCK),
     ("os.posix_fallocate", errno.EOPNOTSUPP), ("os.posix_fallocate", errno.EINVAL)],
)  # fmt: skip
def test_file_systems_without_locks_or_reserved_room(
    few: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(name, refuse)
    assert pack(few, SETTINGS, output=tmp_path / "pack").valid.all()


@POSIX
def test_a_lock_that_fails_otherwise_is_an_error(
    few: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EIO, "strange")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match="strange"):
        pack(few, SETTINGS, output=tmp_path / "pack")


def test_too_little_room_is_noticed_before_the_work(
    few: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Any]
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OutputError, match="no room for the pack on this disk") as caught:
        pack(few, SETTINGS, output=tmp_path / "pack")
    assert caught.value.got == "0.0 MB free"
    assert counted == []


@pytest.mark.usefixtures("in_processes")
def test_a_process_that_dies_is_reported(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxyclass.workers.start.WORKER_PROGRAM", "import sys; sys.exit(3)")
    with pytest.raises(WorkerError, match=r"ended unexpectedly \(exit status 3\)") as caught:
        pack(many, SETTINGS, output=tmp_path / "pack", workers=2)
    assert "fewer `workers`" in str(caught.value)
    monkeypatch.undo()
    assert pack(many, SETTINGS, output=tmp_path / "pack", workers=2).valid.all()


def test_an_unfinished_pack_of_other_images_is_not_gone_on_with(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(write, "make_shard", stopped_after(3, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            pack(many, SETTINGS, output=tmp_path / "pack", workers=1)
    with pytest.raises(OutputError, match="a pack of other images"):
        pack(many[::-1], SETTINGS, output=tmp_path / "pack", workers=1)
    turned = pack(many[::-1], SETTINGS, output=tmp_path / "pack", workers=1, overwrite=True)
    whole = pack(many[::-1], SETTINGS, output=tmp_path / "whole", workers=1)
    assert content(turned.folder) == content(whole.folder)


#: No ``if __name__ == "__main__"``: a packing process must not run it again.
UNGUARDED = """
import sys
from pathlib import Path
from galaxyclass.images.packs.write import pack
from galaxyclass.recipes.preprocessing import Preprocessing
made = pack(Path(sys.argv[2]).read_text().split(), Preprocessing(cutout="centre", size=16),
            cache=Path(sys.argv[1]), workers=2)
print(len(made), made.valid.all())
"""


@pytest.mark.parametrize("how", ["script", "standard input"])
def test_a_program_without_a_guard_runs_once(many: list[str], tmp_path: Path, how: str) -> None:
    listed, script = tmp_path / "list.txt", tmp_path / "script.py"
    listed.write_text("\n".join(many))
    script.write_text(UNGUARDED)
    program = [str(script)] if how == "script" else ["-"]
    ended = subprocess.run(
        [sys.executable, *program, str(tmp_path / "cache"), str(listed)],
        input=None if how == "script" else UNGUARDED,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.stdout, ended.stderr) == ("500 True\n", "")


def test_a_module_of_the_users_named_like_pythons_does_no_harm(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported by mistake')")
    monkeypatch.chdir(tmp_path)
    assert pack(many, SETTINGS, output=tmp_path / "pack", workers=2).valid.all()


@POSIX
def test_two_at_once_make_the_pack_once(many: list[str], tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(many))
    counted = UNGUARDED.replace(
        "made = pack",
        "from galaxyclass.images.packs import write\n"
        "real = write._Job.make\n"
        "write._Job.make = lambda *a: (print('makes', flush=True), real(*a))\n"
        "made = pack",
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", counted, str(tmp_path / "cache"), str(listed)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert sorted(said) == ["500 True\n", "makes\n500 True\n"]
    whole = pack(many, SETTINGS, output=tmp_path / "whole", workers=1)
    (folder,) = (tmp_path / "cache" / "packs").iterdir()
    assert content(folder) == content(whole.folder)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_the_journal_has_its_room_before_the_pixels_take_it(
    many: list[str], tmp_path: Path
) -> None:
    rooms = []

    def look(stage: str, done: int, total: int | None, **_: Any) -> None:
        journal = tmp_path / "pack" / layout.JOURNAL
        if journal.exists():
            rooms.append(journal.stat().st_blocks * 512)

    pack(many, SETTINGS, output=tmp_path / "pack", workers=1, progress=look)
    # Size, time, digest, width and height of an image take some 75 characters.
    assert rooms[0] > 75 * len(many)
    assert len(set(rooms)) == 1, "it grew, or was given back"


def test_a_complete_pack_that_may_only_be_read_is_read(
    many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a cache that another user filled, or on a disk that is read-only."""
    made = pack(many[:3], SETTINGS, cache=tmp_path, workers=1)

    def refused(path: Path) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(write, "locked", refused)
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    assert content(pack(many[:3], SETTINGS, cache=tmp_path, workers=1).folder) == content(
        made.folder
    )
    with pytest.raises(OutputError, match=r"(?s)no permission.*choose another place with `cache`"):
        pack(many[:2], SETTINGS, cache=tmp_path, workers=1)
    made.folder.joinpath(layout.PACK_MANIFEST).unlink()
    with pytest.raises(OutputError, match="no permission to write here"):
        pack(many[:3], SETTINGS, cache=tmp_path, workers=1)
