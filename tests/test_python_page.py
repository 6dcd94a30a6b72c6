"""What docs/python.md tells people to type runs, one block after the other."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from tests.support.threads import one_thread  # noqa: F401

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
def test_the_examples_of_the_page_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = page_blocks()
    for large, small in SMALLER.items():
        assert large in text
        text = text.replace(large, small)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALAXYCLASS_CACHE", str(tmp_path / "cache"))
    # The command, which an earlier test may have called in this process, prints the log.
    logger = logging.getLogger("galaxyclass")
    listening = [each for each in logger.handlers if isinstance(each, logging.NullHandler)]
    monkeypatch.setattr(logger, "handlers", listening)
    # In this process, which has read torch and its exporter already; what a module has, too.
    exec(compile(text, "docs/python.md", "exec"), {"__name__": "__main__"})
    out, errors = capfd.readouterr()
    assert errors == ""  # the library prints nothing, a training among it
    # Python prints the warnings of a log to which nobody listens; to ours, this one does.
    assert listening
    warned = {each.name for each in caplog.records if each.levelno >= logging.WARNING}
    assert {name.partition(".")[0] for name in warned} <= {"galaxyclass"}
    written = {path.name for path in tmp_path.iterdir()}
    assert {"galaxy.png", "predictions.parquet", "streamed.parquet", "first.onnx"} <= written
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.S)
    assert shown in out
