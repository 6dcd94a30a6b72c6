"""The film of docs/film.md: the page in Chromium, from a FITS file to a finetuned model.

    pip install playwright           # and Debian's package chromium
    python scripts/film.py --galaxy galaxy.fits --answer merger --images sky/images \
        --table classes.csv --output docs/images --look /tmp/look

The table has an id and a class for each picture; it answers in place of a person, who would press
the same keys. `--look` writes each picture as a PNG too, whole, and as a phone shows it.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

#: What the film is taken with: letters of a size that can be read in the documents' column.
WIDE, PHONE = {"width": 900, "height": 600}, {"width": 390, "height": 844}
#: Labels that people give, and after how many the page is shown. William sees two of Caroline's.
LABELS, SHOWN = {"Caroline": 40, "William": 22}, 33
#: Bytes of a picture at most.
MOST_BYTES = 54_000
#: Images that a browser loads only when they are scrolled to are loaded at once.
_ALL_IMAGES = """Promise.all([...document.images].map((image) => {
  image.loading = "eager";
  return image.complete || new Promise((done) => { image.onload = image.onerror = done; });
}))"""


class Camera:
    """Takes the pictures.

    Parameters
    ----------
    page : playwright.sync_api.Page
    output : Path
        Where the JPEGs go.
    look : Path or None
        Where PNGs of the whole pages go, wide and as on a phone.
    """

    def __init__(self, page: Any, output: Path, look: Path | None) -> None:
        self._page, self._output, self._look = page, output, look

    def take(self, name: str, top: str = "header", height: int = WIDE["height"]) -> None:
        """A picture that begins at an element."""
        page = self._page
        page.evaluate(_ALL_IMAGES)
        box = page.locator(top).first.bounding_box()
        assert box is not None, f"{name}: no {top} on {page.url}"
        start = max(0, box["y"] + page.evaluate("scrollY") - 8)
        clip = {"x": 0, "y": start, "width": WIDE["width"], "height": height}
        shot = page.screenshot(clip=clip, full_page=True)
        _write_jpeg(shot, self._output / f"{name}.jpg")
        if self._look is not None:
            page.screenshot(path=self._look / f"{name}-wide.png", full_page=True)
            page.set_viewport_size(PHONE)
            page.evaluate(_ALL_IMAGES)
            page.screenshot(path=self._look / f"{name}-phone.png", full_page=True)
            page.set_viewport_size(WIDE)


@dataclass(frozen=True)
class Dropped:
    """The file that is dropped, and the answer that is explained."""

    path: Path
    answer: str


def film(galaxy: Dropped, images: Path, table: Path, output: Path, look: Path | None) -> None:
    """Play the film, and take its pictures."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    id_column = next(name for name in rows[0] if name != "class")
    truth = {row[id_column]: row["class"] for row in rows}
    classes = sorted(set(truth.values()), key=lambda name: (name.startswith("no"), name))
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        (folder / "sky").mkdir()
        (folder / "sky" / "images").symlink_to(images.resolve())
        run(
            folder, "predict", "--images", "sky/images", "--output", "sky.parquet",
            "--include", "embedding,uncertainty,strangeness",
        )  # fmt: skip
        with served(folder, classes) as address, opened() as browser:
            page = browser.new_page(viewport=WIDE)
            camera = Camera(page, output, look)
            look_at(page, camera, address, galaxy)
            label(page, camera, address, truth, classes)
            finetune(page, camera, address, galaxy.path)
        model = "rings-finetuned-1"
        run(folder, "report", model, "--images", "sky/images", "--output", "report.html")
        others = folder / "others.csv"
        labelled = set((folder / "rings.jsonl").read_text().split('"'))
        with others.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([(id_column, "class")])
            writer.writerows((name, kind) for name, kind in truth.items() if name not in labelled)
        run(
            folder, "evaluate", model, "--images", "sky/images", "--table", "others.csv",
            "--output", "scores",
        )  # fmt: skip
        with opened() as browser:
            page = browser.new_page(viewport=WIDE)
            page.goto((folder / "report.html").as_uri())
            top = "h2:has-text('The clearest pictures')"
            Camera(page, output, look).take("film-8-report", top, 660)


