"""Running an exported network with onnxruntime: no torch, and a start in a fraction of a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ChosenPrecision
from galaxyclass.errors import BundleError, DeviceError
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import ComputedPrecision
from galaxyclass.model.bundle.onnx_file import INPUT, open_session, output_names
from galaxyclass.model.output import ModelOutput


class OnnxBackend:
    """A bundle's network as ONNX, on the CPU.

    It computes a batch on each core (`ConcurrentBackend`): a call computes in the thread that makes
    it, and threads share one session.

    Parameters
    ----------
    bundle : Bundle
        One that has a network.
    device : {"auto", "cpu"}
    precision : {"auto", "fp32", "bf16"}
        It always computes in 32-bit floats, or in the 8-bit integers of the file; a note says so
        where something else was asked for.

    Attributes
    ----------
    concurrent, precision, note
        See `galaxyclass.model.backends.backend.ConcurrentBackend`.
    any_thread : bool
        See `galaxyclass.model.backends.backend.runs_in_any_thread`.

    Raises
    ------
    DeviceError
        Another device.
    BundleError
        The file is not a network that this package exported for this bundle.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        precision: ChosenPrecision = "auto",
    ) -> None:
        require_processor(device)
        self.concurrent = self.any_thread = True
        is_quantised = bundle.manifest.quantisation is not None
        self.precision: ComputedPrecision = "int8" if is_quantised else "fp32"
        self.note = ""
        if is_quantised and precision != "auto":
            self.note = (
                "Computed in 8-bit integers, in which this network was exported: export it again "
                "for another precision."
            )
        elif precision == "bf16":
            self.note = (
                'Computed in 32-bit floats: pip install "galaxyclass[openvino]" brings bfloat16.'
            )
        self._names = output_names(len(bundle.manifest.auxiliary))
        self._session = open_session(bundle.network)
        inputs = {port.name: list(map(str, port.shape[1:])) for port in self._session.get_inputs()}
        require_match(bundle, inputs, [port.name for port in self._session.get_outputs()])

    def begin_thread(self) -> None:
        """Do nothing: the session computes in the thread that calls it."""

    def __call__(self, cutouts: NDArray[np.uint8]) -> ModelOutput:
        values, *auxiliary, features = self._session.run(
            self._names, {INPUT: np.ascontiguousarray(cutouts)}
        )
        return ModelOutput(values, tuple(auxiliary), features)


def require_processor(device: str) -> None:
    """Refuse another device than the processor.

    Raises
    ------
    DeviceError
        Another device.
    """
    if device not in ("auto", "cpu"):
        raise DeviceError(
            f"device {device!r}: without torch, a network runs on the processor",
            wanted="one of auto, cpu",
            hint='pip install "galaxyclass[train]", or pass `device="auto"`',
        )


def require_match(
    bundle: Bundle, inputs: Mapping[str, Sequence[str]], outputs: Sequence[str]
) -> None:
    """Refuse a network that takes or gives something else than the bundle's manifest says.

    Parameters
    ----------
    bundle : Bundle
    inputs : mapping
        Name -> what the shape is after the first axis.
    outputs : sequence of str
        Their names.

    Raises
    ------
    BundleError
        They differ.
    """
    shape = [str(side) for side in bundle.manifest.preprocessing.shape]
    names = output_names(len(bundle.manifest.auxiliary))
    if inputs != {INPUT: shape} or set(outputs) != set(names):
        raise BundleError(
            f"{bundle.network}: not the network that the bundle's manifest describes",
            wanted=_describe({INPUT: shape}, names),
            got=_describe(inputs, outputs),
            hint="`galaxyclass.export` makes such a file of a run",
        )


def _describe(inputs: Mapping[str, Sequence[str]], outputs: Sequence[str]) -> str:
    accepted = ", ".join(f"{name} ({', '.join(shape)})" for name, shape in inputs.items())
    return f"from {accepted} to {', '.join(outputs)}"
