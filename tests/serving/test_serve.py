"""The page and the API, by requests: rows in their order, names as text, and what is refused."""

from __future__ import annotations

import csv
import importlib.util
import io
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from galaxyclass.cli.main import main
from galaxyclass.data.labels.questions import questions_of_classes
from galaxyclass.errors import ArgumentError
from galaxyclass.model.load import load_model
from galaxyclass.model.writers import write_table
from galaxyclass.serving.batches import Predictor, Upload
from galaxyclass.serving.label_plan import LabelPlan
from galaxyclass.serving.labels import LabelFile
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.rows import PredictionRows
from galaxyclass.serving.served import Served
from galaxyclass.serving.start import open_labelling, open_served, serve
from galaxyclass.tasks.classes.task import ClassTask
from tests.serving import support
from tests.support import fake

_MISSING = [
    name
    for name in ("fastapi", "httpx2", "jinja2", "python_multipart", "uvicorn")
    if importlib.util.find_spec(name) is None
]
needs_extra = pytest.mark.skipif(
    bool(_MISSING), reason=f"NO SERVE EXTRA: pip install {' '.join(_MISSING)}"
)

EVIL = "../../<img src=x onerror=alert(1)>\u202e.jpg"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Any]:
    """A client of a server with a file of predictions and a labelling."""
    with_file = support.served(tmp_path, with_file=True, files=20, file_bytes=2_000_000,
                               request_bytes=3_000_000, pixels=1_000_000)  # fmt: skip
    labels = LabelFile(tmp_path / "labels.jsonl", questions_of_classes(("<b>ring", "none")))
    labelling = open_labelling(with_file, labels, by="random")
    yield client(Served(**{**vars(with_file), "labelling": labelling}))
    with_file.predictor.close()
    labels.close()


def client(served: Served, *, host: str = "127.0.0.1", token: str | None = None) -> Any:
    from starlette.testclient import TestClient

    from galaxyclass.serving.app import make_app

    return TestClient(
        make_app(served, host=host, token=token),
        base_url="http://localhost:8000",
        follow_redirects=False,
        raise_server_exceptions=False,
    )


def parts(*pictures: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("pictures", picture) for picture in pictures]


@needs_extra
def test_a_row_for_each_picture_in_the_order_sent(site: Any, tmp_path: Path) -> None:
    sent = parts(("b.jpg", support.jpeg(250, 0, 0)), ("notes.txt", b"hello"),
                 ("a.jpg", support.jpeg(0, 0, 250)))  # fmt: skip
    answer = site.post("/predict", files=sent)
    assert answer.status_code == 200
    rows = answer.json()["galaxies"]
    assert [row["file"] for row in rows] == ["b.jpg", "notes.txt", "a.jpg"]
    assert "not an image" in rows[1]["error"]
    assert str(tmp_path) not in answer.text
    assert "galaxyclass-serve" not in answer.text
    wanted = fake.TreeBackend().values(
        np.array([np.full((12, 12, 3), colour) for colour in ((250, 0, 0), (0, 0, 250))])
    )
    for row, values in zip((rows[0], rows[2]), wanted, strict=True):
        assert row["error"] is None
        assert np.abs(np.array([row[name] for name in support.COLUMNS]) - values).max() < 0.05
    assert all(rows[1][name] is None for name in support.COLUMNS)
    parquet = site.post("/predict", files=sent, headers={"accept": "application/parquet"})
    table = pq.read_table(io.BytesIO(parquet.content))
    assert table.to_pylist() == rows
    assert site.post("/predict", files=sent, headers={"accept": "image/png"}).status_code == 406


