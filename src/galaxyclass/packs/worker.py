"""A packing process: reads tasks on standard input, one JSON object a line, and answers each.

The process ends when its input does, which is also what happens when the process that started
it is killed: nothing is left running.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from io import FileIO

import cv2

from galaxyclass.packs.shards import make_shard


def main() -> None:
    """Answer tasks until the input ends.

    The first line has ``settings`` and the ``images`` file; each further one is a task with
    ``paths`` and ``offset``. An answer has ``looks``, or ``errno`` and ``text`` of what went wrong
    in writing.
    """
    # Ctrl-C reaches every process of a terminal; the one that started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    # What a decoder writes to standard output must not land among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.buffer.readline())
    images = FileIO(job["images"], "r+")
    for line in sys.stdin.buffer:
        task = json.loads(line)
        answer: dict[str, object]
        try:
            looks = make_shard(task["paths"], job["settings"], images, task["offset"])
            answer = {"looks": looks}
        except OSError as error:
            answer = {"errno": error.errno, "text": error.strerror}
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody is left to hear it


if __name__ == "__main__":
    main()
