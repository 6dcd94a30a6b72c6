"""`--quote-formulas` of every command that writes a CSV: a new command must be in one of the lists.

Names of pictures, ids, classes and columns are formulas here, and no cell may be one in what is
written.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest

from galaxyclass.cli.main import group, main
from galaxyclass.explanation.explain import Explainer
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.recipes.recipe import NetworkSettings
from tests.support import fake
from tests.support.by_hand import by_hand
from tests.support.tiles import add_source, make_wcs, save_tile, sky
from tests.zooniverse.test_import import LOOK, TREE, row, vote, write

RED, OTHER = "=RED()", "@other"
NAMES = [f"{sign}{number}+1" for number in range(8) for sign in ("=", "@", "g")]
DATA = ("--images", "images", "--table", "table.csv", "--id", "=id", "--target", "+kind")
WORKERS = ("--workers", "1")
MODEL = ("model", "--images", "images", *WORKERS)
TILES = ("--tiles", "tile.fits", "--catalogue", "sources.csv", "--field", "8 arcsec")

#: Command -> its words, in a folder with `images`, `table.csv` and what else `place` makes.
WRITE_CSV: dict[str, Sequence[str]] = {
    "predict": ("predict", *MODEL, "--table", "table.csv", "--output", "out.csv"),
    "cutouts": ("cutouts", *TILES, "--output", "out", *WORKERS),
    "survey plan": (
        *("survey", "plan", "twice.csv", "--model", "model", "--no-measure", "--output", "out"),
    ),
    "survey merge": ("survey", "merge", "night", "--output", "out.csv"),
    "report": ("report", "model", *DATA, "--part", "all", "--output", "out.html", *WORKERS),
    "explain": (*("explain", *MODEL, "--answer", RED, "--count", "2", "--output", "out.png"),),
    "similar": ("similar", "known.csv", "--like", NAMES[0], "--output", "out.csv"),
    "map": ("map", "known.csv", "--output", "out.html"),
    "explore": ("explore", *DATA, "--output", "out"),
    "suspects": ("suspects", "model", *DATA, "--output", "out.csv", *WORKERS),
    "select": ("select", "known.csv", "--count", "6", "--model", "model", "--output", "out.csv"),
    "zooniverse export": (
        *("zooniverse", "export", "--images", "images", "--table", "table.csv", "--carry", "all"),
        *("--id", "=id", "--output", "out"),
    ),
    "zooniverse import": (
        *("zooniverse", "import", "classifications.csv", "--tree", "small.toml"),
        *("--output", "out.csv"),
    ),
    "evaluate": ("evaluate", "model", *DATA, "--part", "all", "--output", "out", *WORKERS),
    "baseline": ("baseline", *DATA, "--output", "out", "--cache", "cache", *WORKERS),
}
#: The same, and commands that write other CSVs where they are given other words.
WAYS: dict[str, Sequence[str]] = {
    **WRITE_CSV,
    "report without labels": ("report", *MODEL, "--output", "out.html"),
}
#: Commands that write CSV elsewhere: the test of `--quote-formulas` is beside their others.
ELSEWHERE = {"serve": "tests/serving/test_downloads.py"}
#: Commands without the option, and why.
WITHOUT = {
    **dict.fromkeys(("train", "finetune", "combine"), "a run: its tables are read again, by id"),
    **dict.fromkeys(("compare", "tune"), "their table holds no ids, and is always quoted"),
    **dict.fromkeys(("survey run", "survey script", "survey status"), "inside of a survey"),
    **dict.fromkeys(("validate", "recipes"), "prints"),
    "tree": "writes TOML",
    "simulate": "writes its own numbers",
    "pack": "writes no CSV",
    "calibrate": "writes JSON; in a bundle of its own, the split of its run",
    "export": "writes ONNX",
    "benchmark": "writes JSON, of galaxies that it makes",
}


def test_every_command_is_listed() -> None:
    options = dict(_commands(group))
    assert {*WRITE_CSV, *ELSEWHERE, *WITHOUT} == set(options)
    assert {name for name, names in options.items() if "--quote-formulas" in names} == {
        *WRITE_CSV,
        *ELSEWHERE,
    }


def _commands(above: click.Command, *names: str) -> Iterator[tuple[str, list[str]]]:
    """Every command that has none below it, and its options."""
    if not isinstance(above, click.Group):
        yield " ".join(names), [word for each in above.params for word in each.opts]
        return
    context = click.Context(above)
    for name in above.list_commands(context):
        command = above.get_command(context, name)
        assert command is not None
        yield from _commands(command, *names, name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read."""
    folder = tmp_path_factory.mktemp("formulas")
    paths = fake.save_images(folder / "images", len(NAMES))
    lines = ["=id,+kind,@note"]
    for number, (name, path) in enumerate(zip(NAMES, paths, strict=True)):
        path.rename(path.with_stem(name))
        lines.append(f'{name},{(RED, OTHER)[number % 2]},"-x; =1+1"')
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    (folder / "images" / "=broken.jpg").write_bytes(b"no picture")
    _save_model(folder / "model")
    known = ("predict", *MODEL, "--include", "embedding", "--output", "known.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(known) == 0
        rows = [f"{name},images/{name}.jpg,{place},2\n" for place, name in enumerate(NAMES)]
        (folder / "placed.csv").write_text("id,path,ra,dec\n" + "".join(rows))
        (folder / "twice.csv").write_text("id,path,ra,dec\n" + "".join(rows * 2))
        plan = ("survey", "plan", "placed.csv", "--model", "model", "--no-measure")
        assert main([*plan, "--output", "night"]) == 0
        assert main(["survey", "run", "night", "--part", "1/1", "--cores", "1"]) == 0
    _save_tile(folder)
    (folder / "small.toml").write_text(TREE)
    votes = [
        row(f"person {number}", "1", vote("T0", "smooth", LOOK), galaxy="=galaxy()")
        for number in range(3)
    ]
    write(folder / "classifications.csv", votes)
    return folder


def _save_model(folder: Path) -> None:
    fake.save_run(
        folder, fake.class_outputs(RED, OTHER, column="+kind"), id_column="=id", id_integer=False
    )
    network = NetworkSettings(encoder="residual", head="softmax")
    manifest = replace(load_bundle(folder).manifest, weights_digest="", model=network)
    content = by_hand().SerializeToString()
    save_bundle(folder, manifest, {"network": lambda path: path.write_bytes(content)})


def _save_tile(folder: Path) -> None:
    pixels, wcs = sky(), make_wcs()
    add_source(pixels, 100, 100)
    save_tile(folder / "tile.fits", pixels, wcs)
    ra, dec = np.ravel(wcs.wcs_pix2world([[100, 100]], 0))
    (folder / "sources.csv").write_text(f"id,ra,dec,@note\n=source(),{ra},{dec},-x\n")


@pytest.mark.parametrize("command", WAYS)
def test_no_cell_is_a_formula(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    if command == "explain":  # without the random networks of its test, which need torch
        monkeypatch.setattr(Explainer, "sanity", lambda *_: None)
    before = set(place.rglob("*.csv"))
    status = main([*WAYS[command], "--quote-formulas"])
    # Of ids that stand twice, a list is what remains.
    assert status == int(command == "survey plan"), capsys.readouterr().err
    written = set(place.rglob("*.csv")) - before
    try:
        cells = [cell for path in written for cell in _cells(path)]
        assert [cell for cell in cells if _is_formula(cell)] == []
        quoted = [cell for cell in cells if cell.startswith(("'=", "'@"))]
        assert quoted, f"nothing was quoted in {written}"
    finally:
        for path in place.glob("out*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run a cell, or a piece of it where it splits lines there."""
    pieces = (piece.strip(' "') for piece in re.split(r"[,;|\t\r\n]", cell))
    return any(piece.startswith(("=", "+", "-", "@")) and not _is_number(piece) for piece in pieces)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _cells(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.reader(file):
            yield from line


def test_scores_do_not_depend_on_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The predictions are read again by their ids, quoted or not; and a stopped job is another."""
    monkeypatch.chdir(place)
    words = [*WRITE_CSV["evaluate"][:-4], *WORKERS, "--output"]
    assert main([*words, "plain"]) == 0
    assert main([*words, "quoted", "--quote-formulas"]) == 0
    plain, quoted = (
        json.loads((place / name / "metrics.json").read_text()) for name in ("plain", "quoted")
    )
    assert plain == quoted
    assert NAMES[0] in set(_cells(place / "plain" / "predictions.csv"))
    for name in ("plain", "quoted"):
        shutil.rmtree(place / name)
