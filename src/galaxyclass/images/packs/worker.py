"""The worker process of packing: a task is a shard, its answer the inspections of its images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2

from galaxyclass.images.packs.shards import PixelFile, make_shard
from galaxyclass.workers.processes import answer_tasks


def main() -> None:
    """Answer tasks until the input ends.

    The job has ``settings`` and the ``images`` file; a task ``paths`` and ``offset``; its answer
    the fields of `MadeShard`.
    """
    answer_tasks(_begin)


def _begin(job: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    cv2.setNumThreads(1)
    images = PixelFile(job["images"])

    def do(task: Mapping[str, Any]) -> Mapping[str, Any]:
        return make_shard(task["paths"], job["settings"], images, task["offset"])._asdict()

    return do
