"""What a survey costs beside plain prediction: per picture, per shard, in the driver's memory.

    python benchmarks/survey.py --images DIR --output survey.json
    python benchmarks/survey.py --images DIR --only images --count 10000 --shard-size 5000
    python benchmarks/survey.py --only driver --rows 1000 10000000

Processor time counts, of a command and its processes, so that the figures hold on a machine that
does other work; seconds by the clock stand beside it. `images` compares `galaxyclass predict` with
`survey run` of 1 and 2 processes, in turn, by the model that comes with the package. `shards`
predicts the same pictures in more and more shards. `driver` plans lists of so many paths, which
need not exist, and shows the memory of planning, of `survey status` and of the process that hands
out shards.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import galaxyclass

COMMAND = [sys.executable, "-m", "galaxyclass"]
#: Seconds that the driver is watched.
WATCHED = 8.0


def taken(*words: str) -> tuple[float, float]:
    """Processor seconds of a command and its processes, and seconds by the clock."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*COMMAND, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, time.perf_counter() - begun


def images(folder: Path, place: Path, count: int, shard_size: int, turns: int) -> dict[str, Any]:
    """Plain prediction and surveys with 1 and 2 processes, in turn; ratios of medians."""
    paths = sorted(path for path in folder.rglob("*.jpg"))[:count]
    source = place / "pictures"
    source.mkdir()
    for number, path in enumerate(islice(cycle(paths), count)):
        (source / f"{number:06}.jpg").symlink_to(path.resolve())
    rows: dict[str, list[tuple[float, float]]] = {"predict": [], "1 process": [], "2 processes": []}
    night = place / "night"
    for _ in range(turns):
        out = ["--output", str(place / "p.parquet"), "--overwrite"]
        rows["predict"].append(taken("predict", "--images", str(source), *out))
        for workers in (1, 2):
            shutil.rmtree(night, ignore_errors=True)
            plan = ["--output", str(night), "--shard-size", str(shard_size), "--no-measure"]
            taken("survey", "plan", str(source), *plan)
            run = taken("survey", "run", str(night), "--workers", str(workers))
            rows["1 process" if workers == 1 else "2 processes"].append(run)
        print(rows, flush=True)
    plain = [statistics.median(column) for column in zip(*rows["predict"], strict=True)]
    found: dict[str, Any] = {"pictures": count, "shard_size": shard_size}
    for name, all_taken in rows.items():
        cpu, wall = (statistics.median(column) for column in zip(*all_taken, strict=True))
        found[name] = {
            "processor_seconds": [round(seconds, 1) for seconds, _ in all_taken],
            "seconds": [round(seconds, 1) for _, seconds in all_taken],
            "images_per_second": round(count / wall),
            "of_predict_by_processor": round(plain[0] / cpu, 3),
            "of_predict_by_the_clock": round(plain[1] / wall, 3),
        }
    return found


def shards(folder: Path, place: Path, count: int, model: str) -> list[dict[str, Any]]:
    """Processor and wall seconds of the same pictures in more and more shards."""
    paths = sorted(path for path in folder.rglob("*.jpg"))[:count]
    (place / "all.txt").write_text("".join(f"{path.resolve()}\n" for path in paths))
    rows = []
    for number in (1, 10, 100):
        night = place / f"shards{number}"
        galaxyclass.plan_survey(
            place / "all.txt", output=night, model=model, shard_size=-(-count // number),
            measured=False,
        )  # fmt: skip
        survey = galaxyclass.open_survey(night)
        wall, cpu = time.perf_counter(), time.process_time()
        survey.run_shards(range(len(survey.shards)), cores=1)
        rows.append(
            {
                "shards": len(survey.shards),
                "processor_seconds": round(time.process_time() - cpu, 2),
                "seconds": round(time.perf_counter() - wall, 2),
            }
        )
    return rows


def driver(place: Path, count: int, model: str) -> dict[str, Any]:
    """Memory in MB and processor seconds of planning so many paths, and of what follows."""
    listed, night = place / "paths.parquet", place / f"rows{count}"
    writer = None
    for first in range(0, count, 200_000):
        numbers = np.arange(first, min(first + 200_000, count)).tolist()
        column = [f"/data/{n // 2000:05}/{587722981748965649 + n}.jpg" for n in numbers]
        table = pa.table({"path": column})
        writer = writer or pq.ParquetWriter(listed, table.schema)
        writer.write_table(table)
    assert writer is not None, "there is at least one path"
    writer.close()
    found: dict[str, Any] = {"rows": count}
    begun = time.perf_counter()
    plan = [str(listed), "--output", str(night), "--no-measure", "--model", model]
    for name, words in {
        "plan": ["survey", "plan", *plan],
        "status": ["survey", "status", str(night)],
    }.items():
        done = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL)
        _, _, usage = os.wait4(done.pid, 0)
        found[f"{name}_mb"] = round(usage.ru_maxrss / 1024)
        found[f"{name}_processor_seconds"] = round(usage.ru_utime + usage.ru_stime, 1)
        found.setdefault("plan_seconds", round(time.perf_counter() - begun, 1))
    running = subprocess.Popen(
        [*COMMAND, "survey", "run", str(night), "--workers", "1", "--retries", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(WATCHED)
    status = Path(f"/proc/{running.pid}/status").read_text()
    found["driver_mb"] = int(status.split("VmHWM:")[1].split()[0]) // 1024
    running.terminate()
    running.wait()
    return found


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--shard-size", type=int, default=150, help="of `images`")
    parser.add_argument("--turns", type=int, default=3, help="of `images`")
    parser.add_argument("--model", default="pretrained", help="of `shards` and `driver`")
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000, 10_000_000])
    parser.add_argument("--only", nargs="+", default=["images", "shards", "driver"])
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        if "images" in given.only:
            found["images"] = images(
                given.images, place, given.count, given.shard_size, given.turns
            )
        if "shards" in given.only:
            found["shards"] = shards(given.images, place, given.count, given.model)
        if "driver" in given.only:
            found["driver"] = [driver(place, rows, given.model) for rows in given.rows]
    text = json.dumps(found, indent=1)
    if given.output is not None:
        given.output.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
