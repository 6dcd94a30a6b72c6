"""Starting a process of the package, with pipes for messages.

Messages are JSON objects, one a line. A process ends when its standard input ends. This also
happens when the parent process is killed, so that nothing is left running.
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
    "import_module(sys.argv[2]).main(); "
    "import_module('galaxyclass.workers.ending').end_process(0)"
)


def start_process(
    module: str, environment: Mapping[str, str], errors: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that runs the ``main`` of a module; `close_pipes` must be called in any case.

    Parameters
    ----------
    module : str
        Full name of a module of the package.
    environment : mapping
        Environment variables of the process besides those of this one.
    errors : file, optional
        Where its standard error goes; by default to this process's own.
    """
    package = str(Path(__file__).parents[2])
    # -P: a user's file that is named like a standard module must not be imported. A new session:
    # Ctrl-C reaches every process of a terminal's session, so it reaches this process alone, which
    # then ends those that it started.
    return subprocess.Popen(  # noqa: S603 - this Python, and a module of this package
        [sys.executable, "-P", "-c", WORKER_PROGRAM, package, module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def send(process: subprocess.Popen[bytes], message: Message) -> None:
    """Send a message to a process. If the process has died, its answer will be missing."""
    assert process.stdin is not None, "started with a pipe"
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes of a process that has ended."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None, "started with pipes"
        with suppress(BrokenPipeError):  # the process has ended: unsent messages are dropped
            pipe.close()


def only_answers() -> IO[str]:
    """The standard output of a worker process, reserved for answers.

    What libraries print from now on goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return answers
