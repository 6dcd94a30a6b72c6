"""The manifest of a bundle: all that prediction needs besides the weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from galaxyclass.errors import BundleError
from galaxyclass.io import run_folder
from galaxyclass.io.versioned import FileFormat
from galaxyclass.model.frames import Frame
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.kinds import task_from_json
from galaxyclass.tasks.task import Task

#: The name of its file in a bundle.
MANIFEST = run_folder.MODEL_MANIFEST

#: The layout of bundles that this version writes; it reads this one and those before it.
BUNDLE_FORMAT = 2

_FORMAT = FileFormat(
    "bundle", BUNDLE_FORMAT, BundleError, "train again, or export again, with this version"
)

#: The number format of a network's convolutions and matrix products: 32-bit floats or bfloat16.
Precision = Literal["fp32", "bf16"]

#: That in which a network predicts: 8-bit integers too, where it was exported in them.
ComputedPrecision = Literal["fp32", "bf16", "int8"]


@dataclass(frozen=True)
class Quantisation:
    """How an exported network was rounded to 8-bit integers, and what that changes.

    Attributes
    ----------
    images : int
        Images on which the ranges of the numbers between layers were measured.
    seed : int
        Of the draw of these images from all that were given.
    compared : int
        Other images, on which it was compared with the network in 32-bit floats.
    rms, largest : float
        Root mean square, and largest absolute value, of the differences of all fractions or
        probabilities.
    """

    images: int
    seed: int
    compared: int
    rms: float
    largest: float


@dataclass(frozen=True)
class NetworkOutputs:
    """What the network beneath a probe predicts.

    Attributes
    ----------
    task : Task
    auxiliary : tuple of Task
        As in `Manifest`.
    preprocessing : Preprocessing or None
        The cutout that the network takes; None: the model's own.
    """

    task: Task
    auxiliary: tuple[Task, ...] = ()
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True)
class Manifest:
    """What a model is, apart from its weights.

    Attributes
    ----------
    recipe : str
        Name of the recipe that it was trained with.
    preprocessing : Preprocessing
        From an image to the cutout that the network takes.
    model : NetworkSettings
        The network, with its head resolved (never ``auto``).
    task : Task
    id_column : str
        The id column of the training table, ``GalaxyID`` if there was none.
    id_integer : bool
        Whether the ids there were exact integers.
    weights_digest : str
        SHA-256 of the weights file (safetensors), in hex; empty if there is none.
    version : str
        Version of galaxyclass that wrote it.
    name_parts : int
        How the training table names images: by so many of the last parts of their paths (2:
        ``train/1.png``, 1: ``1.png``); 0: by their stems.
    precision : {"fp32", "bf16"}
        The precision of the training.
    auxiliary : tuple of Task
        Auxiliary tasks, each with a last layer of its own on the same encoder: tables of classes,
        and other labellings of the task.
    network_digest : str
        SHA-256 of the network as ONNX, in hex; empty if there is none.
    calibration_digest : str
        SHA-256 of the calibration, in hex; empty if there is none.
    mirrors : bool
        Whether the model may see mirror images: not if a mirror turns classes into each other, or
        if it was trained on classes without mirrors.
    views : int
        Test-time views of a galaxy that predictions are averaged over by default.
    members : int
        Networks of the ensemble, which differ only in their weights: it predicts their mean.
    quantisation : Quantisation or None
        Of a network in 8-bit integers; None of all others.
    network_outputs : NetworkOutputs or None
        Of a finetuned model, whose task is predicted by a probe (`galaxyclass.model.probe`): what
        the network beneath the probe predicts. None of a network alone.
    frames : tuple of Frame
        Of a finetuned model that looks at each galaxy in several parts of its cutout
        (`galaxyclass.model.frames`): the probe takes the mean of what the network says of each.
        Otherwise none: the network takes the cutout.
    probe_digest : str
        SHA-256 of the probe's file, in hex; empty if there is none: of a network alone, and of an
        exported network, whose graph has the probe.
    """

    recipe: str
    preprocessing: Preprocessing
    model: NetworkSettings
    task: Task
    id_column: str
    id_integer: bool
    weights_digest: str
    version: str
    name_parts: int = 0
    precision: Precision = "fp32"
    auxiliary: tuple[Task, ...] = ()
    network_digest: str = ""
    calibration_digest: str = ""
    mirrors: bool = True
    views: int = 1
    members: int = 1
    quantisation: Quantisation | None = None
    network_outputs: NetworkOutputs | None = None
    frames: tuple[Frame, ...] = ()
    probe_digest: str = ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex of all that a prediction depends on: the model's identity."""
        return hashlib.sha256(manifest_json(self).encode()).hexdigest()

    @property
    def invariant(self) -> bool:
        """Whether the network predicts the same for mirrored galaxies and quarter turns."""
        return self.model.invariant(self.network.preprocessing.size)

    @property
    def network(self) -> Manifest:
        """The manifest of the network beneath the probe; the same where there is no probe."""
        if self.network_outputs is None:
            return self
        beneath = self.network_outputs
        return replace(
            self,
            preprocessing=beneath.preprocessing or self.preprocessing,
            task=beneath.task,
            auxiliary=beneath.auxiliary,
            frames=(),
            network_outputs=None,
            probe_digest="",
            calibration_digest="",
        )