@needs_extra
def test_what_is_refused_says_why(site: Any) -> None:
    def refused(*sent: tuple[str, bytes], **more: Any) -> tuple[int, str]:
        answer = site.post("/predict", files=parts(*sent), **more)
        return answer.status_code, str(answer.json()["error"])

    assert site.post("/predict", content=b"x").status_code == 415
    broken = {"content-type": "multipart/form-data"}
    assert site.post("/predict", content=b"x", headers=broken).status_code == 400
    sent = parts(("a.jpg", support.jpeg(9, 9, 9)))
    answer = site.post("/predict?embeddings=true", files=sent)
    assert (answer.status_code, "'embeddings'" in answer.json()["error"]["what"]) == (422, True)
    status, words = refused(("bomb.png", support.png(1001, 1000)))
    assert status == 422
    assert "1,001,000 pixels" in words
    status, words = refused(("big.jpg", b"x" * 2_000_001))
    assert (status, "2,000,000 bytes" in words) == (413, True)
    assert refused(*[("t.jpg", b"x")] * 21) == (413, "{'what': 'too many pictures in a request', "
                                                "'wanted': 'at most 20', 'hint': 'send them in "
                                                "several requests'}")  # fmt: skip
    assert site.post("/predict", files=parts(*[("a", b"x" * 1_900_000)] * 2)).status_code == 413

    def chunks() -> Iterator[bytes]:  # no Content-Length
        yield from [b"x" * 100_000] * 40

    form = {"content-type": "multipart/form-data; boundary=q"}
    assert site.post("/predict", content=chunks(), headers=form).status_code == 413


@needs_extra
def test_pages_show_names_as_text(site: Any) -> None:
    answer = site.post("/look", files=parts((EVIL, support.jpeg(9, 9, 9)), ("<b>.txt", b"?")))
    place = answer.headers["location"]
    for path in (place, f"{place}/0", f"{place}/1", "/label?person=<script>alert(1)</script>",
                 "/galaxies?where=<script>", "/galaxies/find?name=<script>x"):  # fmt: skip
        page = site.get(path, headers={"accept": "text/html"}).text
        assert "<!doctype html>" in page
        assert "<script>" not in page
        assert "<img src=x" not in page
        assert "<b>" not in page
    page = site.get(place)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    for line in page.text.splitlines():
        assert " style=" not in line
        assert "//" not in line.replace("</", "")  # nothing from other hosts
    for kind in ("csv", "parquet", "vot"):
        assert site.get(f"{place}/table.{kind}").status_code == 200
    assert site.get(f"{place}/table.exe").status_code == 404
    assert site.get(f"{place}/7").status_code == 404
    assert site.get("/look/unknown").status_code == 404


@needs_extra
def test_pages_show_ids_cells_and_columns_as_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    table = support.table_of([evil, f'"{EVIL}'])
    table = table.append_column(f"{evil}note", pa.array([evil, "{{ 7 * 7 }}"]))
    pq.write_table(table, tmp_path / "sky.parquet")
    served = open_served(support.model(tmp_path), predictions=tmp_path / "sky.parquet")
    site = client(served)
    for path in ("/galaxies", "/galaxies/0", "/galaxies/1", f"/galaxies?sort={evil}",
                 f"/galaxies/find?name={evil}x"):  # fmt: skip
        page = site.get(path, headers={"accept": "text/html"}).text
        assert "<script>" not in page
        assert "<img src=x" not in page
        assert ">49<" not in page
    assert "{{ 7 * 7 }}" in site.get("/galaxies/1").text
    served.predictor.close()


@needs_extra
@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/galaxies/..%2f..%2fetc%2fpasswd",
     "/galaxies/999/picture.jpg", "/galaxies/-1/picture.jpg", "/static//etc/passwd"],
)  # fmt: skip
def test_no_path_from_outside_is_opened(site: Any, path: str) -> None:
    assert site.get(path).status_code in (404, 422)


@needs_extra
def test_only_pages_of_this_server_may_ask(site: Any) -> None:
    assert site.get("/", headers={"host": "evil.example:8000"}).status_code == 421
    assert site.get("/", headers={"host": "[::1]:8000"}).status_code == 200
    foreign = [{"origin": name} for name in ("http://evil.example", "null", "http://localhost:9")]
    for headers in (*foreign, {"sec-fetch-site": "cross-site"}):
        assert site.post("/label", data={"do": "undo"}, headers=headers).status_code == 403
    own = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    answer = site.post("/label", data={"person": "A", "do": "undo"}, headers=own)
    assert answer.status_code == 303


@needs_extra
def test_beyond_this_machine_a_token_is_needed(tmp_path: Path) -> None:
    served = support.served(tmp_path)
    site = client(served, host="0.0.0.0", token="secret")
    assert site.get("/").status_code == 401
    assert site.get("/?token=wrong").status_code == 401
    assert site.post("/predict", files=parts(("a.jpg", b"x"))).status_code == 401
    entered = site.get("http://localhost:8000//evil.example/?token=secret&a=b")
    assert (entered.status_code, entered.headers["location"]) == (303, "/evil.example/?a=b")
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert site.get("/").status_code == 200  # by the cookie
    site.cookies.clear()
    assert site.get("/", headers={"authorization": "Bearer secret"}).status_code == 200
    for host, status in (("192.168.1.5:8000", 401), ("evil.example", 421)):
        assert site.get("/", headers={"host": host}).status_code == status
    served.predictor.close()


