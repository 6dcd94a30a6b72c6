"""Golden files: what fixed small jobs give, kept so that a change of the code can be held to it.

    python scripts/golden.py write FOLDER [--data DATA]
    python scripts/golden.py compare FOLDER OTHER

The jobs go through the command line alone, one thread and 32-bit floats, so that nothing inside the
package has to keep its name. What is kept is plain JSON and CSV, without times, paths and versions;
two folders written on one machine by code that computes the same are the same to the last digit.
Folders of different machines may differ in the last bits of a float.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors.numpy import load_file

#: Keys, columns and words that were renamed since FOLDER was written: old name -> new name.
RENAMED: dict[str, str] = {
    "further": "auxiliary",
    "further_weight": "auxiliary_weight",
    "growing": "progressive_resizing",
    "way": "runtime",
}

#: Not kept: times, paths, versions, and digests of files whose contents are kept themselves.
DROPPED = {
    "version", "seconds", "images_per_second", "models", "digests", "message",
    "weights_digest", "calibration_digest", "network_digest",
}  # fmt: skip
#: Kept of `run.json`: the rest are paths and the machine.
KEPT_OF_RUN = {"classes", "device", "devices", "fingerprint", "galaxies", "seed", "skip_invalid"}

#: What a reader of this table may have to rename when the command line changes.
RECIPE = "fast"
INCLUDE = "five_classes,uncertainty,strangeness,embedding"
FIVE = (
    "completely_round_smooth", "in_between_smooth", "cigar_shaped_smooth", "edge_on", "spiral",
)  # fmt: skip
NETWORK = ("--device", "cpu", "--precision", "fp32", "--workers", "1")
SMALL = [
    f"--set={setting}"
    for setting in (
        "images.size=24", "split.seed=0", "training.epochs=2", "training.batch_size=16",
        "training.progressive_resizing=[[16, 0.5]]",
        "training.precision=fp32", "training.threads=1",
    )
]  # fmt: skip

Table = list[list[str]]


class Jobs:
    """Runs the commands in a working folder and keeps what they give in another."""

    def __init__(self, work: Path, folder: Path) -> None:
        self.work, self.folder = work, folder

    def run(self, *arguments: str) -> str:
        """The standard output of one command."""
        environment = {
            **os.environ, "OMP_NUM_THREADS": "1", "GALAXYCLASS_CACHE": str(self.work / "cache"),
            "CUDA_VISIBLE_DEVICES": "",
        }  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "galaxyclass", *arguments],
            cwd=self.work, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"galaxyclass {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        print(f"{time.perf_counter() - began:6.1f} s  {' '.join(arguments)[:100]}", flush=True)
        return done.stdout

    def keep(self, name: str, *found: Path) -> None:
        """Keep one file under a name, in a plain form that follows its ending."""
        if len(found) != 1:
            raise SystemExit(f"{name}: {len(found)} files, wanted one")
        path, target = found[0], self.folder / name
        if path.suffix == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            if path.name == "run.json":
                content |= content.get("data", {})  # where the data set is told of by itself
                content = {key: value for key, value in content.items() if key in KEPT_OF_RUN}
            write_json(target, without_dropped(content))
        elif path.suffix == ".toml":
            write_json(target.with_suffix(".json"), tomllib.loads(path.read_text("utf-8")))
        elif path.suffix == ".csv":
            write_table(target, untimed(read_table(path)))
        elif path.suffix == ".parquet":
            write_table(target.with_suffix(".csv"), parquet_table(path))
        elif path.suffix == ".safetensors":
            write_json(target.with_suffix(".json"), weights_digest(path))
        else:
            raise SystemExit(f"{path}: no plain form for {path.suffix}")

    def keep_predictions(self, name: str) -> None:
        """Keep a table of predictions, and the digest of its bytes."""
        path = self.work / name
        self.keep(f"predictions/{name}".replace(".parquet", "_parquet.csv"), path)
        write_json(self.folder / f"predictions/{name}.digest.json", digest(path.read_bytes()))

    def keep_run(self, run: str) -> None:
        """Keep what a training leaves in its folder."""
        folder = self.work / run
        for name in ("run.json", "recipe.toml", "history.csv", "metrics.json", "split.csv"):
            self.keep(f"{run}/{name}", folder / name)
        self.keep_bundle(run)

    def keep_bundle(self, run: str) -> None:
        """Keep a bundle: its manifest, each network's weights, and the calibration if any."""
        bundle = self.work / run
        bundle = bundle / "bundle" if (bundle / "bundle").is_dir() else bundle
        self.keep(f"{run}/manifest.json", bundle / "manifest.json")
        self.keep(f"{run}/weights.safetensors", *bundle.glob("weights-*.safetensors"))
        if any(bundle.glob("calibration-*")):
            self.keep(f"{run}/calibration.json", *bundle.glob("calibration-*.json"))


