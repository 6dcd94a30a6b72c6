"""Starting a process of the package, with pipes to talk to it.

Messages are JSON objects, one a line. A process ends when its standard input does, which is also
what happens when the process that started it is killed: nothing is left running.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

Message = Mapping[str, Any]

WORKER_PROGRAM = (
    "import sys; from importlib import import_module; sys.path.append(sys.argv[1]); "
    "import_module(sys.argv[2]).main()"
)


def start_process(
    module: str, environment: Mapping[str, str], errors: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that runs the ``main`` of a module; end it with `close_pipes` in any case.

    Parameters
    ----------
    module : str
        Full name of a module of the package.
    environment : mapping
        Variables that the process has besides ours.
    errors : file, optional
        Where its standard error goes; ours unless told otherwise.
    """
    package = str(Path(__file__).parents[2])
    # -P: a file of the user's named like a module of Python's must not be imported. A session of
    # its own: Ctrl-C, which reaches every process of a terminal, reaches us alone, from the very
    # start; whoever started a process ends it.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", WORKER_PROGRAM, package, module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def send(process: subprocess.Popen[bytes], message: Message) -> None:
    """Tell a process something; one that died is told nothing, and its answer will be missing."""
    assert process.stdin is not None, "started with a pipe"
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Let go of what a process took, once it has ended."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None, "started with pipes"
        with suppress(BrokenPipeError):  # what was still to be sent needs no reader
            pipe.close()


def only_answers() -> IO[str]:
    """In such a process: its standard output, which from now on no library can write to."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return answers