@needs_extra
def test_labels_are_on_the_disk_before_the_next_picture(site: Any, tmp_path: Path) -> None:
    first = site.get("/label?person=Anna").text
    row = first.partition('name="row" value="')[2].partition('"')[0]
    assert "&lt;b&gt;ring" in first
    answer = site.post("/label", data={"person": "Anna", "row": row, "question": "class",
                                       "do": "label:<b>ring"})  # fmt: skip
    assert answer.headers["location"] == "/label?person=Anna"
    assert '"answer": "<b>ring"' in (tmp_path / "labels.jsonl").read_text()
    again = site.post("/label", data={"person": "Anna", "row": row, "question": "class",
                                      "do": "label:none"})  # fmt: skip
    assert again.headers["location"].endswith("note=already")
    for wrong in ({"do": "label:other", "row": "3"}, {"do": "erase", "row": "3"}, {"do": "skip"},
                  {"do": "skip", "row": "3", "person": ""}):  # fmt: skip
        assert site.post("/label", data={"person": "Anna", **wrong}).status_code == 422
    assert site.get("/label/labels.csv").text.splitlines() == [
        "GalaxyID,class,labels,agreement", f"J{int(row):04d},<b>ring,1,1"
    ]  # fmt: skip
    assert "<b>ring" in site.get("/label/all_labels.csv").text
    site.post("/label", data={"person": "Anna", "do": "undo"})
    assert site.get("/label/labels.csv").text.count("\n") == 1


@needs_extra
def test_galaxies_are_filtered_sorted_paged_and_written(site: Any, tmp_path: Path) -> None:
    truth = pq.read_table(tmp_path / "sky.parquet")
    rings = truth["Class8.1"].to_numpy()
    page = site.get("/galaxies?where=8.1 > 0.5 and strange = True&sort=8.1").text
    wanted = np.flatnonzero((rings > 0.5) & np.array(truth["strange"]))
    wanted = wanted[np.argsort(-rings[wanted])]
    links = [part.partition('"')[0] for part in page.split('href="/galaxies/')[1:]]
    assert [int(link) for link in links if link.isdecimal()] == wanted[:24].tolist()
    table = site.get("/galaxies/table.parquet?where=8.1 > 0.5").content
    kept = pq.read_table(io.BytesIO(table))
    assert kept["GalaxyID"].to_pylist() == truth.filter(rings > 0.5)["GalaxyID"].to_pylist()
    assert "embedding_0" not in kept.column_names
    assert site.get("/galaxies/find?name=J0012").headers["location"] == "/galaxies/12"
    alone = site.get("/galaxies/12").text
    assert "Similar galaxies" in alone
    assert site.get("/galaxies/12/picture.jpg").headers["content-type"] == "image/jpeg"
    assert site.get("/galaxies?number=2").text.count('class="card"') == 6
    for wrong in ("where=8.1", "where=nothing > 1", "sort=GalaxyID", "number=x"):
        assert site.get(f"/galaxies?{wrong}").status_code == 422


@needs_extra
def test_fields_show_a_column_of_this_model() -> None:
    from galaxyclass.serving.galaxies import example_column

    classes = ClassTask("kind", ("no ring", "ring"), (0.5, 0.5))
    assert example_column(classes, ("id", "no ring", "ring")) == "no ring"
    votes = load_model().task
    assert example_column(votes, ("GalaxyID", "Class1.1")) == "4.1"


def test_the_description_needs_no_other_host(site: Any) -> None:
    assert "/predict" in site.get("/openapi.json").json()["paths"]
    assert site.get("/docs").status_code == 404
    assert "http://127.0.0.1" in site.get("/api").text
    assert site.get("/model").json()["answers"] == support.COLUMNS
    described = site.get("/openapi.json").json()
    asked = described["paths"]["/predict"]["post"]["responses"]
    for status in ("401", "403", "408", "413", "422", "503"):
        schema = asked[status]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Refusal"}
    example = asked["200"]["content"]["application/json"]["example"]["galaxies"][0]
    assert set(example) < {"file", "error", *support.COLUMNS}
    assert set(described["components"]["schemas"]) == {"Refusal"}
    assert "\n" in site.get("/api").text
    for path in ("/nothing", "/model", "/look/x", "/galaxies/x"):
        answer = site.request("POST" if path == "/model" else "GET", path)
        assert set(answer.json()) == {"error"}
        assert answer.json()["error"]["what"]