def write(folder: Path, data: Path | None) -> None:
    """Run all jobs and write what they give."""
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder}: not empty")
    folder = folder.resolve()
    with tempfile.TemporaryDirectory() as work:
        jobs = Jobs(Path(work), folder)
        for step in (pictures, trainings, uses, pretrained, tables):
            step(jobs)
        if data is not None:
            real(jobs, data.resolve())


def pictures(jobs: Jobs) -> None:
    """Simulated galaxies, their votes, and a table of classes for some of them."""
    jobs.run(
        "simulate", "--count", "60", "--size", "128", "--seed", "3", "--workers", "1",
        "--output", "sky",
    )  # fmt: skip
    for name in ("votes.csv", "truth.csv"):
        jobs.keep(f"sky/{name}", jobs.work / "sky" / name)
    images = sorted((jobs.work / "sky/images").iterdir())
    write_json(
        jobs.folder / "sky/images.json", {path.name: digest(path.read_bytes()) for path in images}
    )
    # The classes mean nothing: they take turns, and the last galaxies have none.
    rows = [[path.stem, FIVE[number % 5]] for number, path in enumerate(images[:48])]
    write_table(jobs.work / "classes.csv", [["GalaxyID", "class"], *rows])
    found = json.loads(jobs.run("validate", *votes(), "--workers", "1", "--json"))
    write_json(jobs.folder / "validate.json", without_dropped(found))


def votes() -> tuple[str, ...]:
    """The options that name the simulated galaxies."""
    return "--images", "sky/images", "--table", "sky/votes.csv"


def trainings(jobs: Jobs) -> None:
    """Votes with classes beside them, twice, and classes made of votes."""
    small = (*SMALL, "--device", "cpu", "--workers", "1")
    also = ("--also", "sky/images", "classes.csv")
    for run, options in (
        ("first", (*also, "--seed", "0")),
        ("second", (*also, "--seed", "1")),
        ("classes", ("--classes", "argmax:1", "--seed", "2")),
    ):
        jobs.run("train", RECIPE, *votes(), *options, *small, "--output", run)
    for run in ("first", "second", "classes"):
        jobs.keep_run(run)


def uses(jobs: Jobs) -> None:
    """Each command that takes a run."""
    jobs.run("combine", "first", "second", "--output", "both")
    # Of the mean of two runs too few galaxies were seen by neither: all of them do as well.
    jobs.run("calibrate", "first", *votes(), "--part", "all", *NETWORK)
    for run in ("first", "both"):
        jobs.keep_bundle(run)
    for run, views in (("first", "2"), ("classes", "1")):
        scores = f"{run}_scores"
        jobs.run(
            "evaluate", run, *votes(), "--part", "all", "--views", views, *NETWORK,
            "--output", scores,
        )  # fmt: skip
        for name in ("metrics.json", "scores.csv", "predictions.csv"):
            jobs.keep(f"{scores}/{name}", jobs.work / scores / name)
    jobs.run("export", "first", "--output", "first.onnx")
    everything = ("--include", INCLUDE)
    for output, models, options in (
        ("first.csv", ("first",), ("--views", "1")),
        ("first_4.parquet", ("first",), ("--views", "4", *everything)),
        ("classes_4.csv", ("classes",), ("--views", "4")),
        ("both.csv", ("both",), ("--views", "2", "--include", "five_classes")),
        ("onnx.csv", ("first.onnx",), everything),
    ):
        predict(jobs, output, "sky/images", *models, *options)


def pretrained(jobs: Jobs) -> None:
    """The model that comes with the package."""
    predict(jobs, "pretrained.csv", "sky/images", "--include", INCLUDE)
    predict(jobs, "pretrained_1.parquet", "sky/images", "--views", "1")


def tables(jobs: Jobs) -> None:
    """What needs no network."""
    jobs.run(
        "baseline", *votes(), "--recipe", RECIPE, "--workers", "1", "--output", "baseline"
    )  # fmt: skip
    for name in ("metrics.json", "scores.csv", "split.csv"):
        jobs.keep(f"baseline/{name}", jobs.work / "baseline" / name)
    jobs.run("explore", *votes(), "--recipe", RECIPE, "--output", "exploration")
    for path in sorted((jobs.work / "exploration").glob("*.csv")):
        jobs.keep(f"exploration/{path.name}", path)


def real(jobs: Jobs, data: Path) -> None:
    """The pretrained model on pictures of two surveys."""
    for name, folder, count in (
        ("challenge", "galaxy-zoo-challenge/images", 40), ("decals", "rings/images", 20),
    ):  # fmt: skip
        copies = jobs.work / name
        copies.mkdir()
        for path in sorted((data / folder).iterdir())[:count]:
            shutil.copy(path, copies)
        predict(jobs, f"{name}.csv", name, "--include", INCLUDE)


