"""In which precision a network is computed: what the machine can do, and what was asked for."""

from __future__ import annotations

from typing import Any

import torch


def has_bfloat16(device: str) -> bool:
    """Whether a device multiplies bfloat16 in hardware.

    Parameters
    ----------
    device : str
        The kind of a torch device: ``cpu``, ``cuda`` or ``mps``.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device == "cpu":
        # Older torch cannot tell; then 32-bit floats are right everywhere.
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False
