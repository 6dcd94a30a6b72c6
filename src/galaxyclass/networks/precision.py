"""In which precision a network is computed: what the machine can do, and what was asked for."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from galaxyclass.model.bundle.manifest import Precision
from galaxyclass.networks.network import EnsembleNetwork, Network


def has_bfloat16(device: str) -> bool:
    """Whether a device multiplies bfloat16 in hardware.

    Parameters
    ----------
    device : str
        The kind of a torch device: ``cpu``, ``cuda`` or ``mps``.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        # Older torch cannot tell; then 32-bit floats are right everywhere.
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def choose_precision(
    wanted: Literal["auto", "fp32", "bf16"], trained: Precision, device: str
) -> tuple[Precision, str]:
    """In which precision to predict.

    Parameters
    ----------
    wanted : {"auto", "fp32", "bf16"}
        ``auto`` is bfloat16 where the network was trained in it and the device has it.
    trained : {"fp32", "bf16"}
    device : str
        The kind of a torch device.

    Returns
    -------
    precision : {"fp32", "bf16"}
    note : str
        What the user ought to know of the choice; empty for 32-bit floats that were to be
        expected.
    """
    if wanted == "fp32" or (wanted == "auto" and trained == "fp32"):
        return "fp32", ""
    if has_bfloat16(device):
        return "bf16", "Computed in bfloat16; `precision='fp32'` takes 32-bit floats."
    if wanted == "bf16":
        return "fp32", "Computed in 32-bit floats: this machine does not have bfloat16."
    return "fp32", ""


def compute_in_bfloat16(model: Network | EnsembleNetwork) -> None:
    """Let networks that only predict compute their encoders in bfloat16.

    What autocast does, with its casts of weights done once. The last layer and the head stay in
    32-bit floats: they take no time, and rounding there is rounding of the result.
    """
    for network in model.networks:
        for layer in network.encoder.modules():
            # Not their subclasses, which may do more with their weights than autocast would cast.
            if type(layer) in (nn.Conv2d, nn.Linear):
                layer.to(torch.bfloat16)
        network.encoder = _Bfloat16(network.encoder)


class _Bfloat16(nn.Module):
    """An encoder under autocast; features ``(galaxies, features)`` float32."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, torch.bfloat16):
            features: Tensor = self.encoder(images)
        return features.float()
