"""Finding, reading and checking a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from galaxyclass.arguments import public
from galaxyclass.errors import BundleError
from galaxyclass.io.reading import open_regular, read_description
from galaxyclass.model.bundle import onnx_file as exported
from galaxyclass.model.bundle.manifest import MANIFEST, Manifest, parse_manifest
from galaxyclass.model.pretrained import find_pretrained, is_pretrained
from galaxyclass.short import short_path, summary

#: What a bundle may hold besides its manifest: the weights for torch, the same network as ONNX, the
#: probe of a finetuned model, and the calibration. Each file is named after its digest.
Role = Literal["weights", "network", "probe", "calibration"]
SUFFIXES: dict[Role, str] = {
    "weights": ".safetensors",
    "network": exported.ENDING,
    "probe": ".json",
    "calibration": ".json",
}


@dataclass(frozen=True)
class Bundle:
    """A checked bundle: its manifest, and the folder that holds it."""

    manifest: Manifest
    folder: Path

    def __repr__(self) -> str:
        roles = [role for role in SUFFIXES if self.has(role)]
        return summary(f"{type(self).__name__} {short_path(self.folder)}: {', '.join(roles)}")

    @property
    def weights(self) -> Path:
        """The file of the weights (safetensors), if there is one."""
        return self.file("weights")

    @property
    def network(self) -> Path:
        """The file of the network as ONNX, if there is one."""
        return self.file("network")

    @property
    def probe(self) -> Path:
        """The file of the probe, if there is one."""
        return self.file("probe")

    @property
    def without_probe(self) -> Bundle:
        """The network beneath the probe; the bundle itself where it has no probe in a file."""
        if not self.has("probe"):
            return self
        return replace(self, manifest=self.manifest.network)

    @property
    def calibration(self) -> Path:
        """The file of the calibration, if there is one."""
        return self.file("calibration")

    def file(self, role: Role) -> Path:
        """The path of a file of the bundle; it need not exist."""
        return self.folder / file_name(role, digest_in(self.manifest, role))

    def has(self, role: Role) -> bool:
        """Whether the bundle holds such a file."""
        return bool(digest_in(self.manifest, role))

    @property
    def files(self) -> Iterator[Path]:
        """All files of the bundle but its manifest."""
        for role in SUFFIXES:
            if self.has(role):
                yield self.file(role)

    def read_calibration(self) -> str:
        """The text of the calibration, if there is one.

        Raises
        ------
        BundleError
            The file cannot be read.
        """
        try:
            return read_description(self.calibration)
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"{self.calibration}: cannot be read", got=str(error)) from error


@dataclass(frozen=True, repr=False)
class ExportedBundle(Bundle):
    """A bundle in one file: an exported network with its manifest and calibration.

    Its ``folder`` is that file, and so is every file of it.
    """

    calibration_text: str = ""

    def file(self, role: Role) -> Path:
        """The one file."""
        return self.folder

    @property
    def files(self) -> Iterator[Path]:
        """The one file."""
        yield self.folder

    def read_calibration(self) -> str:
        """The text of the calibration, if there is one."""
        return self.calibration_text


def file_name(role: Role, digest: str) -> str:
    """The name of a bundle's file with that SHA-256."""
    return f"{role}-{digest[:12]}{SUFFIXES[role]}"


def digest_in(manifest: Manifest, role: Role) -> str:
    """The SHA-256 that a manifest states for a file; empty if there is none."""
    digest: str = getattr(manifest, f"{role}_digest")
    return digest


def is_model(path: Path) -> bool:
    """Whether a path looks like a bundle, the folder of a run or an exported network."""
    return (exported.is_exported(path) and path.is_file()) or _folder_in(path) is not None


def _folder_in(path: Path) -> Path | None:
    folders = (path, path / "bundle")
    return next((folder for folder in folders if (folder / MANIFEST).is_file()), None)


def _bundle_folder(path: Path) -> Path:
    """The folder of the bundle at a path: the path itself, or the bundle of a run folder.

    Raises
    ------
    BundleError
        There is no bundle.
    """
    if (folder := _folder_in(path)) is not None:
        return folder
    if not path.exists():
        got, hint = "no such file or folder", "check the path"
    elif not path.is_dir():
        got, hint = "a file", "name the run's folder, or the `.onnx` file that it was exported to"
    elif (path / "recipe.toml").is_file():
        got = "a run whose training has not finished its first epoch"
        hint = f"finish it: `galaxyclass.resume({str(path)!r})`"
    else:
        entries = sorted(entry.name for entry in path.iterdir())
        got = f"a folder with {', '.join(entries[:5]) or 'nothing in it'}"
        hint = "name the `output` of a training"
    raise BundleError(
        f"{path}: not a run or a bundle",
        wanted=f"a folder with bundle/{MANIFEST} or {MANIFEST}, or an exported network "
        f"({exported.ENDING})",
        got=got,
        hint=hint,
    )


@public
def load_bundle(path: str | Path) -> Bundle:
    """Read and check a bundle.

    Parameters
    ----------
    path : str or Path
        A bundle, the folder of a run, an exported network (an `ExportedBundle`), or
        ``"pretrained"``: the pretrained model, which comes with the package.

    Raises
    ------
    BundleError
        Not a bundle; an ONNX file that this package did not export; of a newer version; the
        manifest is damaged; a file is missing or is not the one that the manifest was written for.
    """
    path = find_pretrained() if is_pretrained(path) else Path(path)
    if exported.is_exported(path) and path.is_file():
        return _load_exported(path)
    folder = _bundle_folder(path)
    file = folder / MANIFEST
    try:
        text = read_description(file)
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{file}: cannot be read", got=str(error)) from error
    bundle = Bundle(parse_manifest(text, str(file)), folder)
    if not (bundle.has("weights") or bundle.has("network")):
        raise BundleError(
            f"{file}: the manifest is damaged",
            wanted="weights_digest or network_digest",
            got="neither: a bundle without a network",
        )
    for role in SUFFIXES:
        if bundle.has(role):
            _check(bundle.file(role), role, digest_in(bundle.manifest, role))
    return bundle


def _load_exported(path: Path) -> ExportedBundle:
    """A bundle that is one file; the digests in its manifest are computed from the file."""
    properties = exported.read_properties(path)
    if exported.MANIFEST_PROPERTY not in properties:
        raise BundleError(
            f"{path}: not a network that galaxyclass exported",
            wanted=f"the property {exported.MANIFEST_PROPERTY!r}",
            got=f"the properties {', '.join(properties)}" if properties else "no properties",
        )
    calibration = properties.get(exported.CALIBRATION_PROPERTY, "")
    manifest = replace(
        parse_manifest(properties[exported.MANIFEST_PROPERTY], str(path)),
        weights_digest="",
        network_digest=file_digest(path),
        calibration_digest=hashlib.sha256(calibration.encode()).hexdigest() if calibration else "",
        probe_digest="",  # its graph has the probe
    )
    return ExportedBundle(manifest, path, calibration)


def _check(path: Path, role: Role, wanted: str) -> None:
    try:
        digest = file_digest(path)
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read", got=str(error), hint="copy the whole bundle folder"
        ) from error
    if digest != wanted:
        raise BundleError(
            f"{path}: not the {role} that this bundle was saved with",
            wanted=f"SHA-256 {wanted}",
            got=f"SHA-256 {digest}",
            hint="copy the whole bundle folder again",
        )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
