"""Messages, atomic writing, extras."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import sys
from pathlib import Path

import pytest

from galaxyclass.errors import (
    ArgumentError,
    GalaxyclassError,
    MissingExtraError,
    OutputError,
    SurveyStoppedError,
)
from galaxyclass.extras import require, require_installed
from galaxyclass.io.atomic import error_of_system, translated, write_text, writing


def test_message_has_what_wanted_got_and_what_to_do() -> None:
    error = GalaxyclassError("a.csv: no id", wanted="an id column", got="x, y", hint="use --id")
    assert str(error) == (
        "a.csv: no id\n  wanted: an id column\n  got:    x, y\n  hint:   use --id"
    )


def test_errors_pass_from_a_process_to_another() -> None:
    """One that cannot be unpickled would break a pool of processes."""
    errors = [
        GalaxyclassError("a.csv: no id", argument="table", hint="use --id"),
        ArgumentError("`views` cannot be 0", wanted="1 to 8"),
        SurveyStoppedError(True, "stopped", hint="go on"),
    ]
    for error in errors:
        for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert (str(other), vars(other)) == (str(error), vars(error))


def test_message_of_several_lines_is_aligned() -> None:
    error = GalaxyclassError("two things", got="one\ntwo")
    assert str(error) == "two things\n  got:    one\n          two"


def test_write_makes_folders_and_leaves_no_temporary(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "text")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert (tmp_path / "a" / "b.txt").read_text() == "text"


def test_failed_write_keeps_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "before")
    with pytest.raises(ZeroDivisionError), writing(target) as temporary:
        _ = temporary.write_text("half") // 0
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "no room left on the disk"),
        (errno.EACCES, "no permission"),
        (errno.ENOTDIR, "a file stands where a folder is needed"),
        (errno.ENAMETOOLONG, "the name is too long"),
    ],
)
def test_errors_of_the_system_are_translated(number: int, message: str) -> None:
    with pytest.raises(OutputError, match=message), translated(Path("out.csv")):
        raise OSError(number, "as the system says it")


def test_numpy_on_a_full_disk() -> None:
    with pytest.raises(OutputError, match="no room left on the disk"), translated(Path("a.npy")):
        raise OSError("1056 requested and 992 written")


def test_other_errors_of_the_system_pass() -> None:
    with pytest.raises(OSError, match="strange"), translated(Path("out.csv")):
        raise OSError(errno.EIO, "strange")


def test_what_only_writing_meets_says_what_to_do_wherever_it_comes_from() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.csv")
    assert str(error_of_system(full)).startswith("a.csv: no room left on the disk\n")
    denied = OSError(errno.EACCES, os.strerror(errno.EACCES), "a.csv")
    assert str(error_of_system(denied)) == "a.csv: Permission denied"


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_text(tmp_path / "file" / "a.txt", "text")


def test_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "galaxyclass\[train\]"'):
        require("torch")


def test_what_is_only_looked_for_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    require_installed("this")
    assert "this" not in sys.modules
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "galaxyclass\[train\]"'):
        require_installed("this", "torch")
