"""What is refused before it costs memory or time, over real connections."""

from __future__ import annotations

import bz2
import gzip
import http.client
import importlib.util
import io
import json
import socket
import tarfile
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from galaxyclass.images.band_files import BANDS_TOGETHER
from galaxyclass.model.load import load_model
from galaxyclass.serving.admission import Admission
from galaxyclass.serving.batches import TOGETHER, Predictor, Upload
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.served import Served
from tests.serving import support
from tests.support import fake
from tests.support.waiting import wait_until

needs_extra = pytest.mark.skipif(
    any(
        importlib.util.find_spec(name) is None
        for name in ("fastapi", "httpx2", "jinja2", "python_multipart", "uvicorn")
    ),
    reason="NO SERVE EXTRA",
)

FORM = {"Content-Type": "multipart/form-data; boundary=q", "Host": "localhost"}
HEAD = b'--q\r\nContent-Disposition: form-data; name="pictures"; filename="a.jpg"\r\n\r\n'


def form(data: bytes) -> bytes:
    return HEAD + data + b"\r\n--q--\r\n"


@contextmanager
def running(served: Served, header_seconds: float = 10.0) -> Iterator[int]:
    """A server that listens; gives its port."""
    from galaxyclass.serving.app import make_app
    from galaxyclass.serving.listen import TimedProtocol, make_server

    class Protocol(TimedProtocol):
        seconds = header_seconds

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = make_server(make_app(served, host="127.0.0.1", token=None), Protocol)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
            served.predictor.close()