def predict(jobs: Jobs, output: str, images: str, *options: str) -> None:
    """Predict, and keep the table."""
    jobs.run("predict", *options, "--images", images, *NETWORK, "--output", output)
    jobs.keep_predictions(output)


def without_dropped(content: Any) -> Any:
    """JSON without what differs from one time or place to another."""
    if isinstance(content, dict):
        return {key: without_dropped(value) for key, value in content.items() if key not in DROPPED}
    if isinstance(content, list):
        return [without_dropped(value) for value in content]
    return content


def untimed(table: Table) -> Table:
    """A table without its columns of times."""
    kept = [place for place, name in enumerate(table[0]) if name not in DROPPED]
    return [[row[place] for place in kept] for row in table]


def parquet_table(path: Path) -> Table:
    """A parquet file as text: names with types, then values that read back exactly."""
    table = pq.read_table(path)
    names = [f"{field.name} {field.type}" for field in table.schema]
    columns = [[str(value) for value in column.to_pylist()] for column in table.columns]
    return [names, *map(list, zip(*columns, strict=True))]


def weights_digest(path: Path) -> dict[str, Any]:
    """What does not change when a layer is renamed: the digest of all weights, by their own."""
    weights = load_file(path)
    found = sorted(
        f"{value.dtype}{value.shape}{digest(value.tobytes())}" for value in weights.values()
    )
    return {"weights": len(found), "digest": digest("\n".join(found).encode())}


def digest(content: bytes) -> str:
    """BLAKE2b-128."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON, readable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_table(path: Path) -> Table:
    """A CSV, the line of names first."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def write_table(path: Path, table: Table) -> None:
    """Write a CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(table)


def compare(folder: Path, other: Path) -> list[str]:
    """What differs, a line each: where, what was, what is."""
    names = sorted(
        {
            path.relative_to(root).as_posix()
            for root in (folder, other)
            for path in root.rglob("*")
            if path.is_file()
        }
    )
    if not names:
        raise SystemExit(f"{folder}, {other}: nothing to compare")
    lines = []
    for name in names:
        missing = [str(root) for root in (folder, other) if not (root / name).is_file()]
        if missing:
            lines.append(f"{name}: not in {missing[0]}")
            continue
        before, after = values(folder / name, renamed), values(other / name, str)
        for place in dict.fromkeys((*before, *after)):
            was, now = before.get(place, "(absent)"), after.get(place, "(absent)")
            if was != now:
                lines.append(f"{name}: {place}: {was} -> {now}")
    return lines


def renamed(word: str) -> str:
    """Today's name of what was named otherwise."""
    return RENAMED.get(word, word)


def values(path: Path, name_of: Callable[[str], str]) -> dict[str, str]:
    """Every value of a file by its place in it; names and words as they are today."""
    if path.suffix == ".json":
        return dict(leaves(json.loads(path.read_text(encoding="utf-8")), "", name_of))
    table = read_table(path)
    names = [name_of(name) for name in table[0]]
    found = {"columns": ",".join(names)}
    for number, row in enumerate(table[1:], 2):
        # Rows of unequal length differ from their header, and are shown whole.
        places = names if len(row) == len(names) else [str(place) for place in range(len(row))]
        for name, cell in zip(places, row, strict=True):
            found[f"line {number}, {name}"] = name_of(cell)
    return found


def leaves(content: Any, place: str, name_of: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Each value of a JSON document with its place; floats as Python writes them, exactly."""
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from leaves(value, f"{place}.{name_of(key)}", name_of)
    elif isinstance(content, list) and content:
        for number, value in enumerate(content):
            yield from leaves(value, f"{place}[{number}]", name_of)
    else:
        yield place, repr(name_of(content) if isinstance(content, str) else content)


def main() -> int:
    """Read the arguments and do what they say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write", help="run the jobs and write what they give")
    writing.add_argument("folder", type=Path)
    writing.add_argument("--data", type=Path, help="folder of real galaxies")
    comparing = commands.add_parser("compare", help="say what differs; exit code 1 if anything")
    comparing.add_argument("folder", type=Path)
    comparing.add_argument("other", type=Path)
    comparing.add_argument("--all", action="store_true", help="not ten of a file: every one")
    given = parser.parse_args()
    if given.command == "write":
        began = time.perf_counter()
        write(given.folder, given.data)
        print(f"{time.perf_counter() - began:.0f} s; written to {given.folder}")
        return 0
    lines = compare(given.folder, given.other)
    of_file: dict[str, int] = {}
    for line in lines:
        name = line.partition(":")[0]
        of_file[name] = of_file.get(name, 0) + 1
        if given.all or of_file[name] <= 10:
            print(line)
    for name, count in of_file.items():
        if count > 10 and not given.all:
            print(f"{name}: {count} differences in all; --all shows them")
    print(f"{len(lines):,} values differ" if lines else "nothing differs")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
