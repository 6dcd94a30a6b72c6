"""A served model without a network, and a file of predictions with an embedding."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.model.load import load_model
from galaxyclass.model.model import Model
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.start import open_served
from galaxyclass.trees.read import load_tree
from tests.support import fake

COLUMNS = list(load_tree("galaxy_zoo_2").layout("challenge").columns)


def model(folder: Path, backend: Any = None) -> Model:
    """A model whose votes depend on the colour of a picture."""
    run = fake.save_run(folder / "run")
    return load_model(run, workers=1, backend=backend or fake.TreeBackend())


def jpeg(*colour: int) -> bytes:
    """A picture of one colour."""
    image = np.full((32, 32, 3), colour, np.uint8)
    data: bytes = simplejpeg.encode_jpeg(image, quality=95)
    return data


def png(width: int, height: int) -> bytes:
    """A black PNG, which takes few bytes."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


def table_of(names: list[str], seed: int = 0) -> pa.Table:
    """Predictions for galaxies of these ids."""
    random = np.random.default_rng(seed)
    values: NDArray[Any] = random.random((len(names), len(COLUMNS))).astype(np.float32)
    columns = dict(zip(COLUMNS, values.T, strict=True))
    embedding = random.normal(size=(len(names), 6)).astype(np.float32)
    return pa.table(
        {
            "GalaxyID": names,
            **columns,
            "strange": values[:, 0] > 0.5,
            **{f"embedding_{place}": embedding[:, place] for place in range(6)},
        }
    )


def write_predictions(folder: Path, count: int = 30, group: int = 7) -> Path:
    """A file of predictions in several row groups, and a picture for each galaxy."""
    path = folder / "sky.parquet"
    names = [f"J{number:04d}" for number in range(count)]
    pq.write_table(table_of(names), path, row_group_size=group)
    (folder / "images").mkdir()
    for number, name in enumerate(names):
        (folder / "images" / f"{name}.jpg").write_bytes(jpeg(number * 8 % 256, 90, 30))
    return path


def served(folder: Path, *, with_file: bool = False, **limits: Any) -> Any:
    """What is served; `close` its predictor."""
    predictions = write_predictions(folder) if with_file else None
    images = folder / "images" if with_file else None
    return open_served(
        model(folder), predictions=predictions, images=images, limits=Limits(**limits)
    )
