"""`LinearProbe`: a linear layer on what a network says of a galaxy, in place of its last layer.

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
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.version import __version__

#: The layout that this version writes and reads.
PROBE_FORMAT = 1

_FORMAT = FileFormat("probe", PROBE_FORMAT, BundleError, "finetune again with this version")

#: Fractions are at least this, and at most 1 less it, before their logits are taken.
LEAST_FRACTION = 1e-3


@dataclass(frozen=True)
class LinearProbe:
    """A linear layer on a network's features and answers.

    Attributes
    ----------
    features : (features, outputs) float64
        Weights of the embedding.
    answers : (2 × answers, outputs) float64
        Weights of the network's own predictions and of their logits (`probe_columns`).
    bias : (outputs,) float64
    """

    features: Doubles
    answers: Doubles
    bias: Doubles

    def linear_outputs(self, features: Floats, answers: Floats) -> Doubles:
        """(galaxies, outputs) the linear layer's outputs, which `Task.from_linear` takes.

        Parameters
        ----------
        features : (galaxies, features) float
        answers : (galaxies, answers) float
            The network's own predictions, 0..1.
        """
        raw = features.astype(np.float64) @ self.features
        raw += probe_columns(answers) @ self.answers
        return np.asarray(raw + self.bias)

    def with_answers(self, count: int) -> LinearProbe:
        """The probe for a network of so many answers, if it was fitted without any."""
        if len(self.answers):
            return self
        return replace(self, answers=np.zeros((2 * count, len(self.bias))))

    def to_json(self) -> str:
        """As JSON text, keys in a fixed order."""
        data = {
            "format": PROBE_FORMAT,
            "version": __version__,
            "features": pack_array(self.features),
            "answers": pack_array(self.answers),
            "bias": pack_array(self.bias),
        }
        return json.dumps(data, indent=1) + "\n"


class _File(BaseModel):
    """The probe as JSON has it."""

    model_config = ConfigDict(extra="forbid")
    format: int
    version: str
    features: PackedArray
    answers: PackedArray
    bias: PackedArray


def probe_columns(answers: Floats) -> Doubles:
    """(galaxies, 2 × answers) predictions of 0..1, and their logits, as a probe takes them.

    Examples
    --------
    >>> probe_columns(np.array([[0.5, 1.0]])).round(2).tolist()
    [[0.5, 1.0, 0.0, 6.91]]
    """
    fractions = np.asarray(answers, dtype=np.float64)
    inner = np.clip(fractions, LEAST_FRACTION, 1 - LEAST_FRACTION)
    return np.hstack([fractions, np.log(inner / (1 - inner))])


def parse_probe(text: str, source: str) -> LinearProbe:
    """Read a probe from its JSON text.

    Raises
    ------
    BundleError
        Not a probe; of a newer version; damaged.
    """

    def read(data: dict[str, object]) -> LinearProbe:
        file = _File.model_validate(data)
        probe = LinearProbe(
            unpack_array(file.features, "features"),
            unpack_array(file.answers, "answers"),
            unpack_array(file.bias, "bias"),
        )
        shapes = [probe.features.shape, probe.answers.shape, probe.bias.shape]
        if [len(shape) for shape in shapes] != [2, 2, 1] or len({s[-1] for s in shapes}) > 1:
            raise ValueError(f"arrays of shapes {shapes}, wanted as many outputs in all")
        return probe

    return _FORMAT.parse(text, source, read)


def read_probe(bundle: Bundle) -> LinearProbe:
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
    shapes = len(probe.answers), len(probe.bias)
    wanted = 2 * manifest.network.task.count, manifest.task.count
    if shapes != wanted:
        raise BundleError(
            f"{bundle.probe}: does not fit the bundle's manifest",
            wanted="{} columns of answers, and {} outputs".format(*wanted),
            got="{} and {}".format(*shapes),
            hint="copy the whole bundle folder again",
        )
    return probe
