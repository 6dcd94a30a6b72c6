"""Writing a bundle, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from galaxyclass.io.atomic import sync, sync_folder, temporary_file, writing
from galaxyclass.model.bundle.load import SUFFIXES, Bundle, Role, file_digest, file_name
from galaxyclass.model.bundle.manifest import MANIFEST, Manifest, manifest_json

#: Writes a file of a bundle to a path.
BundleFileWriter = Callable[[Path], object]


def save_bundle(
    folder: Path, manifest: Manifest, writers: Mapping[Role, BundleFileWriter]
) -> Bundle:
    """Write a bundle, replacing an earlier one.

    The files are written first, under new names. Then the manifest that names them replaces the old
    one in a single rename, so that there is a whole bundle at any time.

    Parameters
    ----------
    folder : Path
        The bundle's folder.
    manifest : Manifest
        Its digests of the files that are written are filled in here; those of other files that
        stand in the folder already are kept.
    writers : mapping
        ``weights`` (safetensors), ``network`` (ONNX), ``probe`` and ``calibration`` (JSON): writes
        that file to the path that it is given.

    Raises
    ------
    OutputError
        No room on the disk, or no permission; the earlier bundle stays.
    """
    # The manifest's own temporary file first: its lock is the bundle's.
    with writing(folder / MANIFEST) as new_manifest:
        for role, write in writers.items():
            with temporary_file(folder / role) as fresh:
                write(fresh)
                sync(fresh)
                digest = file_digest(fresh)
                changes: dict[str, Any] = {f"{role}_digest": digest}
                manifest = replace(manifest, **changes)
                fresh.replace(folder / file_name(role, digest))
        bundle = Bundle(manifest, folder)
        sync_folder(folder)
        new_manifest.write_text(manifest_json(manifest), encoding="utf-8")
    current = set(bundle.files)
    for role in SUFFIXES:
        for file in folder.glob(file_name(role, "*")):
            if file not in current:
                file.unlink()
    return bundle
