"""Mutated folders and files of a user's own work: what a later command goes on from.

Runs, studies, indexes of embeddings, files of labels, exports of Zooniverse, and tiles of the sky.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import galaxyclass
from galaxyclass.data.checks.validate import validate
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.labels.log import LabelEvent
from galaxyclass.data.labels.questions import questions_of_classes
from galaxyclass.data.leakage import read_used_galaxies
from galaxyclass.io import run_folder
from galaxyclass.serving.labels import LabelFile
from galaxyclass.study.compare.compare import read_comparison
from galaxyclass.study.compare.plan import Plan, write_plan
from galaxyclass.study.compare.results import best_of, results_csv
from galaxyclass.study.compare.trials import Trial
from galaxyclass.study.tune.plan import TunePlan, read_tune_plan, write_tune_plan
from galaxyclass.training.history import append_history, read_history
from galaxyclass.training.run import RunInfo, read_run, write_run
from tests.hostile.trials import Tally, mutated, mutated_value
from tests.support import fake
from tests.support.by_hand import save_small_model
from tests.support.tiles import add_source, make_wcs, save_tile, sky
from tests.zooniverse.test_import import LOOK, TREE, row, vote, write

#: The values of a history and of the metrics that training writes, as far as they are read.
_EPOCH = {"epoch": 1.0, "train_loss": 0.2, "validation_loss": 0.2, "rmse": 0.1, "seconds": 2.0}
_OUTCOME = {
    "failure": None,
    "metrics": {
        "score": "rmse",
        "kept_epoch": 1,
        "epochs": 1,
        "seconds": 2.0,
        "images_per_second": 50.0,
        "notices": [{"kind": "collapse", "message": "it predicts the mean"}],
        "parts": {"validation": {"value": 0.1, "low": 0.1, "high": 0.2, "reference": 0.2,
                                 "galaxies": 9}},
    },
    "history": [_EPOCH],
    "peak_memory": 10**9,
    "peak_gpu_memory": None,
    "parameters": 1000,
}  # fmt: skip


def _mutate(path: Path, whole: bytes, random: np.random.Generator, trial: int) -> None:
    """Faults in bytes; of JSON every second time a value that is another."""
    if path.suffix == ".json" and trial % 2:
        path.write_text(json.dumps(mutated_value(json.loads(whole), random)))
    else:
        path.write_bytes(mutated(whole, random, whole))


def _folder_trials(
    kind: str,
    whole: Path,
    read: Callable[[Path], object],
    trials: int,
    seed: int,
) -> Tally:
    """A copy of a folder of which one file has faults, each file in turn."""
    tally, random = Tally(kind), np.random.default_rng(seed)
    read(whole)  # what is whole is taken
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    broken = whole.with_name(f"broken {whole.name}")
    for trial in range(trials):
        name = files[trial % len(files)]
        shutil.copytree(whole, broken)
        _mutate(broken / name, (whole / name).read_bytes(), random, trial // len(files))
        tally.call(f"{name}, trial {trial}", partial(read, broken))
        shutil.rmtree(broken)
    return tally


#: Changes to a recipe, of every kind of value.
_SETTINGS = (
    *("images.size=64", "images.limits=[0, 1.5]", "images.colour=rgb", "model.encoder=residual"),
    *("training.progressive_resizing=[[40, 0.4], [52, 0.75]]", "optimizer.lr=2e-3"),
    *("augmentation.zoom=[0.77, 1.3]", "training.keep=last", "split.fold=[1, 5]"),
    *("training.ema=", "model.head=auto"),
)


def mutated_settings(trials: int, seed: int = 0) -> Tally:
    """Changes to a recipe with faults in them."""
    tally, random = Tally("settings, mutated"), np.random.default_rng(seed)
    for trial in range(trials):
        whole = _SETTINGS[trial % len(_SETTINGS)].encode()
        other = _SETTINGS[int(random.integers(len(_SETTINGS)))].encode()
        text = mutated(whole, random, other).decode("utf-8", "surrogateescape")
        tally.call(f"{text!r:.60}", partial(galaxyclass.load_recipe, "fast", [text]))
    return tally


def mutated_runs(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Runs that were stopped, of which a file has faults."""
    images, whole = folder / "images of a run", folder / "run"
    fake.save_images(images, 4)
    names = [path.stem for path in sorted(images.iterdir())]
    table = folder / "table of a run.csv"
    table.write_text("id,class\n" + "".join(f"{name},{'ab'[int(name) % 2]}\n" for name in names))
    dataset = Dataset(images, table)
    whole.mkdir()
    info = RunInfo(
        data=dataset.to_json(), seed=0, fingerprint="ab" * 16, galaxies={"train": 3},
        device="cpu", devices=1, command=["train"],
    )  # fmt: skip
    write_run(whole, galaxyclass.load_recipe("fast"), info)
    split = "id,part,digest\n" + "".join(f"{name},train,ab{name}\n" for name in names)
    (whole / run_folder.SPLIT).write_text(split)
    append_history(whole / run_folder.HISTORY, _EPOCH)

    def read(run: Path) -> object:
        recipe, begun = read_run(run)
        return (
            *(repr(recipe), repr(begun.dataset.catalog), begun.runtime_settings),
            *(read_used_galaxies(run), read_history(run / run_folder.HISTORY)),
        )

    return _folder_trials("runs, mutated", whole, read, trials, seed)


