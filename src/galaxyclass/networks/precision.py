"""The precision that a network computes in: bfloat16 or 32-bit floats."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from galaxyclass.networks.probed import AnyNetwork


def has_bfloat16(device: str) -> bool:
    """Whether a device multiplies bfloat16 in hardware.

    Parameters
    ----------
    device : str
        The type of a torch device: ``cpu``, ``cuda`` or ``mps``.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        # Older torch cannot tell: 32-bit floats then.
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def compute_in_bfloat16(model: AnyNetwork) -> None:
    """Convert the encoders of networks that only predict to bfloat16.

    The same as autocast, but weights are cast once. The last layer and the head stay in 32-bit
    floats: they take no time, and rounding there would round the predictions.
    """
    for network in model.networks:
        for layer in network.encoder.modules():
            # Not their subclasses: what they do with their weights is unknown here.
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
