"""What docs/python.md tells people to type runs, one block after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: What is made smaller so that a test may wait for it.
SMALLER = {
    "simulate(500,": "simulate(60, size=96,",
    '"training.epochs": 20,': '"training.epochs": 1, "images.size": 16, '
    '"model.encoder": "two_layer_cnn", "training.progressive_resizing": [],',
}


def page_blocks() -> str:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"<!-- tested -->\n```python\n(.*?)```", text, re.S))


@pytest.mark.slow
def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    text = page_blocks()
    for large, small in SMALLER.items():
        assert large in text
        text = text.replace(large, small)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=tmp_path,
        env={**os.environ, "GALAXYCLASS_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # the library prints nothing, a training among it
    written = {path.name for path in tmp_path.iterdir()}
    assert {"galaxy.png", "predictions.parquet", "streamed.parquet", "first.onnx"} <= written
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.S)
    assert shown in done.stdout