def mutated_studies(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Comparisons and searches of which a file has faults."""
    whole = folder / "study"
    (whole / "trials").mkdir(parents=True)
    recipe = galaxyclass.load_recipe("fast")
    study = [Trial(name, "fast", {"seed": name}, (), recipe) for name in ("one", "two")]
    write_plan(whole, Plan(tuple(study), {"images": "sky", "seed": 0}, "ab"))
    for trial in study:
        (whole / "trials" / f"{trial.name}.json").write_text(json.dumps(_OUTCOME))
    search = TunePlan("fast", {"optimizer.lr": "0.1..1"}, (), {"seed": 0}, pruning=True,
                      resolved=recipe.model_dump(mode="json"))  # fmt: skip
    write_tune_plan(whole, search)

    def read(study: Path) -> object:
        comparison = read_comparison(study)
        table = results_csv(comparison.results)
        return repr(comparison), best_of(comparison.results), table, repr(read_tune_plan(study))

    return _folder_trials("studies, mutated", whole, read, trials, seed)


def mutated_indexes(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Indexes of embeddings of which a file has faults: made again, or refused."""
    images, place = folder / "indexed images", folder / "indexed"
    fake.save_images(images, 12)
    place.mkdir()
    model = galaxyclass.load_model(save_small_model(folder / "indexing"))
    model.predict_to_file(images, output=place / "known.parquet", include=["embedding"])
    name = str(model.predict(images).ids[0])

    def read(copy: Path) -> object:
        # A copy has another time, and would be out of date.
        source, target = place / "known.parquet", copy / "known.parquet"
        if copy != place:
            shutil.copystat(source, target)
        found = galaxyclass.similar(target, like=[name], count=3).table.to_pydict()
        if not wanted:
            wanted.update(found)
        if target.read_bytes() == source.read_bytes():
            assert found == wanted, "other galaxies than before"
        return found

    wanted: dict[str, object] = {}
    read(place)
    return _folder_trials("indexes, mutated", place, read, trials, seed)


def mutated_labels(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Files of labels with faults in them, gone on with and trained on."""
    images, place = folder / "labelled images", folder / "labelled"
    paths = fake.save_images(images, 6)
    place.mkdir()
    questions = questions_of_classes(("ring", "none"))
    labels = LabelFile(place / "labels.jsonl", questions)
    for number, path in enumerate(paths):
        answer = ("ring", "none")[number % 2]
        labels.add(LabelEvent(path.stem, "Anna", "label", "class", answer))
    labels.add(LabelEvent(paths[0].stem, "Bo", "unsure"))
    labels.close()

    def read(copy: Path) -> object:
        report = validate(images, copy / "labels.jsonl", workers=1)
        LabelFile(copy / "labels.jsonl", questions).close()
        return report

    return _folder_trials("labels, mutated", place, read, trials, seed)


def mutated_classifications(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Exports of Zooniverse with faults in them."""
    place = folder / "zooniverse"
    place.mkdir()
    (place / "small.toml").write_text(TREE)
    votes = [
        row(f"person {number}", str(number % 2), vote("T0", "smooth", LOOK)) for number in range(5)
    ]
    write(place / "classifications.csv", votes)

    def read(copy: Path) -> object:
        export, tree = copy / "classifications.csv", copy / "small.toml"
        return galaxyclass.import_classifications(export, tree=tree).table.to_pydict()

    return _folder_trials("classifications, mutated", place, read, trials, seed)


def mutated_tiles(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Tiles of the sky and catalogues with faults in them, cut out."""
    place = folder / "tiles"
    place.mkdir()
    pixels, wcs = sky((60, 70)), make_wcs((60, 70))
    add_source(pixels, 30, 30)
    save_tile(place / "tile.fits", pixels, wcs)
    save_tile(place / "packed.fits.fz", pixels, wcs, compressed=True)
    ra, dec = np.ravel(wcs.wcs_pix2world([[30, 30]], 0))
    (place / "sources.csv").write_text(f"id,ra,dec,mag\nn1,{ra},{dec},17.5\n")

    def read(copy: Path) -> object:
        found: list[Any] = []
        for name in ("tile.fits", "packed.fits.fz"):
            cutouts = galaxyclass.open_tiles(
                copy / name, copy / "sources.csv", field="8 arcsec", size=16
            )
            found += [repr(cutouts), *(cutout.pixels for cutout in cutouts)]
        return found

    return _folder_trials("tiles of the sky, mutated", place, read, trials, seed)
