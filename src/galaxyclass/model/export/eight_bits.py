"""A network in 8-bit integers: weights, activations and their products.

Numbers between layers are rounded to 256 steps of the range that they have on calibration images,
weights to 256 steps of the range of each output channel (Jacob et al. 2018, *Quantization and
training of neural networks for efficient integer-arithmetic-only inference*). The graph says so by
pairs of QuantizeLinear and DequantizeLinear, which onnxruntime and OpenVINO turn into products of
integers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.extras import require
from galaxyclass.io.temporary import TemporaryFolder
from galaxyclass.model.bundle.onnx_file import INPUT
from galaxyclass.model.export.folded import MASK, float_layers, folded, input_values
from galaxyclass.progress import Progress

if TYPE_CHECKING:
    import onnx

#: Operators that compute with 8 bits. `AveragePool` is a convolution by then (`folded`): that of
#: onnxruntime for integers takes as long as all convolutions together.
_OPERATORS = ("Conv", "Gemm", "MatMul", "Add", "Relu", "Clip", "MaxPool", "Mul")

#: Images that the calibration looks at together.
_BATCH = 32

#: Says in a graph that it was prepared: the quantiser otherwise logs advice.
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")


def quantise(
    model: onnx.ModelProto, cutouts: NDArray[np.uint8], progress: Progress
) -> onnx.ModelProto:
    """The network in 8-bit integers.

    The scaling of the pixels, the last layer, the layer before it where that is a matrix product
    too, the auxiliary tasks' layers and the head stay in 32-bit floats: they take next to no time.

    Parameters
    ----------
    model : onnx.ModelProto
        The network in 32-bit floats (`galaxyclass.model.export.graph.trace`).
    cutouts : (images, height, width, channels) uint8
        Calibration images, as the network gets them.
    progress : Progress

    Returns
    -------
    onnx.ModelProto
        A new graph with the same input and outputs. Batch normalisation is part of the
        convolutions' weights.
    """
    quantization = require("onnxruntime.quantization")
    with TemporaryFolder() as folder, _silent():
        plain = folded(model, folder / "folded.onnx")
        plain.metadata_props.add(key=_PREPARED[0], value=_PREPARED[1])
        kept = float_layers(plain) | {
            node.name
            for node in plain.graph.node
            if node.op_type == "Mul" and not node.name.endswith(MASK)
        }
        output = folder / "quantised.onnx"
        quantization.quantize_static(
            plain,
            output,
            _Batches(cutouts, progress),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(_OPERATORS),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=sorted(kept),
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"TensorQuantOverrides": _scales(plain)},
        )
        quantised: onnx.ModelProto = require("onnx").load(output)
    return quantised


class _Batches:
    """The calibration images, as the quantiser asks for them."""

    def __init__(self, cutouts: NDArray[np.uint8], progress: Progress) -> None:
        self._cutouts, self._progress, self._start = cutouts, progress, 0

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next batch; None at the end."""
        self._progress("calibrate", self._start, len(self._cutouts), unit="images")
        batch = self._cutouts[self._start : self._start + _BATCH]
        self._start += len(batch)
        return {INPUT: batch} if len(batch) else None


def _scales(model: onnx.ModelProto) -> dict[str, list[dict[str, Any]]]:
    """Steps that are known without a calibration, by name of the value."""
    scales = {}
    if (pixels := input_values(model)) is not None:
        scales[pixels] = [_step(1 / 255)]  # grey levels: nothing is rounded
    for stored in model.graph.initializer:
        if stored.name.endswith(MASK):
            mask = require("onnx.numpy_helper").to_array(stored)
            scales[stored.name] = [_step(float(mask.max()) / _steps(mask))]
    return scales


def _step(size: float) -> dict[str, Any]:
    return {
        "scale": np.array(size, np.float32),
        "zero_point": np.array(0, np.uint8),
        "quant_type": require("onnxruntime.quantization").QuantType.QUInt8,
    }


def _steps(mask: NDArray[np.float32]) -> int:
    """How many steps up to the largest value leave the smallest error of all values.

    Examples
    --------
    >>> _steps(np.array([1, 1.5, 2.25], np.float32)) % 9
    0
    """
    share = np.unique(mask) / mask.max()
    return min(
        range(255, 127, -1),
        key=lambda steps: float(np.abs(np.rint(share * steps) / steps - share).max()),
    )


@contextmanager
def _silent() -> Iterator[None]:
    """Hide the quantiser's messages, which are about its internals.

    It logs to the root logger, which would also get a handler by that.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [logging.NullHandler()]
    root.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