def look_at(page: Any, camera: Camera, address: str, galaxy: Dropped) -> None:
    """Drop a FITS file; see what is predicted, why, and what looks alike."""
    page.goto(address)
    camera.take("film-1-drop", height=420)
    with page.expect_navigation():
        page.set_input_files("#pictures", galaxy.path)
        page.click("button[type=submit]")
    camera.take("film-2-answers")
    camera.take("film-4-similar", "#similar", 560)
    with page.expect_navigation(timeout=120_000):
        page.select_option("#answer", label=galaxy.answer)
        page.click("#why + form button")
    camera.take("film-3-why", height=610)


def label(
    page: Any, camera: Camera, address: str, truth: dict[str, str], classes: list[str]
) -> None:
    """Label galaxies by the keyboard, and let a second person label a few."""
    for person, count in LABELS.items():
        page.goto(f"{address}label")
        page.fill("#person", person)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        for number in range(count):
            if number == SHOWN:
                camera.take("film-5-label", height=500)
            name = page.locator(".portrait img").get_attribute("alt").removeprefix("Galaxy ")
            with page.expect_navigation(wait_until="domcontentloaded"):
                page.keyboard.press(str(classes.index(truth[name]) + 1))


def finetune(page: Any, camera: Camera, address: str, galaxy: Path) -> None:
    """Finetune by a key, and use the model."""
    with page.expect_navigation():
        page.keyboard.press("f")
    page.wait_for_selector(".finetune a", timeout=300_000)
    page.goto(f"{address}label")
    with page.expect_navigation():
        page.click("button[value=yes]")
    page.wait_for_selector("[data-poll]", state="detached", timeout=300_000)
    camera.take("serve-labels", height=725)
    camera.take("film-6-finetuned", "#finetune", 420)
    page.goto(address)
    with page.expect_navigation():
        page.set_input_files("#pictures", galaxy)
        page.click("button[type=submit]")
    camera.take("film-7-by-labels")


def run(folder: Path, *arguments: str) -> None:
    """A command, as a reader types it."""
    print("$ galaxyclass", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "galaxyclass", *arguments], cwd=folder, check=True)


@contextmanager
def served(folder: Path, classes: list[str]) -> Iterator[str]:
    """The page's address, while it is served."""
    command = [
        sys.executable, "-m", "galaxyclass", "serve", "--port", "0", "--predictions", "sky.parquet",
        "--images", "sky/images", "--label", "rings.jsonl", "--classes", ",".join(classes),
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[0]
        finally:
            server.terminate()


@contextmanager
def opened() -> Iterator[Any]:
    """A browser."""
    sync_playwright = importlib.import_module("playwright.sync_api").sync_playwright
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def _write_jpeg(png: bytes, path: Path) -> None:
    """Write a picture as well as the bytes allow."""
    with Image.open(io.BytesIO(png)) as opened_png:
        picture = opened_png.convert("RGB")
    for quality in range(85, 30, -5):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if file.tell() < MOST_BYTES:
            break
    path.write_bytes(file.getvalue())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--galaxy", type=Path, required=True, help="the file that is dropped")
    parser.add_argument("--answer", required=True, help="the answer that is explained")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True, help="columns: an id, and `class`")
    parser.add_argument("--output", type=Path, required=True, help="where the JPEGs go")
    parser.add_argument("--look", type=Path, help="where PNGs of whole pages go")
    chosen = parser.parse_args()
    if chosen.look is not None:
        chosen.look.mkdir(parents=True, exist_ok=True)
    film(
        Dropped(chosen.galaxy.resolve(), chosen.answer),
        chosen.images,
        chosen.table,
        chosen.output,
        chosen.look,
    )


if __name__ == "__main__":
    main()
