"""Files that are no files, at every door: pipes, devices, sockets, folders, links without end."""

from __future__ import annotations

import importlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PIL import Image

import galaxyclass
from galaxyclass.data.labels.questions import questions_of_classes
from galaxyclass.serving.labels import LabelFile
from tests.hostile.trials import Tally

#: What is opened -> the call that opens it.
DOORS: dict[str, Callable[[Path, Path], object]] = {
    "picture of validate": lambda path, images: galaxyclass.validate(_with(images, path)),
    "table of validate": lambda path, images: galaxyclass.validate(images, path),
    "catalog": lambda path, images: galaxyclass.read_catalog(images, path),
    "id map": lambda path, images: galaxyclass.read_catalog(images, images / "t.csv", id_map=path),
    "tree": lambda path, _: galaxyclass.load_tree(path),
    "recipe": lambda path, _: galaxyclass.load_recipe(path),
    "weights": lambda path, images: galaxyclass.train(
        "fast",
        images,
        images / "t.csv",
        output=images / "run",
        settings={"model.weights": str(path)},
        workers=1,
    ),
    "model": lambda path, _: galaxyclass.load_model(path),
    "run": lambda path, _: galaxyclass.resume(path),
    "pack": lambda path, _: galaxyclass.open_pack(path),
    "survey's list": lambda path, images: galaxyclass.plan_survey(path, output=images / "survey"),
    "survey": lambda path, _: galaxyclass.open_survey(path),
    "predictions of select": lambda path, _: galaxyclass.select(path, count=3),
    "predictions of similar": lambda path, _: galaxyclass.similar(path, like=["1"]),
    "predictions of score": lambda path, images: galaxyclass.score_predictions(
        path, images / "t.csv"
    ),
    "classifications": lambda path, _: galaxyclass.import_classifications(
        path, tree="galaxy_zoo_2", output=path.with_name("votes.csv")
    ),
    "tiles": lambda path, images: galaxyclass.open_tiles(path),
    "columns": lambda path, _: galaxyclass.guess_tree(path),
    "labels of the page": lambda path, _: LabelFile(path, questions_of_classes(("a", "b"))),
}


def _with(images: Path, path: Path) -> Path:
    """A folder with a picture, and with the special file under a picture's name."""
    folder = images.parent / "with special"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(images / "0.png", folder)
    (folder / "1.png").symlink_to(path)
    return folder


def special_files(folder: Path) -> Tally:
    """Each kind of special file at each door: an error, and no waiting."""
    # Not within a trial: an import that is cut off cannot be repeated.
    importlib.import_module("galaxyclass.training.train")
    tally = Tally("pipes, devices, endless links")
    images = folder / "door images"
    images.mkdir()
    for number in range(6):
        Image.new("RGB", (20, 20), (number, 9, 9)).save(images / f"{number}.png")
    rows = "".join(f"{number},{'ab'[number % 2]}\n" for number in range(6))
    (images / "t.csv").write_text(f"id,class\n{rows}")
    for kind, path in _special(folder):
        for door, call in DOORS.items():
            fails = "picture" not in door  # a picture that cannot be read is a finding
            tally.call(
                f"{kind} as {door}",
                partial(call, path, images),
                must_fail=fails,
            )
    return tally


def _special(folder: Path) -> Iterator[tuple[str, Path]]:
    # One folder for each, with the endings that doors look at.
    for ending in (".csv", ".onnx"):
        pipe = folder / f"pipe{ending}"
        os.mkfifo(pipe)
        yield f"pipe{ending}", pipe
        for device in ("zero", "full"):
            link = folder / f"{device}{ending}"
            link.symlink_to(f"/dev/{device}")
            yield f"link to /dev/{device}{ending}", link
        loop = folder / f"loop{ending}"
        loop.symlink_to(loop)
        yield f"link to itself{ending}", loop
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(folder / f"s{ending}"))
        yield f"socket{ending}", folder / f"s{ending}"
        server.close()
    if Path("/proc/kmsg").exists():
        link = folder / "kernel.csv"
        link.symlink_to("/proc/kmsg")
        yield "link to /proc/kmsg", link