def begin(port: int, length: int) -> http.client.HTTPConnection:
    """A request of so many bytes, of which none is sent yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/predict", skip_host=True)
    for name, value in {**FORM, "Content-Length": str(length)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def error_of(answer: http.client.HTTPResponse) -> dict[str, str]:
    error: dict[str, str] = json.loads(answer.read())["error"]
    return error


def test_bytes_of_all_requests_are_counted_before_they_come() -> None:
    admission = Admission(Limits(bytes_at_once=1000, requests=3))
    with admission.request(600) as first:
        first.reserve(500)  # of the 600
        with pytest.raises(RefusedError, match="too many pictures are being received") as refused:
            admission.request(500)
        assert (refused.value.status, refused.value.retry_seconds) == (503, 2)
        with admission.request(0) as second:
            second.reserve(400)  # it did not say how much would come
            with pytest.raises(RefusedError):
                second.reserve(401)
            with admission.request(0), pytest.raises(RefusedError, match="too many requests"):
                admission.request(0)
    with admission.request(1000):
        pass


@needs_extra
def test_many_large_uploads_are_refused_unread_and_say_when_to_come_again(tmp_path: Path) -> None:
    served = support.served(tmp_path, request_bytes=3_000_000, bytes_at_once=5_000_000, seconds=1)
    with running(served) as port:
        slow = begin(port, 3_000_000)
        slow.send(HEAD)
        wait_until(lambda: begin_and_see(port) == 503)
        late = begin(port, 3_000_000)
        late.send(form(b"x" * 2_000_000)[:-100])  # nearly all is sent before the answer is read
        answer = late.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert error_of(answer)["hint"] == "send them again in a few seconds"
        slow.close()  # its bytes are given back
        wait_until(lambda: begin_and_see(port) == 200)
        late.close()


def begin_and_see(port: int) -> int:
    """The status of a whole request of 2.9 MB with one picture in it."""
    body = form(support.jpeg(9, 200, 9) + b"\0" * 2_900_000)
    connection = begin(port, len(body))
    connection.send(body)
    status = connection.getresponse().status
    connection.close()
    return status


@needs_extra
def test_clients_that_send_slowly_or_do_not_end_are_cut_off(tmp_path: Path) -> None:
    served = support.served(tmp_path, seconds=0.4)
    with running(served, header_seconds=0.4) as port:
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as silent:
            assert silent.recv(1) == b""  # closed, though nothing was sent
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ")
            ended = threading.Event()
            dribble = threading.Thread(target=_dribble, args=(slow, ended))
            dribble.start()  # a letter now and then does not begin the time anew
            assert slow.recv(1) == b""
            ended.set()
            dribble.join()
        late = begin(port, 1000)
        late.send(HEAD)
        answer = late.getresponse()
        assert answer.status == 408
        assert "took too long to arrive" in error_of(answer)["what"]
        late.close()
        assert time.monotonic() - begun < 8
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(2):  # a connection that is kept still answers
            kept.request("GET", "/model")
            assert kept.getresponse().read()
        kept.close()


def _dribble(connection: socket.socket, ended: threading.Event) -> None:
    while not ended.wait(0.1):
        try:
            connection.sendall(b"a")
        except OSError:
            return


def bombs() -> dict[str, bytes]:
    """Small files that would become large."""
    zeros = b"\0" * 8_000_000
    fits = bytearray(b" " * 2880)
    for number, card in enumerate(
        ("SIMPLE  =                    T", "BITPIX  =                    8",
         "NAXIS   =                    2", "NAXIS1  =               900000",
         "NAXIS2  =               900000", "END")
    ):  # fmt: skip
        fits[number * 80 : number * 80 + len(card)] = card.encode()
    long = b"SIMPLE  =                    T".ljust(80) + b"COMMENT x".ljust(80) * 20_000
    archive, tar, group, array = (io.BytesIO() for _ in range(4))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.jpg", zeros)
    with tarfile.open(fileobj=tar, mode="w:gz") as packed:
        entry = tarfile.TarInfo("a.jpg")
        entry.size = len(zeros)
        packed.addfile(entry, io.BytesIO(zeros))
    pq.write_table(pa.table({"image": np.zeros(2_000_000)}), group)  # one row group
    np.lib.format.write_array_header_1_0(
        array, {"descr": "|u1", "fortran_order": False, "shape": (900_000, 900_000)}
    )
    return {
        "a.zip": archive.getvalue(),
        "a.tar.gz": tar.getvalue(),
        "a.jpg.gz": gzip.compress(zeros),
        "a.jpg.bz2": bz2.compress(zeros),
        "twice.gz": gzip.compress(gzip.compress(zeros)),
        "bands": BANDS_TOGETHER + b"x" * 100,
        "tiles.fits.fz": bytes(fits[:2880])
        + b"ZNAXIS1 =               900000 / x".ljust(80)
        + b"ZNAXIS2 =               900000 / x".ljust(80),
        "a.parquet": group.getvalue(),
        "size.fits": bytes(fits),
        "header.fits": long,
        "a.npy": array.getvalue(),
        "a.png": support.png(20_000, 20_000),
    }


@needs_extra
def test_bombs_are_refused_in_little_memory(tmp_path: Path) -> None:
    pytest.importorskip("astropy.io.fits")
    from starlette.testclient import TestClient

    from galaxyclass.serving.app import make_app

    served = support.served(tmp_path, pixels=1_000_000, file_bytes=2_500_000)
    site = TestClient(make_app(served, host="127.0.0.1", token=None), base_url="http://localhost")
    sent = [("pictures", (name, data)) for name, data in bombs().items()]
    sent.append(("pictures", ("good.jpg", support.jpeg(9, 200, 9))))
    tracemalloc.start()
    rows = site.post("/predict", files=sent).json()["galaxies"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [row["file"] for row in rows if row["error"] is None] == ["good.jpg"]
    assert peak < 30_000_000
    served.predictor.close()


def test_large_requests_take_turns_and_cancelled_ones_keep_no_pictures(tmp_path: Path) -> None:
    begin_now = threading.Event()
    order: list[int] = []

    class Slow(fake.TreeBackend):
        def __call__(self, cutouts: Any) -> Any:
            begin_now.wait(10)
            order.append(len(cutouts))
            return super().__call__(cutouts)

    predictor = Predictor(support.model(tmp_path, Slow()), (), Limits())
    colours = [support.jpeg(n, 90, 30) for n in range(150)]
    many = [Upload(str(n), data) for n, data in enumerate(colours)]
    first = predictor.submit(many)
    single = predictor.submit(many[:1])
    dropped = predictor.submit(many[:50])
    dropped.cancel()
    done: list[str] = []
    first.add_done_callback(lambda _: done.append("many"))
    single.add_done_callback(lambda _: done.append("single"))
    begin_now.set()
    answers = first.result(30)
    assert done == ["single", "many"]
    assert sum(order) == 151
    assert max(order) <= TOGETHER + 1
    assert answers.rows == tuple(range(150))
    assert len(answers.table) == 150
    alone = predictor.submit(many[149:]).result(30)
    assert answers.table.slice(149).equals(alone.table)
    with pytest.raises(CancelledError):
        dropped.result()
    predictor.require_room(400)
    predictor.close()


def test_parts_of_a_request_are_joined_whoever_asked_beside_it() -> None:
    predictor = Predictor(load_model(workers=1), ("embedding",), Limits())
    upload = Upload("a.jpg", support.jpeg(9, 90, 30))
    with predictor.turn:  # until both have asked
        many = predictor.submit([upload] * (TOGETHER + 1), embedding=False)
        beside = predictor.submit([upload], embedding=True)
    assert len(many.result(timeout=60).records) == TOGETHER + 1
    assert "embedding_0" in beside.result(timeout=60).table.column_names
    predictor.close()