@needs_extra
def test_tokens_are_compared_in_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, wanted: bytes) -> bool:
        compared.append((given, wanted))
        return False

    monkeypatch.setattr("hmac.compare_digest", compare)
    served = support.served(tmp_path)
    site = client(served, host="0.0.0.0", token="secret")
    answer = site.get("/?token=secret", headers={"cookie": "galaxyclass_token=secret"})
    assert answer.status_code == 401  # nothing else compares
    assert "Bearer TOKEN" in answer.json()["error"]["hint"]
    assert compared.count((b"secret", b"secret")) == 2
    page = site.get("/", headers={"accept": "text/html"}).text
    assert "the token is missing" in page
    assert "sky" not in page
    assert site.get("/static/serve.css").status_code == 200
    served.predictor.close()


@needs_extra
def test_answers_are_explained(site: Any) -> None:
    galaxy = site.get("/galaxies/3").text
    assert 'action="/galaxies/3/why"' in galaxy
    assert 'href="#similar"' in galaxy
    page = site.get("/galaxies/3/why?answer=Class4.1").text
    assert "Why “4.1 spiral”?" in page
    for kind in ("seen", "map"):
        picture = site.get(f"/galaxies/3/why/{kind}.png?answer=Class4.1")
        assert picture.headers["content-type"] == "image/png"
    place = site.post("/look", files=parts(("a.jpg", support.jpeg(9, 9, 200)))).headers["location"]
    assert "what it marks" in site.get(f"{place}/why?answer=1.1").text
    for wrong in ("/galaxies/3/why", "/galaxies/3/why?answer=<script>", f"{place}/why?answer=99"):
        answer = site.get(wrong)
        assert (answer.status_code, "no answer" in answer.text) == (422, True)
    assert site.get("/galaxies/3/why/other.png?answer=1.1").status_code == 404


@needs_extra
def test_subjects_are_pictures_with_a_manifest(site: Any) -> None:
    empty = site.get("/label/subjects.zip?which=doubtful").json()["error"]["what"]
    assert empty == "there are no galaxies that people disagree about, or cannot tell"
    assert site.get("/label/subjects.zip?which=../x").status_code == 404
    for person, row, do in (("Anna", 4, "label:none"), ("Bo", 4, "label:<b>ring"),
                            ("Anna", 5, "unsure"), ("Anna", 6, "label:none")):  # fmt: skip
        data = {"person": person, "row": str(row), "question": "class", "do": do}
        assert site.post("/label", data=data).status_code == 303
    for which, wanted in (("doubtful", {"J0004", "J0005"}), ("labelled", {"J0006"})):
        content = io.BytesIO(site.get(f"/label/subjects.zip?which={which}").content)
        with zipfile.ZipFile(content) as archive:
            rows = list(csv.DictReader(io.TextIOWrapper(archive.open("subjects/manifest.csv"))))
            assert {row["#id"] for row in rows} == wanted
            assert {f"subjects/{row['filename']}" for row in rows} < set(archive.namelist())
    for kind in ("csv", "parquet", "vot"):
        assert site.get(f"/label/labels.{kind}").status_code == 200
    assert site.get("/label/labels.exe").status_code == 404


@pytest.mark.parametrize("ending", ["csv", "fits"])
def test_predictions_of_other_formats_are_looked_at(tmp_path: Path, ending: str) -> None:
    if ending == "fits":
        pytest.importorskip("astropy")
    table = support.table_of([f"J{number}" for number in range(30)])
    path = tmp_path / f"sky.{ending}"
    if ending == "csv":
        write_table(path, table)
    else:
        from astropy.table import Table

        Table(table.to_pydict()).write(path)
    rows = PredictionRows(path)
    rings = table["Class8.1"].to_numpy()
    assert rows.rows_where(["8.1 > 0.5"]).tolist() == np.flatnonzero(rings > 0.5).tolist()
    assert rows.rows_where([], "8.1")[0] == rings.argmax()
    assert rows.row_of("J7") == 7


