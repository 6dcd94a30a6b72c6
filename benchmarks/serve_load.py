"""Many clients ask the API of `galaxyclass serve` at once: what is lost, mixed up, slow, or kept.

    python benchmarks/serve_load.py --images DIR --clients 32 --seconds 300

Starts a server of the pretrained model. Each client sends one picture after the other, drawn at
random, and compares every number of the answer with `galaxyclass predict`. A request is lost where
no answer comes; refused where the answer is 503; mixed up where a number is another galaxy's.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from galaxyclass import load_model

#: Pictures that are sent.
PICTURES = 200
#: A difference of fractions that no other galaxy has in all answers.
ROUNDING = 1e-5


def ask(connection: http.client.HTTPConnection, name: str, data: bytes) -> tuple[int, Any]:
    """Send a picture; the status and what came back."""
    head = f'--q\r\nContent-Disposition: form-data; name="pictures"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + b"\r\n--q--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=q"}
    connection.request("POST", "/predict", body, kind)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def client(
    address: str, pictures: dict[str, bytes], truth: dict[str, Any], end: float, seed: int
) -> tuple[Counter[str], list[float]]:
    """One client's requests until the time is over."""
    draw, counts, seconds = random.Random(seed), Counter[str](), []
    connection = http.client.HTTPConnection(address, timeout=90)
    names = sorted(pictures)
    while time.monotonic() < end:
        name = draw.choice(names)
        begun = time.monotonic()
        try:
            status, answer = ask(connection, name, pictures[name])
        except (OSError, http.client.HTTPException, ValueError):
            counts["lost"] += 1
            connection.close()
            continue
        seconds.append(time.monotonic() - begun)
        if status == 503:
            counts["refused"] += 1
        elif status != 200:
            counts["lost"] += 1
        else:
            row = answer["galaxies"][0]
            apart = max(abs(row[column] - value) for column, value in truth[name].items())
            is_own = row["file"] == name and apart < ROUNDING
            counts["answered" if is_own else "mixed up"] += 1
            counts["not the same to the last bit"] += is_own and apart > 0
    connection.close()
    return counts, seconds


def memory_and_cpu(process: int) -> tuple[float, float]:
    """Resident memory in MB, and seconds of CPU so far."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, ticks / os.sysconf("SC_CLK_TCK")


def expected(paths: list[Path]) -> dict[str, dict[str, float]]:
    """What `predict` gives for each picture: its answers, by column."""
    model = load_model()
    table = model.predict(list(map(str, paths))).table
    names = model.task.columns(table.column_names[0])[0]
    rows = table.select(list(names)).to_pylist()
    return {path.name: row for path, row in zip(paths, rows, strict=True)}


def main() -> None:
    """Ask, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=300)
    given = parser.parse_args()
    paths = sorted(given.images.glob("*.jp*g"))[:PICTURES]
    truth, pictures = expected(paths), {path.name: path.read_bytes() for path in paths}
    command = [sys.executable, "-m", "galaxyclass", "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        address = urlsplit(re.findall(r"http://\S+", line)[0]).netloc
        warm = http.client.HTTPConnection(address, timeout=90)
        for name in sorted(pictures)[:20]:
            ask(warm, name, pictures[name])
        warm.close()
        time.sleep(1)
        results: list[tuple[Counter[str], list[float]]] = []
        end = time.monotonic() + given.seconds
        threads = [
            threading.Thread(
                target=lambda seed: results.append(client(address, pictures, truth, end, seed)),
                args=(seed,),
            )
            for seed in range(given.clients)
        ]
        before = memory_and_cpu(server.pid)
        marks = []
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            time.sleep(min(given.seconds / 6, max(0.0, end - time.monotonic())))
            marks.append(memory_and_cpu(server.pid)[0])
        for thread in threads:
            thread.join()
        after = memory_and_cpu(server.pid)
    finally:
        server.terminate()
        server.wait()
    counts = sum((each for each, _ in results), Counter[str]())
    seconds = np.concatenate([each for _, each in results])
    print(f"{given.clients} clients, {given.seconds:g} s, load {os.getloadavg()[0]:.1f}")
    print(f"answered {counts['answered']:,}, refused {counts['refused']:,}, "
          f"lost {counts['lost']:,}, mixed up {counts['mixed up']:,}, "
          f"not the same to the last bit {counts['not the same to the last bit']:,}")  # fmt: skip
    shown = ", ".join(f"{q} % {np.percentile(seconds, q):.2f}" for q in (50, 90, 95, 99, 100))
    print(f"seconds: {shown}")
    print(f"CPU of the server: {1000 * (after[1] - before[1]) / len(seconds):.1f} ms a request")
    print("memory of the server, MB: "
          + ", ".join(f"{mark:.0f}" for mark in (before[0], *marks)))  # fmt: skip


if __name__ == "__main__":
    main()
