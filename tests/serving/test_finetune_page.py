"""From labels to a model on the page: by requests, and by the keyboard in a real browser.

The browser's test needs Playwright and Chromium: ``pip install playwright``, and Debian's
``chromium`` or ``playwright install chromium``.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.data.labels.questions import questions_of_classes
from galaxyclass.data.tables.tables import open_table
from galaxyclass.finetuning.finetune import finetune
from galaxyclass.model.load import load_model
from galaxyclass.serving.labels import LabelFile
from galaxyclass.serving.served import Served
from galaxyclass.serving.start import open_labelling, open_served
from tests.serving import support
from tests.serving.test_serve import client, needs_extra, parts
from tests.support.waiting import wait_until

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(
    importlib.util.find_spec("playwright") is None or CHROMIUM is None,
    reason="NO BROWSER: pip install playwright, apt-get install chromium",
)
#: Pictures from this one on are brighter than the others.
BRIGHT = 15


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """What a server of the pretrained model serves; nobody has labelled its galaxies yet."""
    (tmp_path / ".sky-finetuned-1.tmp").mkdir()  # a server was killed before
    (tmp_path / ".sky-finetuned-1.tmp" / "split.csv").write_text("id")
    predictions = support.write_predictions(tmp_path)
    served = open_served(load_model(workers=1), predictions=predictions, images=tmp_path / "images")
    labels = LabelFile(tmp_path / "sky.jsonl", questions_of_classes(("bright", "dark")))
    labelling = open_labelling(served, labels, by="uncertain", every=1000)
    yield Served(**{**vars(served), "labelling": labelling})
    served.predictor.close()
    labels.close()


@pytest.fixture
def site(served: Served) -> Any:
    """A client of the server."""
    return client(served)


def label(site: Any, count: int) -> None:
    """Label as many galaxies as the page shows next."""
    for _ in range(count):
        page = site.get("/label?person=Anna").text
        (row,) = re.findall(r'name="row" value="(\d+)"', page)
        answer = "bright" if int(row) >= BRIGHT else "dark"
        data = {"person": "Anna", "row": row, "question": "class", "do": f"label:{answer}"}
        assert site.post("/label", data=data).status_code == 303


def state_after(site: Any) -> dict[str, Any]:
    """How far a finetuning is once nothing is being done."""
    wait_until(lambda: not site.get("/label/finetune").json()["stage"], seconds=60)
    state: dict[str, Any] = site.get("/label/finetune").json()
    return state


@needs_extra
def test_labels_become_a_model_that_the_page_uses(site: Any, tmp_path: Path) -> None:
    label(site, 4)
    assert site.post("/label/use", data={"use": "yes"}).status_code == 422
    assert site.post("/label/finetune").status_code == 202
    assert state_after(site)["error"]["what"].endswith("too few labels")
    page = site.get("/label", headers={"accept": "text/html"}).text
    assert "10 galaxies with a label or more" in page

    label(site, 16)
    begun = site.post("/label/finetune", headers={"accept": "text/html"})
    assert (begun.status_code, begun.headers["location"]) == (303, "/label#finetune")
    model = state_after(site)["model"]
    folder = tmp_path / "sky-finetuned-1"
    assert (model["folder"], model["galaxies"], model["label"]) == (str(folder), 20, "accuracy")
    assert "error" not in site.get("/label/finetune").json()
    page = site.get("/label").text
    assert f"accuracy {model['value']:.2f}" in page
    assert str(folder) in page
    assert "by your labels" not in site.get("/galaxies/2").text

    assert site.post("/label/use", data={"use": "perhaps"}).status_code == 422
    site.post("/label/use", data={"use": "yes"})
    assert state_after(site)["is_used"]
    alone = load_model(folder, workers=1).predict([tmp_path / "images" / "J0002.jpg"])
    share = f"{100 * max(alone.table[name][0].as_py() for name in ('bright', 'dark')):.0f} %"
    assert "by your labels" in site.get("/galaxies/2").text
    assert share in site.get("/galaxies/2").text.partition("</section>")[0]
    assert "order by 20 labels" in site.get("/label?person=Anna").text
    assert site.get("/galaxies").text.count('class="answers own"') == 24
    place = site.post("/look", files=parts(("a", support.jpeg(9, 90, 30)), ("b", b"?")))
    table = site.get(f"{place.headers['location']}/table.csv").text.splitlines()
    assert {"bright", "dark", "class"} < set(table[0].split(","))
    assert table[2].startswith("b,,")
    site.post("/label/use", data={"use": "no"})
    assert "by your labels" not in site.get("/galaxies/2").text


@needs_extra
def test_asked_again_while_it_is_busy(site: Any, tmp_path: Path) -> None:
    label(site, 20)
    site.post("/label/finetune")
    again = site.post("/label/finetune", headers={"accept": "text/html"})
    assert again.headers["location"] == "/label?note=learnt#finetune"
    assert "All labels are being learnt already." in site.get("/label?note=learnt").text

    label(site, 2)
    asked = site.post("/label/finetune").json()
    assert asked["is_queued"]
    assert asked["words"].endswith(". Then the labels given meanwhile are learnt …")
    page = site.get("/label?person=Anna").text
    # How far it is changes; the labels may be being learnt by now.
    waits = site.get("/label/finetune").json()["is_queued"]
    assert "Then the labels given meanwhile are learnt …" in page or not waits
    state = state_after(site)
    assert (state["model"]["galaxies"], state["is_queued"]) == (22, False)
    assert state["model"]["folder"] == str(tmp_path / "sky-finetuned-2")


@needs_extra
def test_a_server_that_stops_leaves_no_half_of_a_model(
    served: Served, site: Any, tmp_path: Path
) -> None:
    assert not (tmp_path / ".sky-finetuned-1.tmp").exists()
    label(site, 12)
    site.post("/label/finetune")
    label(site, 1)
    site.post("/label/finetune")  # it waits
    served.at_end.close()
    state = site.get("/label/finetune").json()
    assert (state["stage"], state["is_queued"]) == ("", False)
    assert state["model"] or state["error"]["what"] == "the server was stopped"
    assert {path.name for path in tmp_path.iterdir() if "finetuned" in path.name} <= (
        {"sky-finetuned-1"} if state["model"] else set()
    )


@needs_extra
def test_the_shell_learns_the_same_from_the_file(site: Any, tmp_path: Path) -> None:
    label(site, 20)
    site.post("/label/finetune")
    shown = state_after(site)["model"]
    log = tmp_path / "sky.jsonl"
    assert open_table(log).table.num_rows == 20
    made = finetune(
        load_model(workers=1), tmp_path / "images", log,
        output=tmp_path / "shell", network="never", cache=tmp_path / "cache",
    )  # fmt: skip
    assert (made.galaxies, made.score.value) == (20, shown["value"])


@needs_extra
def test_classes_that_nobody_gave_and_those_of_other_labels(tmp_path: Path) -> None:
    predictions = support.write_predictions(tmp_path)
    images = tmp_path / "images"
    served = open_served(load_model(workers=1), predictions=predictions, images=images)
    labels = LabelFile(tmp_path / "sky.jsonl", questions_of_classes(("bright", "dark", "odd")))
    labelling = open_labelling(served, labels, by="likely", answer="odd", every=1000)
    page = client(Served(**{**vars(served), "labelling": labelling}))
    for row in range(BRIGHT, BRIGHT + 12):
        labelling.act("Anna", row, "label", "class", "bright")
    page.post("/label/finetune")
    assert state_after(page)["error"]["what"] == "all labels say 'bright'"

    for row in range(6):
        labelling.act("Anna", row, "label", "class", "dark")
    page.post("/label/finetune")
    assert "error" not in state_after(page)
    page.post("/label/use", data={"use": "yes"})
    state = state_after(page)  # the order stays: nobody has found anything odd yet
    assert (state["is_used"], state.get("error")) == (True, None)

    labels.close()
    labels.path.unlink()
    others = LabelFile(labels.path, questions_of_classes(("ring", "none")))
    afresh = open_labelling(served, others)
    state = client(Served(**{**vars(served), "labelling": afresh})).get("/label/finetune").json()
    assert state["model"] is None
    served.predictor.close()
    others.close()


@needs_extra
@needs_browser
def test_by_the_keyboard_in_a_browser(tmp_path: Path) -> None:
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    predictions = support.write_predictions(tmp_path)
    command = [sys.executable, "-m", "galaxyclass", "serve", "--port", "0", "--label",
               str(tmp_path / "sky.jsonl"), "--classes", "bright,dark", "--predictions",
               str(predictions), "--images", str(tmp_path / "images")]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        try:
            with sync_playwright() as browsers:
                browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                _by_keyboard(browser.new_page(), address, tmp_path)
                browser.close()
        finally:
            server.terminate()


def _by_keyboard(page: Any, address: str, folder: Path) -> None:
    wrong: list[str] = []
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.goto(f"{address}label")
    page.focus("#person")
    page.keyboard.type("Anna")
    page.keyboard.press("Enter")
    for _ in range(14):
        row = int(page.input_value("input[name=row]"))
        with page.expect_navigation():
            page.keyboard.press("1" if row >= BRIGHT else "2")
    with page.expect_navigation():
        page.keyboard.press("f")
    page.wait_for_selector(".finetune a", timeout=60_000)
    assert "sky-finetuned-1" in page.inner_text(".finetune")
    page.focus(".finetune a")
    page.keyboard.press("Enter")
    page.wait_for_selector("button[value=yes]")
    assert str(folder / "sky-finetuned-1") in page.inner_text("main")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "yes":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("button[value=no]")
    page.wait_for_selector("[data-poll]", state="detached", timeout=60_000)
    page.goto(f"{address}galaxies/3")
    assert "by your labels" in page.inner_text("main")
    assert not wrong
