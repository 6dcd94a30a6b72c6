"""Runs galaxyclass and its peers side by side: the same images, cores and epochs, A B A B.

    python benchmarks/run.py --images DIR --table votes.csv --output DIR

The Python that runs this is the one that has galaxyclass; the peers run in the environments that
build.sh made. Each finished run is a line of OUTPUT/results.jsonl, and is not run again when the
same command is given again. OUTPUT/table.md has the table.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from scoring import difference, score
from table import OURS, tables

HERE = Path(__file__).resolve().parent
#: What would make a run differ from how a user finds the program, or reach for the network.
DROPPED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "LD_PRELOAD")
OFFLINE = {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Row:
    """One way to do a task: a name, a script, the environment that runs it, its own options."""

    name: str
    script: str
    environment: str = ""
    options: tuple[str, ...] = ()


def ours(name: str, *options: str) -> Row:
    return Row(name, "galaxyclass_cli.py", "", options)


BF16 = ("--precision", "bf16")
FP32 = ("--precision", "fp32")
AUTO = ("--precision", "auto")
SAME = ("--view", "same")
KERAS, ZOOBOT, LIGHTNING, HYRAX = (
    ("keras_notebook.py", "keras"),
    ("zoobot_finetune.py", "zoobot"),
    ("lightning_timm.py", "lightning"),
    ("hyrax_infer.py", "hyrax"),
)

#: The first row of each task is ours as it comes; ratios are to it.
TASKS = {
    "train-notebook": (
        ours(OURS, "--recipe", "notebook", *AUTO),
        ours(f"{OURS}, fp32", "--recipe", "notebook", *FP32),
        Row("Keras, the notebook's stack", *KERAS, ("--pipeline", "notebook")),
        Row("Keras, its guide's pipeline", *KERAS),
        Row("Keras, its guide's pipeline, bf16", *KERAS, BF16),
    ),
    "train-resnet18": (
        ours(OURS, "--recipe", "resnet18", *AUTO),
        ours(f"{OURS}, fp32", "--recipe", "resnet18", *FP32),
        Row("Zoobot", *ZOOBOT),
        Row("Zoobot, our view of an image, bf16", *ZOOBOT, SAME + BF16),
        Row("Lightning and timm", *LIGHTNING),
        Row("Lightning and timm, bf16, channels last", *LIGHTNING, BF16),
    ),
    "predict-resnet18": (
        ours(OURS, *AUTO),
        ours(f"{OURS}, bf16", *BF16),
        ours(f"{OURS}, fp32", *FP32),
        Row("Zoobot", *ZOOBOT),
        Row("Zoobot, our view of an image, bf16", *ZOOBOT, SAME + BF16),
        Row("Hyrax", *HYRAX),
        Row("Hyrax, bf16", *HYRAX, BF16),
        Row("Lightning and timm", *LIGHTNING),
        Row("Lightning and timm, bf16, channels last", *LIGHTNING, BF16),
    ),
    "score-notebook": (
        ours(OURS, "--recipe", "notebook", *AUTO),
        Row("Keras, its guide's pipeline", *KERAS),
    ),
    "score-best": (
        ours(f"{OURS} fast", "--recipe", "fast", *AUTO),
        Row("Zoobot", *ZOOBOT),
        Row("Zoobot, our view of an image, bf16", *ZOOBOT, SAME + BF16),
    ),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    add = parser.add_argument
    add("--images", type=Path, required=True, help="folder of <GalaxyID>.jpg")
    add("--table", type=Path, required=True, help="the challenge's table")
    add("--output", type=Path, required=True)
    add("--environments", type=Path, default=HERE / ".environments")
    add("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    add("--repeats", type=int, default=3, help="of the speeds (default 3)")
    add("--score-repeats", type=int, default=1, help="of the scores, a seed each (default 1)")
    add("--notebook-images", type=int, default=512, help="to train the notebook's network on")
    add("--resnet-images", type=int, default=1024, help="to train resnet18 on")
    add("--predict-images", type=int, default=2048)
    add("--score-images", type=int, help="to train on for a score (default: all the others)")
    add("--validation", type=int, default=819, help="held-out galaxies of the scores")
    add("--epochs", type=int, default=2, help="of which the last are timed (default 2)")
    add("--minutes", type=float, default=5, help="of training for a score (default 5)")
    add("--cores", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def main() -> None:
    given = arguments()
    given.output = given.output.resolve()  # the scripts run in folders of their own
    given.output.mkdir(parents=True, exist_ok=True)
    journal = given.output / "results.jsonl"
    journal.touch()
    results = [json.loads(line) for line in journal.read_text().splitlines()]
    done = {(r["task"], r["row"], r["repeat"]) for r in results}
    lay_out(given)
    weights = network(given) if "predict-resnet18" in given.tasks else None
    for task in given.tasks:
        repeats = given.score_repeats if task.startswith("score") else given.repeats
        for repeat in range(repeats):
            for row in TASKS[task]:
                if (task, row.name, repeat) in done:
                    continue
                result = measure(given, task, row, repeat, weights)
                results.append(result)
                with journal.open("a") as file:
                    file.write(json.dumps(result) + "\n")
                print(
                    f"{task} {repeat + 1}/{repeats} {row.name}: "
                    f"{result['images_per_second']:.1f} images/s, {result['seconds']:.0f} s in all"
                    + (f", RMSE {result['rmse'][0]:.4f}" if "rmse" in result else ""),
                    flush=True,
                )
    (given.output / "table.md").write_text(tables(results))
    print(given.output / "table.md")


def lay_out(given: argparse.Namespace) -> None:
    """The same files for everybody: OUTPUT/data/TASK with train.csv, val.csv and images."""
    with given.table.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if (given.images / f"{r['GalaxyID']}.jpg").exists()]
    random.Random(0).shuffle(rows)
    held_out, rest = rows[: given.validation], rows[given.validation :]
    few = min(64, len(held_out))
    parts = {
        "train-notebook": (rest[: given.notebook_images], held_out[:few]),
        "train-resnet18": (rest[: given.resnet_images], held_out[:few]),
        "score": (rest[: given.score_images], held_out),
    }
    for name, (train, validation) in parts.items():
        copy(given, name, train + validation)
        for part, galaxies in (("train", train), ("val", validation)):
            with (given.output / "data" / name / f"{part}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(galaxies)
    copy(given, "predict-resnet18", rows[: given.predict_images])


def copy(given: argparse.Namespace, name: str, galaxies: list[dict[str, str]]) -> None:
    """Copies are read once by being written: nobody is the first to read from the disk."""
    folder = given.output / "data" / name / "images"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for galaxy in galaxies:
        shutil.copyfile(*(f / f"{galaxy['GalaxyID']}.jpg" for f in (given.images, folder)))


def network(given: argparse.Namespace) -> Path:
    """The weights that everybody predicts with: of a short training of ours."""
    folder = given.output / "network"
    if not (folder / "result.json").exists():
        data = given.output / "data" / "train-resnet18"
        row = ours("network", "--recipe", "resnet18", *AUTO)
        call(given, row, "train", data, folder, "--epochs", "1", "--table", str(data))
    (weights,) = (folder / "run" / "bundle").glob("*.safetensors")
    return weights


def call(
    given: argparse.Namespace, row: Row, verb: str, data: Path, folder: Path, *more: str
) -> dict[str, float]:
    """Run a script; seconds and CPU seconds of the whole process, memory of the largest one."""
    bin_folder = given.environments.resolve() / row.environment / "bin"
    python = bin_folder / "python" if row.environment else Path(sys.executable)
    if not python.exists():
        sys.exit(f"{python} is missing: bash benchmarks/build.sh {row.environment}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [python, HERE / "peers" / row.script, verb, "--images", data / "images"]
    command += ["--output", folder, *row.options, *more]
    dropped = (*DROPPED, "PYTHONPATH") if row.environment else DROPPED
    environment = {k: v for k, v in os.environ.items() if k not in dropped} | OFFLINE
    cores = sorted(os.sched_getaffinity(0))[: given.cores]
    begun = time.perf_counter()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509 - no threads here
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        sys.exit(f"{row.name} failed: see {folder / 'log.txt'}")
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def measure(
    given: argparse.Namespace, task: str, row: Row, repeat: int, weights: Path | None
) -> dict[str, object]:
    name = "score" if task.startswith("score") else task
    data = given.output.resolve() / "data" / name
    folder = given.output.resolve() / "runs" / f"{task}_{TASKS[task].index(row)}_{repeat}"
    if task.startswith("predict"):
        more, verb = ["--weights", str(weights.resolve()), "--batch-size", "128"], "predict"
    else:
        more, verb = ["--table", str(data), "--seed", str(repeat)], "train"
        more += ["--minutes", str(given.minutes), "--score"] if name == "score" else []
        more += ["--epochs", str(given.epochs)] if name != "score" else []
    spent = call(given, row, verb, data, folder, *more)
    result = json.loads((folder / "result.json").read_text()) | spent
    result |= {"task": task, "row": row.name, "repeat": repeat, "cores": given.cores}
    result |= {"files": len(list((data / "images").iterdir())), "machine": machine()}
    if name == "score":
        result["rmse"] = score(data / "val.csv", folder / "predictions.csv")
    elif verb == "predict" and row.environment != "zoobot":  # which has a head of its own
        first = folder.with_name(f"{task}_0_{repeat}")
        result["difference"] = difference(first / "predictions.csv", folder / "predictions.csv")
    return result


def machine() -> str:
    """The processor's name, and what it has for bfloat16."""
    facts = Path("/proc/cpuinfo").read_text()
    name = next((x.split(":")[1] for x in facts.splitlines() if x.startswith("model name")), "?")
    extras = [flag for flag in ("amx_bf16", "avx512_bf16") if flag in facts]
    return f"{name.strip()} ({', '.join(extras) or 'no bfloat16'})"


if __name__ == "__main__":
    main()
