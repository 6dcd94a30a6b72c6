"""Ending a process whose libraries may still have threads at work.

Arrow, onnxruntime and others compute in threads of their own. A thread that gives back memory of
Python (the content of a file that Python read) needs Python's lock for it. While the interpreter is
being torn down, Python before 3.14 ends such a thread, which C++ answers with ``terminate called
without an active exception`` and SIGABRT: a command that did all its work, and said so, then seems
to have failed. A daemon thread that waits for standard input has much the same effect. So nothing
is torn down here: what ends in good order by itself does, and then the process is over.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NoReturn


def end_process(status: int) -> NoReturn:
    """End this process as `sys.exit` does, but for the tearing down of the interpreter.

    Threads that are no daemons end first, then what is registered with `atexit` is called, and the
    standard streams are flushed.

    Parameters
    ----------
    status : int
    """
    # As the interpreter does before it is torn down; pools of threads end only by the first.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except OSError:  # a full disk, or nobody who reads: said as Python says it
        sys.exit(status)
    os._exit(status)
