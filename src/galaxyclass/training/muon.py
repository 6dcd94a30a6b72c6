"""The optimiser Muon: orthogonal steps for kernels, AdamW for other weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from galaxyclass.networks.precision import has_bfloat16

#: Coefficients of the polynomial that moves all singular values towards 1 (Jordan et al. 2024):
#: five rounds bring values between 0.01 and 1 to between 0.7 and 1.2.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
#: Kernels with at most so many input channels read pixels (or single channels) and follow AdamW:
#: their few directions have different meanings.
_FEW_CHANNELS = 4


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are orthogonal matrices, for kernels of convolutions.

    A kernel ``(out, in, height, width)`` is taken as a matrix ``(out, in * height * width)``; its
    momentum is replaced by the nearest matrix with equal singular values, so that rare directions
    are learnt as fast as common ones. Biases, batch norms, the first layer and the last follow
    AdamW.

    Parameters
    ----------
    parameters : iterable of nn.Parameter
    lr : float
        Of AdamW.
    kernel_lr : float
        Of the kernels: the size of a step in every direction.
    momentum : float
        Of the kernels (Nesterov's).
    weight_decay : float
        Of both, decoupled.
    betas : tuple of float
        Of AdamW.

    Notes
    -----
    Jordan et al. 2024, *Muon: an optimizer for hidden layers in neural networks*.

    Examples
    --------
    >>> layer = nn.Conv2d(8, 8, 3)
    >>> optimizer = Muon(layer.parameters(), lr=1e-3, kernel_lr=0.02)
    >>> [len(group["params"]) for group in optimizer.param_groups]
    [1, 1]
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        kernel_lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        kernels: list[nn.Parameter] = []
        other_weights: list[nn.Parameter] = []
        for weight in parameters:
            is_kernel = weight.ndim == 4 and weight.shape[1] > _FEW_CHANNELS
            (kernels if is_kernel else other_weights).append(weight)
        groups: list[dict[str, Any]] = [
            {"params": other_weights, "lr": lr, "orthogonal": False},
            {"params": kernels, "lr": kernel_lr, "orthogonal": True},
        ]
        defaults = {"momentum": momentum, "weight_decay": weight_decay, "betas": betas}
        super().__init__([group for group in groups if group["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Follow the gradient by one step."""
        result = None
        if closure is not None:
            with torch.enable_grad():
                result = closure()
        for group in self.param_groups:
            follow = self._orthogonal if group["orthogonal"] else self._adam
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    follow(weight, weight.grad, group)
        return result

    def _orthogonal(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(state["momentum"], group["momentum"])
        matrix = ahead.flatten(1)
        # A step then changes the output by as much for every shape of kernel.
        scale = math.sqrt(max(1.0, matrix.shape[0] / matrix.shape[1]))
        weight.add_(orthogonalised(matrix).view_as(weight), alpha=-group["lr"] * scale)

    def _adam(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        first, second = group["betas"]
        state["step"] += 1
        count = float(state["step"])
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].lerp_(gradient.square(), 1 - second)
        spread = state["square"].sqrt() / math.sqrt(1 - second**count) + 1e-8
        weight.addcdiv_(state["mean"], spread, value=-group["lr"] / (1 - first**count))


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix with the same singular vectors whose singular values are all about 1.

    Parameters
    ----------
    matrix : (rows, columns) float

    Returns
    -------
    (rows, columns) float32
        Singular values between 0.7 and 1.2, except those that are tiny compared with the largest.
        Computed in bfloat16 if the device has it: the result need not be exact.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    if has_bfloat16(matrix.device.type):
        x = x.bfloat16()
    for _ in range(_ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = (x.T if tall else x).float()
    return result
