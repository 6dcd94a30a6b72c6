"""Mutated tables of every format, and tables that ask for much."""

from __future__ import annotations

import bz2
import gzip
import io
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from galaxyclass.data.catalog.read import read_catalog
from tests.hostile.trials import Tally, mutated

_NAMES = [f"{number}.jpg" for number in range(12)]


@cache
def corpus() -> dict[str, bytes]:
    """A small table of votes in every format."""
    random = np.random.default_rng(0)
    smooth = random.uniform(0, 1, 12).round(3)
    columns = {
        "GalaxyID": [str(number) for number in range(12)],
        "Class1.1": smooth,
        "Class1.2": (1 - smooth).round(3),
        "Class1.3": np.zeros(12),
        "kind": ["spiral", "disc, edge-on", "ring"] * 4,
    }
    table = pa.table(columns)
    lines = [",".join(columns)] + [
        ",".join(f'"{cell}"' if "," in str(cell) else str(cell) for cell in row)
        for row in zip(*columns.values(), strict=True)
    ]
    text = "\n".join(lines).encode() + b"\n"
    parquet, feather = io.BytesIO(), io.BytesIO()
    pq.write_table(table, parquet)
    pyarrow.feather.write_feather(table, feather)
    files = {
        "csv": text,
        "tsv": text.replace(b",", b"\t"),
        "utf16.csv": text.decode().encode("utf-16"),
        "csv.gz": gzip.compress(text, mtime=0),
        "csv.bz2": bz2.compress(text),
        "parquet": parquet.getvalue(),
        "feather": feather.getvalue(),
    }
    try:
        from astropy.table import Table
    except ImportError:
        return files
    for ending, kind in {"fits": "fits", "vot": "votable", "ecsv": "ascii.ecsv"}.items():
        if ending == "ecsv":
            written = io.StringIO()
            Table(columns).write(written, format=kind)
            files[ending] = written.getvalue().encode()
        else:
            content = io.BytesIO()
            Table(columns).write(content, format=kind)
            files[ending] = content.getvalue()
    with suppress(ImportError):
        import openpyxl

        book, content = openpyxl.Workbook(), io.BytesIO()
        for line in lines:
            book.active.append(line.split(","))
        book.save(content)
        files["xlsx"] = content.getvalue()
    return files


def mutated_tables(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Tables with faults in them, read as those of a folder of images."""
    tally, random = Tally("tables, mutated"), np.random.default_rng(seed)
    images = folder / "table images"
    images.mkdir(exist_ok=True)
    for name in _NAMES:
        (images / name).touch()
    files = corpus()
    names = list(files)
    for trial in range(trials):
        name = names[trial % len(names)]
        other = files[names[int(random.integers(0, len(names)))]]
        path = folder / f"t.{name}"
        path.write_bytes(mutated(files[name], random, other))
        tally.call(f"{name}, trial {trial}", partial(read_catalog, images, path))
    return tally


def costly_tables(folder: Path) -> Tally:
    """Small files that ask for much: columns, lines without end, compression, nesting, digits."""
    tally = Tally("tables, costly")
    images = folder / "costly images"
    images.mkdir(exist_ok=True)
    (images / "1.jpg").touch()
    wide = ",".join(f"c{number}" for number in range(100_000))
    contents = {
        "wide.csv": f"id,{wide}\n1,{wide}\n".encode(),
        "line.csv": b"x" * 20_000_000,
        "quote.csv": b'id,class\n1,"' + b"x" * 5_000_000,
        "zeros.csv.gz": gzip.compress(b"id,class\n" + b"1,a\n" * 50_000_000, 6),
        "digits.csv": b"id,class\n" + b"9" * 1_000_000 + b",a\n",
        "bom.csv": b"\xef\xbb\xbf" * 1000 + b"id,class\n1,a\n",
        "deep.vot": b'<?xml version="1.0"?><VOTABLE>' + b"<RESOURCE>" * 50_000,
        "entities.vot": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "'
        + b"a" * 1000
        + b'"><!ENTITY b "'
        + b"&a;" * 1000
        + b'"><!ENTITY c "'
        + b"&b;" * 1000
        + b'">]><VOTABLE><RESOURCE><TABLE><FIELD name="&c;"/></TABLE></RESOURCE></VOTABLE>',
    }
    for name, content in contents.items():
        path = folder / name
        path.write_bytes(content)
        tally.call(name, partial(read_catalog, images, path))
        path.unlink()
    return tally
