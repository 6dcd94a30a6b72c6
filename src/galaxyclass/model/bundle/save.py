"""Writing a bundle so that a reader never sees half of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from galaxyclass.io.atomic import sync, sync_folder, translated, write_text
from galaxyclass.model.bundle.load import MANIFEST, SUFFIXES, Bundle, Role, file_digest, file_name
from galaxyclass.model.bundle.manifest import Manifest, manifest_json

#: Writes a file of a bundle to the path that it is given.
Writer = Callable[[Path], object]


def save_bundle(folder: Path, manifest: Manifest, writers: Mapping[Role, Writer]) -> Bundle:
    """Write a bundle in place of the one that may stand there.

    Each file gets a name of its own first; then the manifest that names them replaces the old one
    in a single rename, so that whatever happens one whole bundle stands there.

    Parameters
    ----------
    folder : Path
        The bundle's folder.
    manifest : Manifest
        Its digests of the files that are written are filled in here; those of other files that
        stand in the folder already are kept.
    writers : mapping
        ``weights`` (safetensors), ``network`` (ONNX), ``calibration`` (JSON): writes that file to
        the path that it is given.

    Raises
    ------
    OutputError
        No room on the disk, or no permission; the earlier bundle stays.
    """
    fresh: dict[Role, Path] = {role: folder / f".{role}.tmp" for role in writers}
    try:
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for role, path in fresh.items():
                writers[role](path)
                sync(path)
                digest = file_digest(path)
                changes: dict[str, Any] = {f"{role}_digest": digest}
                manifest = replace(manifest, **changes)
                path.replace(folder / file_name(role, digest))
            bundle = Bundle(manifest, folder)
            sync_folder(folder)
            write_text(folder / MANIFEST, manifest_json(manifest))
    finally:
        for path in fresh.values():
            path.unlink(missing_ok=True)
    mine = set(bundle.files)
    for role in SUFFIXES:
        for other in folder.glob(file_name(role, "*")):
            if other not in mine:
                other.unlink()
    return bundle
