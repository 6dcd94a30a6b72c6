"""`NetworkProbe`: a layer on what a network says of a galaxy, in place of its last layer.

A finetuned model (`galaxyclass.finetune`) is a network and such a probe: both are data of one
bundle.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.errors import BundleError
from galaxyclass.io.packed_arrays import PackedArray, pack_array, unpack_array
from galaxyclass.io.reading import read_description
from galaxyclass.io.versioned import FileFormat
from galaxyclass.model.brightness_profile import profile_width
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.version import __version__

#: The layout that this version writes and reads.
PROBE_FORMAT = 3

_FORMAT = FileFormat("probe", PROBE_FORMAT, BundleError, "finetune again with this version")

#: Fractions are at least this, and at most 1 less it, before their logits are taken.
LEAST_FRACTION = 1e-3


@dataclass(frozen=True)
class GaussianBumps:
    """A sum of Gaussian functions, each around one of the galaxies with labels: a smooth function.

    Its inputs are all inputs of a probe, side by side.

    Attributes
    ----------
    mean, scales : (inputs,) float64
        An input is taken less its mean, times its scale.
    centres : (inputs, centres) float64
        Of the Gaussians, in that scale.
    heights : (centres, outputs) float64
    """

    mean: Doubles
    scales: Doubles
    centres: Doubles
    heights: Doubles

    def closeness(self, inputs: Doubles) -> Doubles:
        """(galaxies, centres) each Gaussian, 1 at its centre."""
        return gaussians((inputs - self.mean) * self.scales, self.centres)


def gaussians(scaled: Doubles, centres: Doubles) -> Doubles:
    """(galaxies, centres) Gaussians of galaxies (galaxies, inputs) around centres."""
    squares = (scaled**2).sum(axis=1)[:, None] + (centres**2).sum(axis=0)
    return np.asarray(np.exp(-np.maximum(squares - 2 * scaled @ centres, 0)))


@dataclass(frozen=True)
class NetworkProbe:
    """A layer on a network's features and answers, and on the brightness of the cutout.

    Attributes
    ----------
    features : (features, outputs) float64
        Weights of the embedding.
    answers : (2 × answers, outputs) float64
        Weights of the network's own predictions, as `galaxyclass.model.answer_shares`, and of
        their logits (`probe_columns`).
    profile : (profile, outputs) float64
        Weights of `galaxyclass.model.brightness_profile.brightness_profile`.
    bias : (outputs,) float64
    bumps : GaussianBumps or None
        What is added to the linear part.
    """

    features: Doubles
    answers: Doubles
    profile: Doubles
    bias: Doubles
    bumps: GaussianBumps | None = None

    def linear_outputs(self, features: Floats, answers: Floats, profile: Floats) -> Doubles:
        """(galaxies, outputs) the layer's outputs, which `Task.from_linear` takes.

        Parameters
        ----------
        features : (galaxies, features) float
        answers : (galaxies, answers) float
            The network's own predictions, as `galaxyclass.model.answer_shares`.
        profile : (galaxies, profile) float
        """
        return self.outputs_of_columns(features, probe_columns(answers), profile)

    def outputs_of_columns(self, features: Floats, columns: Floats, profile: Floats) -> Doubles:
        """As `linear_outputs`, of the `probe_columns` of the answers."""
        inputs = np.hstack([features, columns, profile]).astype(np.float64)
        raw = inputs @ np.concatenate([self.features, self.answers, self.profile]) + self.bias
        if self.bumps is not None:
            raw += self.bumps.closeness(inputs) @ self.bumps.heights
        return np.asarray(raw)

    def linked(self, scale: float, offsets: Doubles) -> NetworkProbe:
        """The probe whose outputs are these, times a scale, plus offsets (`Task.fit_link`)."""
        bumps = self.bumps and replace(self.bumps, heights=scale * self.bumps.heights)
        return NetworkProbe(
            scale * self.features,
            scale * self.answers,
            scale * self.profile,
            scale * self.bias + offsets,
            bumps,
        )

    def with_answers(self, count: int) -> NetworkProbe:
        """The probe for a network of so many answers, if it was fitted without any."""
        if len(self.answers):
            return self
        bumps, before = self.bumps, len(self.features)
        if bumps is not None:
            none = np.zeros(2 * count)
            bumps = replace(
                bumps,
                mean=np.insert(bumps.mean, before, none),
                scales=np.insert(bumps.scales, before, none),
                centres=np.insert(bumps.centres, [before] * (2 * count), 0.0, axis=0),
            )
        return replace(self, answers=np.zeros((2 * count, len(self.bias))), bumps=bumps)

    def to_json(self) -> str:
        """As JSON text, keys in a fixed order."""
        arrays = {name: getattr(self, name) for name in _LINEAR}
        if self.bumps is not None:
            arrays |= {name: getattr(self.bumps, name) for name in _BUMPS}
        packed = {name: pack_array(array.astype(np.float32)) for name, array in arrays.items()}
        data = {"format": PROBE_FORMAT, "version": __version__, **packed}
        return json.dumps(data, indent=1) + "\n"


_LINEAR = ("features", "answers", "profile", "bias")
_BUMPS = ("mean", "scales", "centres", "heights")


class _File(BaseModel):
    """The probe as JSON has it."""

    model_config = ConfigDict(extra="forbid")
    format: int
    version: str
    features: PackedArray
    answers: PackedArray
    profile: PackedArray
    bias: PackedArray
    mean: PackedArray | None = None
    scales: PackedArray | None = None
    centres: PackedArray | None = None
    heights: PackedArray | None = None


def probe_columns(answers: Floats) -> Doubles:
    """(galaxies, 2 × answers) shares of 0..1, and their logits, as a probe takes them.

    Examples
    --------
    >>> probe_columns(np.array([[0.5, 1.0]])).round(2).tolist()
    [[0.5, 1.0, 0.0, 6.91]]
    """
    fractions = np.asarray(answers, dtype=np.float64)
    inner = np.clip(fractions, LEAST_FRACTION, 1 - LEAST_FRACTION)
    return np.hstack([fractions, np.log(inner / (1 - inner))])


def parse_probe(text: str, source: str) -> NetworkProbe:
    """Read a probe from its JSON text.

    Raises
    ------
    BundleError
        Not a probe; of a newer version; damaged.
    """

    def read(data: dict[str, object]) -> NetworkProbe:
        file = _File.model_validate(data)
        packed = {name: getattr(file, name) for name in (*_LINEAR, *_BUMPS)}
        arrays = {
            name: unpack_array(array, name).astype(np.float64)
            for name, array in packed.items()
            if array is not None
        }
        bumps = None
        if any(name in arrays for name in _BUMPS):
            bumps = GaussianBumps(*(arrays[name] for name in _BUMPS))
        features, answers, of_profile, bias = (arrays[name] for name in _LINEAR)
        probe = NetworkProbe(features, answers, of_profile, bias, bumps)
        _require_shapes(arrays)
        return probe

    return _FORMAT.parse(text, source, read)


def _require_shapes(arrays: dict[str, Doubles]) -> None:
    """Refuse arrays whose shapes do not fit each other, by a ValueError."""
    outputs = arrays["bias"].shape
    inputs = sum(len(arrays[name]) for name in ("features", "answers", "profile"))
    wanted = {name: (len(arrays[name]), *outputs) for name in ("features", "answers", "profile")}
    if "centres" in arrays:
        centres = arrays["centres"].shape[-1]
        wanted |= {"mean": (inputs,), "scales": (inputs,), "centres": (inputs, centres)}
        wanted |= {"heights": (centres, *outputs)}
    shapes = {name: arrays[name].shape for name in wanted}
    if len(outputs) != 1 or shapes != wanted:
        raise ValueError(f"arrays of shapes {shapes}, wanted {wanted}")


def read_probe(bundle: Bundle) -> NetworkProbe:
    """The probe of a bundle that has one.

    Raises
    ------
    BundleError
        It cannot be read, is damaged, or has not the outputs of the bundle's task.
    """
    try:
        text = read_description(bundle.probe)
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{bundle.probe}: cannot be read", got=str(error)) from error
    probe, manifest = parse_probe(text, str(bundle.probe)), bundle.manifest
    channels = manifest.preprocessing.shape[2]
    shapes = len(probe.answers), len(probe.profile), len(probe.bias)
    wanted = 2 * manifest.network.task.count, profile_width(channels), manifest.task.count
    if shapes != wanted:
        raise BundleError(
            f"{bundle.probe}: does not fit the bundle's manifest",
            wanted="{} columns of answers, {} of brightness, and {} outputs".format(*wanted),
            got="{}, {} and {}".format(*shapes),
            hint="copy the whole bundle folder again",
        )
    return probe
