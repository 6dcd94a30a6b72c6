"""Running an exported network with OpenVINO, in bfloat16 where the processor multiplies it."""

from __future__ import annotations

import threading
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.extras import require
from galaxyclass.model.backends.onnx_backend import require_match, require_processor
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import Precision
from galaxyclass.model.bundle.onnx_file import INPUT, cannot_load, output_names
from galaxyclass.model.output import ModelOutput
from galaxyclass.workers.processes import core_count


class OpenvinoBackend:
    """A bundle's network as ONNX, on the CPU, a batch on each core (`ConcurrentBackend`).

    In 32-bit floats it is as fast as `OnnxBackend`, in bfloat16 several times as fast. The network
    but for its last layer and head is computed in bfloat16: OpenVINO sees to that by itself.

    Parameters
    ----------
    bundle : Bundle
        One that has a network.
    device : {"auto", "cpu"}
    precision : {"auto", "fp32", "bf16"}
        See `galaxyclass.model.backends.backend.open_backend`.

    Attributes
    ----------
    concurrent, precision, note
        See `galaxyclass.model.backends.backend.ConcurrentBackend`.

    Raises
    ------
    MissingExtraError
        OpenVINO is not installed.
    DeviceError
        Another device.
    BundleError
        The file is not a network that this package exported for this bundle.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        precision: Literal["auto", "fp32", "bf16"] = "auto",
    ) -> None:
        require_processor(device)
        openvino = require("openvino")
        core = openvino.Core()
        wanted = bundle.manifest.precision if precision == "auto" else precision
        able = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.concurrent = True
        self.precision: Precision = "bf16" if wanted == "bf16" and able else "fp32"
        self.note = ""
        if self.precision == "bf16":
            self.note = "Computed in bfloat16; `precision='fp32'` takes 32-bit floats."
        elif precision == "bf16":
            self.note = "Computed in 32-bit floats: this machine does not have bfloat16."
        self._names = output_names(len(bundle.manifest.auxiliary))
        options = {
            # OpenVINO's streams compute a batch each: one for each thread that calls.
            "NUM_STREAMS": core_count(),
            "INFERENCE_NUM_THREADS": core_count(),
            # The threads decode between their batches, on whatever core is free.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
        }
        try:
            model = core.read_model(bundle.network)
            self._compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise cannot_load(bundle.network, error) from error
        inputs = {
            port.any_name: [side.to_string() for side in port.partial_shape][1:]
            for port in self._compiled.inputs
        }
        require_match(bundle, inputs, [port.any_name for port in self._compiled.outputs])
        self._thread = threading.local()

    def begin_thread(self) -> None:
        """Do nothing: the first call in a thread prepares what it needs."""

    def __call__(self, cutouts: NDArray[np.uint8]) -> ModelOutput:
        if not hasattr(self._thread, "request"):
            self._thread.request = self._compiled.create_infer_request()
        outputs = self._thread.request.infer({INPUT: np.ascontiguousarray(cutouts)})
        # Copies: the next call writes into the same memory.
        values, *auxiliary, features = (np.array(outputs[name]) for name in self._names)
        return ModelOutput(values, tuple(auxiliary), features)
