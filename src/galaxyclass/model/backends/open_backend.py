"""The choice between the backends that can run a bundle's network."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from galaxyclass.arguments import ChosenPrecision
from galaxyclass.model.backends.backend import Backend
from galaxyclass.model.bundle.load import Bundle

#: The library that runs a network.
Engine = Literal["torch", "onnxruntime", "OpenVINO"]


def open_backend(
    bundle: Bundle, device: str = "auto", precision: ChosenPrecision = "auto"
) -> Backend:
    """Load a bundle's network onto a device.

    torch runs it if it is installed and the bundle has weights, or if a GPU is asked for. A bundle
    that has only the network as ONNX, such as the pretrained model, is run by OpenVINO if that is
    installed and bfloat16 is wanted, otherwise by onnxruntime. A network in 8-bit integers is
    always run by onnxruntime: OpenVINO 2026.4 gives wrong numbers for several images at once.

    Parameters
    ----------
    bundle : Bundle
    device : {"auto", "cpu", "cuda", "mps"}
        ``auto`` is a GPU if there is one.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` is bfloat16 if the network was trained in it and the device has it. If ``bf16`` is
        not available, 32-bit floats are used and a note says so.

    Raises
    ------
    MissingExtraError
        torch is not installed, and the bundle has no ONNX; the message has the ``pip install``
        line.
    DeviceError
        The device does not exist.
    BundleError
        The weights do not fit the network that the manifest describes; the probe is damaged.
    """
    if bundle.has("probe"):
        from galaxyclass.model.backends.probed_backend import ProbedBackend
        from galaxyclass.model.probe import read_probe

        network = open_backend(bundle.without_probe, device, precision)
        return ProbedBackend(network, read_probe(bundle), bundle.manifest)
    engine = choose_engine(bundle, device, precision)
    if engine == "OpenVINO":
        from galaxyclass.model.backends.openvino_backend import OpenvinoBackend

        return OpenvinoBackend(bundle, device, precision)
    if engine == "onnxruntime":
        from galaxyclass.model.backends.onnx_backend import OnnxBackend

        return OnnxBackend(bundle, device, precision)
    from galaxyclass.model.backends.torch_backend import TorchBackend

    return TorchBackend(bundle, device, precision)


def choose_engine(
    bundle: Bundle, device: str = "auto", precision: ChosenPrecision = "auto"
) -> Engine:
    """The engine that `open_backend` uses for a bundle; loads nothing."""
    torch = all(find_spec(module) for module in ("torch", "timm", "safetensors"))
    gpu = device not in ("auto", "cpu")
    if not bundle.has("network") or (torch and (bundle.has("weights") or gpu)):
        return "torch"
    wanted = bundle.manifest.precision if precision == "auto" else precision
    if bundle.manifest.quantisation is not None:
        return "onnxruntime"
    return "OpenVINO" if wanted == "bf16" and find_spec("openvino") else "onnxruntime"
