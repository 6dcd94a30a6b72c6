"""A person at the page of `serve`: labels galaxies, finetunes, and stops the server.

Labels that were answered are noted outside the folder in which kills are tried. Whoever comes after
a kill finds each of them in the file of labels, labels the others, and goes on.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pyarrow.parquet as pq

#: Galaxies that are labelled, the first of the file, in turn as each class.
LABELS, CLASSES = 12, "odd,even"


def visit(address: str) -> None:
    """Visit the page in the background; stands for ``webbrowser.open``."""
    Thread(target=_stay, args=(address,), daemon=True).start()


def _stay(address: str) -> None:
    try:
        with suppress(OSError, HTTPException):  # the server was stopped meanwhile
            _label_and_finetune(address)
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def _label_and_finetune(address: str) -> None:
    noted = Path(tempfile.gettempdir(), "answered")
    ids = pq.read_table("known.parquet").column(0).to_pylist()[:LABELS]
    kept = _ask(f"{address}label/all_labels.csv").decode()
    answered = noted.read_text().splitlines() if noted.exists() else []
    if lost := [name for name in answered if f"{name}," not in kept]:
        Path("lost").write_text("\n".join(lost))
    with noted.open("a") as file:
        for row, name in enumerate(ids):
            answer = f"label:{CLASSES.split(',')[row % 2]}"
            form = {"person": "a", "row": row, "question": "class", "do": answer}
            _ask(f"{address}label", form)
            file.write(f"{name}\n")
            file.flush()
    place = f"{address}label/finetune"
    model = json.loads(_ask(place))["model"]
    if model is None or model["galaxies"] < LABELS:
        _ask(place, {"person": ""})
        while (state := json.loads(_ask(place)))["stage"]:
            time.sleep(0.02)
        if "error" in state:
            Path("failed").write_text(json.dumps(state["error"]))


def _ask(address: str, form: dict[str, object] | None = None) -> bytes:
    data = None if form is None else urlencode(form).encode()
    with urlopen(Request(address, data)) as answer:
        content: bytes = answer.read()
    return content
