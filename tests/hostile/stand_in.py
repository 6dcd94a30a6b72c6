"""A worker for the tests of `forked`: writes the file that it is told, and greets."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Answer one task."""
    Path(sys.stdin.readline().strip()).write_text("")
    print(os.environ["GREETING"], flush=True)
