"""Finding a bundle and checking it before anything is made of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from galaxyclass.bundles.manifest import Manifest, parse_manifest
from galaxyclass.errors import BundleError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """A checked bundle: its manifest, and the folder that holds it."""

    manifest: Manifest
    folder: Path

    @property
    def weights(self) -> Path:
        """The file of the weights (safetensors), named after their digest."""
        return self.folder / weights_name(self.manifest.weights_digest)


def weights_name(digest: str) -> str:
    """The file name of weights with that SHA-256."""
    return f"weights-{digest[:12]}.safetensors"


def bundle_folder(path: Path) -> Path:
    """The bundle that a path means: the bundle itself, or that of a run folder.

    Raises
    ------
    BundleError
        There is none.
    """
    for folder in (path, path / "bundle"):
        if (folder / MANIFEST).is_file():
            return folder
    if not path.exists():
        got, todo = "no such folder", "check the path"
    elif not path.is_dir():
        got, todo = "a file", "name the run's folder"
    elif (path / "recipe.toml").is_file():
        got = "a run whose training has not finished its first epoch"
        todo = f"galaxyclass train --resume {path}"
    else:
        entries = sorted(entry.name for entry in path.iterdir())
        got = f"a folder with {', '.join(entries[:5]) or 'nothing in it'}"
        todo = "name the --output folder of a `galaxyclass train`"
    raise BundleError(
        f"{path}: not a run or a bundle",
        wanted=f"a folder with bundle/{MANIFEST}, or with {MANIFEST}",
        got=got,
        todo=todo,
    )


def load_bundle(path: str | Path) -> Bundle:
    """Read and check a bundle.

    Parameters
    ----------
    path : str or Path
        A bundle, or the folder of a run.

    Raises
    ------
    BundleError
        Not a bundle; of a newer version; the manifest is damaged; the weights are missing or are
        not those that the manifest was written for.
    """
    folder = bundle_folder(Path(path))
    file = folder / MANIFEST
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{file}: cannot be read", got=str(error)) from error
    bundle = Bundle(parse_manifest(text, str(file)), folder)
    try:
        found = digest_of(bundle.weights)
    except OSError as error:
        raise BundleError(
            f"{bundle.weights}: cannot be read",
            got=str(error),
            todo="copy the whole bundle folder",
        ) from error
    if found != bundle.manifest.weights_digest:
        raise BundleError(
            f"{bundle.weights}: not the weights that this bundle was saved with",
            wanted=f"SHA-256 {bundle.manifest.weights_digest}",
            got=f"SHA-256 {found}",
            todo="copy the whole bundle folder again",
        )
    return bundle


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
