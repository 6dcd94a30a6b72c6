"""Running an exported network with OpenVINO, in bfloat16 where the processor multiplies it."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ChosenPrecision
from galaxyclass.extras import require
from galaxyclass.model.backends.onnx_backend import require_match, require_processor
from galaxyclass.model.backends.precision import choose_precision
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.onnx_file import INPUT, cannot_load, output_names, require_whole
from galaxyclass.model.output import ModelOutput
from galaxyclass.workers.processes import core_count


def import_openvino() -> ModuleType:
    """OpenVINO without its telemetry.

    On import that reports to its makers, from a forked process. Forks of a process with threads
    may hang for ever, and nothing that the package does needs a network.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return require("openvino")


class OpenvinoBackend:
    """A bundle's network as ONNX, on the CPU, a batch on each core (`ConcurrentBackend`).

    In 32-bit floats it is as fast as `OnnxBackend`, in bfloat16 several times as fast. The network
    but for its last layer and head is computed in bfloat16: OpenVINO sees to that by itself.

    Its parameters and attributes are those of `OnnxBackend`; the precision is chosen as by
    `galaxyclass.model.backends.open_backend.open_backend`.

    Raises
    ------
    MissingExtraError
        OpenVINO is not installed.
    DeviceError, BundleError
        As of `OnnxBackend`.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        precision: ChosenPrecision = "auto",
    ) -> None:
        require_processor(device)
        openvino = import_openvino()
        core = openvino.Core()
        self.concurrent = self.any_thread = True
        self.precision, self.note = choose_precision(
            precision,
            bundle.manifest.precision,
            lambda: "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
        )
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
            require_whole(bundle.network)
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
        # What its bindings prepare at the first access waits for Python's lock: two threads that
        # come to it together wait for each other for ever.
        _ = openvino.Tensor(np.zeros(1, np.float32)).data

    def begin_thread(self) -> None:
        """Do nothing: the first call in a thread prepares what it needs."""

    def __call__(self, cutouts: NDArray[np.uint8]) -> ModelOutput:
        if not hasattr(self._thread, "request"):
            self._thread.request = self._compiled.create_infer_request()
        outputs = self._thread.request.infer({INPUT: np.ascontiguousarray(cutouts)})
        # Copies: the next call writes into the same memory.
        values, *auxiliary, features = (np.array(outputs[name]) for name in self._names)
        return ModelOutput(values, tuple(auxiliary), features)
