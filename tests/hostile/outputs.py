"""Mutated predictions, surveys, models and archives of pictures: what a later command reads."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import galaxyclass
from tests.hostile.trials import Tally, mutated
from tests.support import fake
from tests.support.by_hand import save_small_model


def mutated_predictions(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Tables of predictions with faults in them, searched, chosen from and scored."""
    tally, random = Tally("predictions, mutated"), np.random.default_rng(seed)
    images = folder / "predicted images"
    fake.save_images(images, 12)
    model = galaxyclass.load_model(save_small_model(folder / "predicting"))
    names = ("known.parquet", "known.csv", "known.vot", "known.fits")
    for name in names:
        model.predict_to_file(images, output=folder / name, include=["embedding"])
    ids = model.predict(images).ids
    labels = folder / "labels.csv"
    column = pq.read_schema(folder / names[0]).names[0]
    labels.write_text(f"{column},class\n" + "".join(f"{each},red\n" for each in ids))
    calls: list[Callable[[Path], object]] = [
        lambda path: galaxyclass.select(path, count=3),
        lambda path: galaxyclass.similar(path, like=[str(ids[0])], count=3),
        lambda path: galaxyclass.map_galaxies(path).write_page(folder / "map.html", overwrite=True),
        lambda path: galaxyclass.score_predictions(path, labels),
    ]
    for call in calls:
        call(folder / names[0])  # what is whole is taken
    for trial in range(trials):
        name = names[trial % len(names)] if trial % 2 else names[0]
        path = folder / f"m.{name}"
        path.write_bytes(mutated((folder / name).read_bytes(), random))
        call = calls[trial // 2 % len(calls)]
        tally.call(f"{name}, trial {trial}", partial(call, path))
        shutil.rmtree(path.with_name(f"{path.name}.index"), ignore_errors=True)
    return tally


def mutated_surveys(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Surveys of which a file has faults."""
    tally, random = Tally("surveys, mutated"), np.random.default_rng(seed)
    images = folder / "survey images"
    paths = fake.save_images(images, 12)
    table = pa.table({"id": range(12), "path": [str(path) for path in paths], "ra": range(12)})
    table = table.append_column("dec", pa.array([2.0] * 12))
    pq.write_table(table, folder / "list.parquet")
    model, whole = save_small_model(folder / "survey model"), folder / "night"
    galaxyclass.plan_survey(
        folder / "list.parquet", output=whole, model=model, shard_size=6, measured=False
    )
    galaxyclass.open_survey(whole).run_shards([0, 1], cores=1)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    _use_survey(whole, again=False)
    for trial in range(trials):
        name = files[trial % len(files)]
        broken = folder / "broken night"
        shutil.copytree(whole, broken)
        (broken / name).write_bytes(mutated((whole / name).read_bytes(), random))
        # A result that is damaged is made again; a plan that is damaged is refused.
        run = partial(_use_survey, broken, again=trial % 4 == 3)
        tally.call(f"{name}, trial {trial}", run)
        shutil.rmtree(broken)
        (folder / "all.csv").unlink(missing_ok=True)
    return tally


def _use_survey(folder: Path, *, again: bool) -> object:
    survey = galaxyclass.open_survey(folder)
    if again:
        survey.run_shards([0, 1], cores=1)
    return repr(survey.status()), survey.merge(output=folder.with_name("all.csv"), overwrite=True)


def mutated_bundles(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Folders of models of which a file has faults."""
    tally, random = Tally("bundles, mutated"), np.random.default_rng(seed)
    whole, images = save_small_model(folder / "whole model"), folder / "run images"
    fake.save_images(images, 3)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    _use_model(whole, images)
    for trial in range(trials):
        name = files[trial % len(files)]
        broken = folder / "broken model"
        shutil.copytree(whole, broken)
        (broken / name).write_bytes(mutated((whole / name).read_bytes(), random))
        tally.call(f"{name}, trial {trial}", partial(_use_model, broken, images))
        shutil.rmtree(broken)
    return tally


def _use_model(folder: Path, images: Path) -> object:
    model = galaxyclass.load_model(folder)
    return repr(model), model.predict(images)


def mutated_archives(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Archives of pictures with faults in them."""
    tally, random = Tally("archives of pictures, mutated"), np.random.default_rng(seed)
    paths = fake.save_images(folder / "archived images", 6)
    files = _archives(paths)
    names, box = list(files), folder / "archives"
    box.mkdir()
    for trial in range(trials):
        name = names[trial % len(names)]
        path = box / name
        path.write_bytes(mutated(files[name], random))
        tally.call(f"{name}, trial {trial}", partial(galaxyclass.validate, box))
        path.unlink()
    return tally


def _archives(paths: list[Path]) -> dict[str, bytes]:
    files = {}
    for kind, compression in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", compression) as archive:
            for path in paths:
                archive.write(path, path.name)
        files[f"{kind}.zip"] = content.getvalue()
    for ending in ("tar", "tar.gz"):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz" if ending.endswith("gz") else "w") as tar:
            for path in paths:
                tar.add(path, path.name)
        files[f"t.{ending}"] = content.getvalue()
    cells = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
    content = io.BytesIO()
    pq.write_table(pa.table({"id": [path.stem for path in paths], "image": cells}), content)
    files["p.parquet"] = content.getvalue()
    with suppress(ImportError):
        import h5py

        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            file["images"] = np.zeros((6, 20, 20, 3), np.uint8)
        files["h.hdf5"] = content.getvalue()
    return files
