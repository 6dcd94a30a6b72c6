"""SIGTERM ends a command as Ctrl-C does, and says so by its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from galaxyclass.workers.signals import terminated_as_interrupted, was_terminated

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals")


def _terminate() -> None:
    with terminated_as_interrupted():
        assert not was_terminated()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)


@POSIX
def test_a_termination_is_an_interruption() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        _terminate()
    assert was_terminated()
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.slow
@POSIX
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes in /proc")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "ctrl-c"]
)
def test_simulate_is_stopped_while_its_processes_start(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """As a terminal does it: every process of the group has the signal."""
    arguments = ["simulate", "--count", "5000", "--workers", "2", "--output", tmp_path / "sky"]
    process = subprocess.Popen(
        # SIGINT is ignored where the tests run in the background.
        [sys.executable, "-c", _UNHEEDED, *map(str, arguments)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text().split():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    os.killpg(process.pid, number)
    _, text = process.communicate(timeout=60)
    assert process.returncode == status
    assert b"Traceback" not in text
    assert list(tmp_path.iterdir()) == []


_UNHEEDED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from galaxyclass.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
