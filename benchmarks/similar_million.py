"""Time and memory of a search among a million galaxies.

    python benchmarks/similar_million.py FOLDER [--galaxies 1000000]

FOLDER gets a file of made-up predictions with embeddings of 256 numbers, and its index.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import galaxyclass
from galaxyclass.similarity.embeddings import open_predictions
from galaxyclass.similarity.index import nearest, open_index

FEATURES, PIECE = 256, 20_000


def write(path: Path, galaxies: int) -> None:
    """Write embeddings that lie near a plane of 64 dimensions."""
    random = np.random.default_rng(0)
    basis = random.normal(size=(64, FEATURES)).astype(np.float32)
    fields = [pa.field("id", pa.int64()), pa.field("Class4.1", pa.float32())]
    fields += [pa.field(f"embedding_{index}", pa.float32()) for index in range(FEATURES)]
    schema = pa.schema(fields)
    with pq.ParquetWriter(path, schema, compression="none") as writer:
        for start in range(0, galaxies, PIECE):
            values = random.normal(size=(PIECE, 64)).astype(np.float32) @ basis
            columns = [np.arange(start, start + PIECE), random.random(PIECE, dtype=np.float32)]
            arrays = [pa.array(column) for column in [*columns, *values.T]]
            writer.write_table(pa.table(arrays, schema=schema))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--galaxies", default=1_000_000, show_default=True)
def main(folder: Path, galaxies: int) -> None:
    """Print seconds and memory."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "million.parquet"
    if not path.exists():
        write(path, galaxies)
    for name in ("first call, which makes the index", "second call", "third call"):
        begun = time.perf_counter()
        galaxyclass.similar(path, like=["5"], where=["4.1 > 0.5"])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        click.echo(f"{name}: {time.perf_counter() - begun:.2f} s; {memory:,.0f} MB at most")
    file = open_predictions(path)
    index, allowed = open_index(file), np.ones(file.rows, bool)
    for row in range(3):
        begun = time.perf_counter()
        nearest(index.similarities(index.vectors[row]), allowed, 20)
        click.echo(f"a search alone: {time.perf_counter() - begun:.3f} s")


if __name__ == "__main__":
    main()