def test_rows_are_those_of_the_whole_table(tmp_path: Path) -> None:
    rows = PredictionRows(support.write_predictions(tmp_path))
    whole = pq.read_table(rows.path)
    wanted = [29, 0, 7, 6, 0]
    assert rows.read(wanted, ["GalaxyID", "strange"]).equals(
        whole.select(["GalaxyID", "strange"]).take(wanted)
    )
    assert rows.rows_where().tolist() == list(range(30))
    assert len(rows.rows_where(["1.1 > 2"])) == 0
    assert (rows.row_of("J0029"), rows.row_of("J001"), rows.row_of("x")) == (29, 10, None)


def test_requests_get_their_own_rows_whoever_else_asks(tmp_path: Path) -> None:
    model = support.model(tmp_path)
    predictor = Predictor(model, (), Limits(waiting=10_000))
    uploads = [
        [Upload(f"{n}-{m}", support.jpeg(n * 7, m * 40, 99) if m != 2 else b"?") for m in range(4)]
        for n in range(24)
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: predictor.submit(each).result(), uploads))
    for sent, answers in zip(uploads, found, strict=True):
        assert answers.rows == (0, 1, None, 2)
        alone = model.predict(_written(tmp_path, sent)).table.drop_columns(["GalaxyID"])
        assert answers.table.equals(alone)
    predictor.close()


def _written(folder: Path, uploads: list[Upload]) -> list[str]:
    paths = []
    for number, upload in enumerate(uploads):
        paths.append(folder / f"alone{number}.img")
        paths[-1].write_bytes(upload.data)
    return list(map(str, paths))


def test_one_bad_request_spoils_no_other_and_the_queue_is_bounded(tmp_path: Path) -> None:
    begin = threading.Event()

    class Failing(fake.TreeBackend):
        def __call__(self, cutouts: Any) -> Any:
            begin.wait(10)
            if (cutouts.mean(axis=(1, 2))[:, 0] > 240).any():
                raise RuntimeError("red")
            return super().__call__(cutouts)

    predictor = Predictor(support.model(tmp_path, Failing()), (), Limits(waiting=4))
    good, bad = (Upload("g", support.jpeg(0, 200, 0)), Upload("b", support.jpeg(255, 0, 0)))
    futures = [predictor.submit([each]) for each in (good, bad, good, bad)]
    with pytest.raises(RefusedError, match="too many pictures are waiting") as refused:
        predictor.submit([good])
    assert (refused.value.status, refused.value.retry_seconds) == (503, 2)
    begin.set()
    for future, fails in zip(futures, (False, True, False, True), strict=True):
        if fails:
            with pytest.raises(RuntimeError, match="red"):
                future.result()
        else:
            assert future.result().rows == (0,)
    predictor.close()
    predictor = Predictor(support.model(tmp_path, Failing()), (), Limits(waiting=1))
    assert predictor.submit([good]).result().rows == (0,)
    assert predictor.submit([good]).result().rows == (0,)  # what is done waits no more
    predictor.close()


@needs_extra
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"label_classes": ["a", "b"]}, "which galaxies are labelled"),
        ({"label_classes": ["a"]}, "these cannot be the classes"),
        ({}, "what are galaxies labelled as"),
        ({"label_classes": ["a", "b"], "label_tree": "galaxy_zoo_2"}, "what are galaxies labelled"),
        ({"label_classes": ["a", "b"], "by": "unlike"}, "unlike"),
        ({"repeat": 0.9}, "a share, 0 to 0.5"),
        ({"label_classes": ["a", "b"], "answer": "4.1"}, "`answer` means nothing"),
    ],
)
def test_arguments_that_do_not_fit_together(arguments: dict[str, Any], words: str) -> None:
    predictions = "p" if arguments.get("label_classes") == ["a"] else None
    with pytest.raises(ArgumentError, match=words):
        serve("pretrained", predictions=predictions, labels=LabelPlan("l.jsonl", **arguments))


@needs_extra
def test_images_of_no_predictions() -> None:
    with pytest.raises(ArgumentError, match="`images` are those of galaxies of `predictions`"):
        serve("pretrained", images="sky")


def test_options_of_labels_without_labels(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--by", "strange", "--repeat", "0"]) == 2
    assert "--by, --repeat: only with --label" in capsys.readouterr().err


def test_help_needs_no_extra(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--help"]) == 0
    assert "--label rings.jsonl --classes ring,no-ring" in capsys.readouterr().out
