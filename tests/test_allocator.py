"""Memory that is freed stays with the process while a network runs, and no longer."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from galaxyclass.allocator import memory_kept

glibc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")

#: Above the size from which glibc maps a block by itself, whatever it has met before.
BYTES = 40 << 20


def faults_of(repeats: int) -> int:
    """Page faults of taking, filling and freeing a large block again and again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(repeats):
        np.zeros(BYTES, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@glibc
def test_pages_are_used_again_inside_and_given_back_after() -> None:
    usual = faults_of(20)
    with memory_kept():
        with memory_kept():
            faults_of(1)
        kept = faults_of(20)
        inside = resident()
    assert kept < usual / 5
    assert inside - resident() > BYTES / 2
    assert faults_of(20) > 5 * kept
