"""Writing a bundle so that a reader never sees half of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from galaxyclass.atomic import sync, sync_folder, translated, write_text
from galaxyclass.bundles.load import MANIFEST, Bundle, digest_of, weights_name
from galaxyclass.bundles.manifest import Manifest, manifest_json


def save_bundle(folder: Path, manifest: Manifest, write_weights: Callable[[Path], None]) -> Bundle:
    """Write a bundle in place of the one that may stand there.

    The weights get a name of their own first; then the manifest that names them replaces the old
    one in a single rename, so that whatever happens one whole bundle stands there.

    Parameters
    ----------
    folder : Path
        The bundle's folder.
    manifest : Manifest
        Its `weights_digest` is filled in here.
    write_weights : callable
        Writes the weights as safetensors to the path that it is given.

    Raises
    ------
    OutputError
        No room on the disk, or no permission; the earlier bundle stays.
    """
    fresh = folder / ".weights.tmp"
    try:
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_weights(fresh)
            sync(fresh)
            manifest = replace(manifest, weights_digest=digest_of(fresh))
            bundle = Bundle(manifest, folder)
            fresh.replace(bundle.weights)
            sync_folder(folder)
            write_text(folder / MANIFEST, manifest_json(manifest))
    finally:
        fresh.unlink(missing_ok=True)
    for other in folder.glob(weights_name("*")):
        if other != bundle.weights:
            other.unlink()
    return bundle
