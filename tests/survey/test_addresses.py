"""Pictures behind addresses: the same plan and the same predictions as of files."""

from __future__ import annotations

import shutil
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq
import pytest

from galaxyclass import CatalogError, ImageError, MissingExtraError, Survey
from galaxyclass.images import remote
from tests.survey.test_plan import objects

fsspec: Any = pytest.importorskip("fsspec", reason="fsspec is not installed: no addresses")
Planned = Callable[..., Survey]


@pytest.fixture
def memory(pictures: list[Path], tars: Path) -> Iterator[str]:
    """The pictures in two folders, their tars, and what is no picture, in fsspec's memory."""
    files = fsspec.filesystem("memory")
    for number, path in enumerate(pictures):
        files.pipe(f"/sky/{'ab'[number >= 30]}/{path.name}", path.read_bytes())
    files.pipe("/sky/notes.md", b"no picture")
    for path in sorted(tars.glob("*.tar")):
        files.pipe(f"/tars/{path.name}", path.read_bytes())
    yield "memory://sky"
    files.store.clear()


class _Quiet(SimpleHTTPRequestHandler):
    busy = 0
    fetched: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        self.fetched[self.path] += 1
        if self.path.endswith(".jpg") and type(self).busy > 0:
            type(self).busy -= 1
            self.send_error(503)
            return
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    #: Two dozen pictures are asked for at once: who does not fit here waits for a second or three.
    request_queue_size = 128


@pytest.fixture
def server(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: no https://")
    monkeypatch.setattr(remote, "PAUSES", (0.01, 0.01))
    handler = partial(_Quiet, directory=str(pictures[0].parent))
    with _Server(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def merged(survey: Survey, name: str) -> bytes:
    result = survey.run_shards(range(len(survey.shards)), retries=0)
    assert result.failed == ()
    path = survey.folder.with_name(name)
    survey.merge(output=path)
    return path.read_bytes()


def test_folders_archives_and_lists_in_a_store(
    planned: Planned, pictures: list[Path], memory: str, tmp_path: Path
) -> None:
    local = merged(planned(pictures[0].parent, "local"), "local.csv")
    survey = planned(memory, "folder")
    assert objects(survey)["path"][0].as_py() == f"memory://sky/a/{pictures[0].name}"
    assert merged(survey, "folder.csv") == local
    assert objects(planned(memory, "paths", ids_from="path"))["id"][0].as_py().startswith("a/")
    archives = planned("memory://tars", "archives")
    assert merged(archives, "archives.csv") == local
    fsspec.filesystem("memory").pipe("/tars/00002.tar", b"another")
    other = planned("memory://tars/00000.tar", "one")
    assert other.plan.images == 16
    (archives.folder / "results/000000/0000001.json").unlink()
    failed = archives.run_shards([1], retries=0).failed
    assert "00002.tar: changed since the survey was planned" in failed[0].error
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"memory://sky/{'ab'[n >= 30]}/{p.name}\n"
                              for n, p in enumerate(pictures)))  # fmt: skip
    assert merged(planned(listed, "listed"), "listed.csv") == local


@pytest.mark.slow
def test_a_web_server(
    planned: Planned, pictures: list[Path], server: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    local = merged(planned(pictures[0].parent, "local"), "local.csv")
    survey = planned(server, "web")
    assert survey.plan.images == len(pictures)
    monkeypatch.setattr(_Quiet, "busy", 1)  # it is asked again
    assert merged(survey, "web.csv") == local
    down = planned(server, "down")
    monkeypatch.setattr(_Quiet, "busy", 10**6)
    failed = down.run_shards([0], retries=0).failed
    assert "cannot be reached" in failed[0].error
    monkeypatch.setattr(_Quiet, "busy", 0)
    assert merged(down, "down.csv") == local
    (tmp_path / "list.txt").write_text(f"{server}/{pictures[0].name}\n{server}/none.jpg\n")
    result = planned(tmp_path / "list.txt", "hole").run_shards([0])
    assert (result.done, result.unreadable) == (1, 1)


def test_lists_and_archives_of_a_web_server(
    planned: Planned, pictures: list[Path], tars: Path, server: str, tmp_path: Path
) -> None:
    local = merged(planned(pictures[0].parent, "local"), "local.csv")
    below = pictures[0].parent / "served"
    shutil.copytree(tars, below)
    try:
        _Quiet.fetched.clear()
        web = [f"{server}/served/{path.name}" for path in sorted(tars.glob("*.tar"))]
        assert merged(planned(web, "archives", measured=True, ids_from="stem"), "tars.csv") == local
        assert set(_Quiet.fetched.values()) == {1}, "an archive was fetched again"
    finally:
        shutil.rmtree(below)
    listed = pictures[0].parent / "list.csv"
    try:
        rows = "".join(f"{path.name},{n},{-n}\n" for n, path in enumerate(pictures))
        listed.write_text(f"file,ra,dec\n{rows}")
        survey = planned(f"{server}/list.csv?version=2", "listed")
        assert survey.plan.source == (f"{server}/list.csv?version=2",)
        assert objects(survey)["path"][0].as_py() == f"{server}/{pictures[0].name}"
        assert survey.plan.sky == ("ra", "dec")
    finally:
        listed.unlink()
    assert merged(survey, "listed.parquet")
    assert pq.read_table(tmp_path / "listed.parquet")["ra"].to_pylist() == list(range(60))


def test_wrong_addresses(
    planned: Planned, memory: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError, match="cannot be listed"):
        planned("memory://nowhere")
    with pytest.raises(CatalogError, match="not a kind of address"):
        planned("sky://a")
    with pytest.raises(CatalogError, match=r"memory://none\.csv: the list cannot be fetched"):
        planned("memory://none.csv")
    fsspec.filesystem("memory").pipe("/list.csv", b"file,ra\n,1\n")
    with pytest.raises(CatalogError, match=r"memory://list.csv: no path in row 1"):
        planned("memory://list.csv", path_column="file")
    survey = planned(memory)
    fsspec.filesystem("memory").rm("/sky/a", recursive=True)
    failed = survey.run_shards([0], retries=0).failed
    assert "memory://sky/a: gone since the survey was planned" in failed[0].error
    monkeypatch.setitem(sys.modules, "fsspec", None)
    remote.filesystem_of.cache_clear()
    with pytest.raises(MissingExtraError) as caught:
        planned("s3://sky", "other")
    assert caught.value.hint == 'pip install "galaxyclass[remote]"'


def test_names_that_look_like_patterns_are_names(memory: str) -> None:
    files = fsspec.filesystem("memory")
    files.pipe("/odd/what?.jpg", b"")
    assert list(remote.walk_addresses("memory://odd")) == ["memory://odd/what?.jpg"]
    names = [f"{memory}/a/{name}" for name in ("M51[1].jpg", "M51*.jpg", "absent.jpg")]
    for name in names[:2]:
        files.pipe(name.removeprefix("memory:/"), name.encode())
    with remote.fetched(names):
        assert [remote.read_address(name)[0] for name in names[:2]] == [
            name.encode() for name in names[:2]
        ]
        with pytest.raises(ImageError, match="no such file"):
            remote.read_address(names[2])
