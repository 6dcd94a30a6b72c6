"""How time and memory of validate, pack, train and predict grow with the number of galaxies.

    python benchmarks/scaling.py --output DIR [--counts 1000,10000,100000,1000000]

Galaxies are simulated: a thousand of them, 64 pixels wide, written again and again under new names
with a comment of their own in the JPEG, so that no two files are the same. Each command runs in a
process of its own, with the recipe `fast` at 32 pixels; its time is that by the clock, its memory
the most that it (or one of its processes) held. OUTPUT has scaling.csv, scaling.png and table.md;
a line that scaling.csv has already is not measured again. A million galaxies take some 8 GB of disk
and an hour of one core, most of it the one epoch of training.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from galaxyclass.plots.style import COLOURS, save, style

SMALL = ["--set", "images.size=32", "--set", "images.frame=none", "--set", "training.epochs=1"]
BASE = 1000
FIELDS = ("command", "galaxies", "seconds", "memory_mib")


def make_sky(folder: Path, base: Path, count: int) -> None:
    """Copies of the simulated galaxies, each file different from all others, and their votes."""
    if folder.exists():
        return
    making = folder.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    pictures = [path.read_bytes() for path in sorted((base / "images").iterdir())]
    with (base / "votes.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    making.mkdir(parents=True)
    with (making / "votes.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        for number in range(count):
            place = making / "images" / f"{number // 1000:04}"
            if number % 1000 == 0:
                place.mkdir(parents=True)
            name, picture = 1_000_000 + number, pictures[number % len(pictures)]
            comment = str(name).encode()
            segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
            (place / f"{name}.jpg").write_bytes(picture[:2] + segment + picture[2:])
            table.writerow([name, *rows[number % len(rows)][1:]])
    making.rename(folder)


def measure(*arguments: str) -> tuple[float, float]:
    """Seconds and MiB of one `galaxyclass` command.

    Raises
    ------
    RuntimeError
        It failed.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "galaxyclass", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    told = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"galaxyclass {' '.join(arguments)}\n{told[-2000:]}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def measures(sky: Path, run: Path, work: Path) -> Iterator[tuple[str, list[str]]]:
    """The commands for one sky."""
    images, table = str(sky / "images"), str(sky / "votes.csv")
    yield "validate", ["validate", "--images", images, "--table", table]
    yield "pack", [
        "pack", "--images", images, "--set", "images.cutout=centre", "--set", "images.size=32",
        "--set", "images.colour=rgb", "--output", str(work / "pack"),
    ]  # fmt: skip
    yield "train", [
        "train", "fast", "--images", images, "--table", table, *SMALL,
        "--output", str(work / "run"), "--cache", str(work / "cache"),
    ]  # fmt: skip
    yield "predict", [
        "predict", str(run), "--images", images, "--output", str(work / "predictions.csv")
    ]  # fmt: skip


def read(path: Path) -> list[dict[str, str]]:
    """What was measured before."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def growth(rows: list[dict[str, str]], command: str) -> str:
    """The exponent of the time's growth between the two largest numbers of galaxies."""
    some = [(int(row["galaxies"]), float(row["seconds"])) for row in rows]
    some = [one for row, one in zip(rows, some, strict=True) if row["command"] == command]
    if len(some) < 2:
        return ""
    (n1, t1), (n2, t2) = sorted(some)[-2:]
    return f"{math.log(t2 / t1) / math.log(n2 / n1):.2f}"


def table(rows: list[dict[str, str]]) -> str:
    """Markdown: seconds and MiB, a row for each command."""
    counts = sorted({int(row["galaxies"]) for row in rows})
    lines = [
        "| | " + " | ".join(f"{count:,}" for count in counts) + " | grows as n to the |",
        "| --- |" + " ---: |" * (len(counts) + 1),
    ]
    for command in dict.fromkeys(row["command"] for row in rows):
        cells = {
            int(row["galaxies"]): f"{float(row['seconds']):,.1f} s, "
            f"{float(row['memory_mib']):,.0f} MiB"
            for row in rows
            if row["command"] == command
        }
        figures = " | ".join(cells.get(count, "") for count in counts)
        lines.append(f"| `{command}` | {figures} | {growth(rows, command)} |")
    return "\n".join(lines) + "\n"


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """Time and memory over the number of galaxies, both axes logarithmic."""
    with style():
        figure = Figure(figsize=(11, 4.6))
        time_axes, memory_axes = figure.subplots(1, 2)
        for colour, command in zip(
            COLOURS, dict.fromkeys(r["command"] for r in rows), strict=False
        ):
            some = sorted((int(r["galaxies"]), r) for r in rows if r["command"] == command)
            counts = [count for count, _ in some]
            for axes, key in ((time_axes, "seconds"), (memory_axes, "memory_mib")):
                axes.plot(
                    counts, [float(r[key]) for _, r in some], "o-", color=colour, label=command
                )
        for axes, title in ((time_axes, "time, s"), (memory_axes, "most memory, MiB")):
            axes.set(xscale="log", yscale="log", xlabel="galaxies", title=title)
        memory_axes.set_ylim(bottom=50)
        time_axes.legend()
        save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--counts", default="1000,10000,100000,1000000")
    options = parser.parse_args()
    output: Path = options.output
    work = output / "work"
    work.mkdir(parents=True, exist_ok=True)
    base = work / "base"
    if not base.exists():
        measure("simulate", "--count", str(BASE), "--size", "64", "--output", str(base))
    run = work / "run"
    if not run.exists():
        measure(
            "train", "fast", "--images", str(base / "images"), "--table", str(base / "votes.csv"),
            *SMALL, "--output", str(run), "--cache", str(work / "cache"),
        )  # fmt: skip
    for count in map(int, options.counts.split(",")):
        rows = read(output / "scaling.csv")
        done = {row["command"] for row in rows if int(row["galaxies"]) == count}
        sky, place = work / f"sky-{count}", work / f"place-{count}"
        for command, arguments in measures(sky, run, place):
            if command in done:
                continue
            make_sky(sky, base, count)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            seconds, memory = measure(*arguments)
            first = not (output / "scaling.csv").exists()
            with (output / "scaling.csv").open("a", newline="") as file:
                writer = csv.writer(file)
                if first:
                    writer.writerow(FIELDS)
                writer.writerow([command, count, f"{seconds:.2f}", f"{memory:.1f}"])
            print(f"{command} {count:,}: {seconds:.1f} s, {memory:.0f} MiB", flush=True)
        shutil.rmtree(sky, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
    rows = read(output / "scaling.csv")
    draw(rows, output / "scaling.png")
    (output / "table.md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
