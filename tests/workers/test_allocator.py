"""Memory that is freed stays with the process while a network runs, and no longer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: In a process of its own, whose allocator nobody has told anything before. Blocks are larger than
#: what glibc maps by itself whatever it has met.
PROGRAM = """
import json, resource
from pathlib import Path
import numpy as np
from galaxyclass.workers.allocator import memory_kept

BYTES = 40 << 20

def faults_of(repeats):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(repeats):
        np.zeros(BYTES, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

found = {"usual": faults_of(20)}
with memory_kept():
    with memory_kept():
        faults_of(1)
    found["kept"] = faults_of(20)
    inside = resident()
found["given_back"] = inside - resident()
found["after"] = faults_of(20)
print(json.dumps(found))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_pages_are_used_again_inside_and_given_back_after() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True).stdout
    found = json.loads(told)
    assert found["kept"] < found["usual"] / 5
    assert found["given_back"] > 20 << 20
    assert found["after"] > 5 * found["kept"]
