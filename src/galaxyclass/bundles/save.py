"""Writing a bundle so that a reader never sees half of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from galaxyclass.atomic import sync, sync_folder, translated
from galaxyclass.bundles.load import MANIFEST, WEIGHTS, Bundle, digest_of
from galaxyclass.bundles.manifest import Manifest, manifest_json


def save_bundle(folder: Path, manifest: Manifest, write_weights: Callable[[Path], None]) -> Bundle:
    """Write a bundle in place of the one that may stand there.

    Parameters
    ----------
    folder : Path
        The bundle's folder; an earlier bundle is replaced when the new one is whole.
    manifest : Manifest
        Its `weights_digest` is filled in here.
    write_weights : callable
        Writes the weights as safetensors to the path that it is given.

    Raises
    ------
    OutputError
        No room on the disk, or no permission; the earlier bundle stays.
    """
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        with translated(folder):
            fresh.mkdir(parents=True)
            write_weights(fresh / WEIGHTS)
            sync(fresh / WEIGHTS)
            manifest = replace(manifest, weights_digest=digest_of(fresh / WEIGHTS))
            (fresh / MANIFEST).write_text(manifest_json(manifest), encoding="utf-8")
            sync(fresh / MANIFEST)
            sync_folder(fresh)
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
            sync_folder(folder.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return Bundle(manifest, folder)