class _NetworkOutputs(BaseModel):
    """The outputs of the network beneath a probe, as JSON has them."""

    model_config = ConfigDict(extra="forbid")
    outputs: dict[str, Any]
    auxiliary: list[dict[str, Any]] = []
    preprocessing: Preprocessing | None = None


class _File(BaseModel):
    """The manifest as JSON has it."""

    model_config = ConfigDict(extra="forbid")
    format: int
    version: str
    recipe: str
    preprocessing: Preprocessing
    model: NetworkSettings
    outputs: dict[str, Any]
    id_column: str
    id_integer: bool
    name_parts: int = Field(0, ge=0)
    precision: Precision = "fp32"
    auxiliary: list[dict[str, Any]] = []
    weights_digest: str = ""
    network_digest: str = ""
    calibration_digest: str = ""
    mirrors: bool = True
    views: int = Field(1, ge=1)
    members: int = Field(1, ge=1)
    quantisation: Quantisation | None = None
    network_outputs: _NetworkOutputs | None = None
    frames: tuple[Frame, ...] = ()
    probe_digest: str = ""

    @model_validator(mode="after")
    def _has_what_a_probe_takes(self) -> Self:
        beneath, frames = self.network_outputs, self.frames
        if self.probe_digest and beneath is None:
            raise ValueError("a probe without network_outputs, which it takes")
        if bool(frames) != (beneath is not None and beneath.preprocessing is not None):
            raise ValueError("frames go with the preprocessing of network_outputs")
        if frames and not (
            all(0 < frame.share <= 1 and frame.weight > 0 for frame in frames)
            and abs(sum(frame.weight for frame in frames) - 1) < 1e-6
        ):
            raise ValueError("frames: shares are above 0 and at most 1, weights sum to 1")
        return self


def manifest_json(manifest: Manifest) -> str:
    """The manifest as JSON text, keys in a fixed order."""
    data: dict[str, Any] = {
        "format": BUNDLE_FORMAT,
        "version": manifest.version,
        "recipe": manifest.recipe,
        "preprocessing": manifest.preprocessing.stated(),
        "model": manifest.model.model_dump(mode="json"),
        "outputs": manifest.task.to_json(),
        "id_column": manifest.id_column,
        "id_integer": manifest.id_integer,
        "name_parts": manifest.name_parts,
        "weights_digest": manifest.weights_digest,
    }
    # Defaults are left out, so that the identity of older bundles stays.
    if manifest.precision != "fp32":
        data["precision"] = manifest.precision
    if manifest.auxiliary:
        data["auxiliary"] = [task.to_json() for task in manifest.auxiliary]
    if (beneath := manifest.network_outputs) is not None:
        data["network_outputs"] = {
            "outputs": beneath.task.to_json(),
            "auxiliary": [task.to_json() for task in beneath.auxiliary],
        }
        if beneath.preprocessing is not None:
            data["network_outputs"]["preprocessing"] = beneath.preprocessing.stated()
    if manifest.frames:
        data["frames"] = [asdict(frame) for frame in manifest.frames]
    for name in ("network_digest", "calibration_digest", "probe_digest"):
        if digest := getattr(manifest, name):
            data[name] = digest
    if not manifest.mirrors:
        data["mirrors"] = False
    for name in ("views", "members"):
        if (count := getattr(manifest, name)) != 1:
            data[name] = count
    if manifest.quantisation is not None:
        data["quantisation"] = asdict(manifest.quantisation)
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse_manifest(text: str, source: str) -> Manifest:
    """Read a manifest from its JSON text.

    Raises
    ------
    BundleError
        Not JSON; of another format than this version reads; fields missing or wrong.
    """

    def read(data: dict[str, Any]) -> Manifest:
        file = _File.model_validate(data)

        def tasks(listed: list[dict[str, Any]]) -> tuple[Task, ...]:
            return tuple(task_from_json(task, source) for task in listed)

        values = {name: value for name, value in file if name not in ("format", "outputs")}
        values["task"] = task_from_json(file.outputs, source)
        values["auxiliary"] = tasks(file.auxiliary)
        if (beneath := file.network_outputs) is not None:
            values["network_outputs"] = NetworkOutputs(
                task_from_json(beneath.outputs, source),
                tasks(beneath.auxiliary),
                beneath.preprocessing,
            )
        return Manifest(**values)

    return _FORMAT.parse(text, source, read)
