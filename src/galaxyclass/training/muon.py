"""The optimiser Muon: orthogonal steps for kernels, AdamW for other weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.adamw import adamw

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
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                (self._orthogonal if group["orthogonal"] else self._adamw)(weights, group)
        return result

    def _orthogonal(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        ahead = []
        for weight in weights:
            assert weight.grad is not None
            state = self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight)
            state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
            ahead.append(weight.grad.lerp(state["momentum"], group["momentum"]).flatten(1))
        for weight, step in zip(weights, orthogonalised_all(ahead), strict=True):
            # A step then changes the output by as much for every shape of kernel.
            scale = math.sqrt(max(1.0, step.shape[0] / step.shape[1]))
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(step.view_as(weight), alpha=-group["lr"] * scale)

    def _adamw(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        for weight in weights:
            state = self.state[weight]
            if not state:
                state["step"] = torch.zeros(())
                state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        states = [self.state[weight] for weight in weights]
        first, second = group["betas"]
        adamw(
            weights,
            [cast(Tensor, weight.grad) for weight in weights],
            [state["mean"] for state in states],
            [state["square"] for state in states],
            max_exp_avg_sqs=[],
            state_steps=[state["step"] for state in states],
            amsgrad=False,
            beta1=first,
            beta2=second,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=1e-8,
            maximize=False,
        )


def orthogonalised_all(matrices: list[Tensor]) -> list[Tensor]:
    """`orthogonalised` of each; on a GPU of all at once, for it waits for the processor otherwise.

    They are then padded with zeros to one shape: that adds singular values of zero, which stay
    zero, and changes the others only by rounding. On a CPU the larger products would cost more
    than the fewer calls save.

    Parameters
    ----------
    matrices : list of (rows, columns) float
        Of any shapes, on one device.

    Returns
    -------
    list of (rows, columns) float32
    """
    if len(matrices) == 1 or matrices[0].device.type == "cpu":
        return [orthogonalised(matrix) for matrix in matrices]
    return orthogonalised_padded(matrices)


def orthogonalised_padded(matrices: list[Tensor]) -> list[Tensor]:
    """`orthogonalised_all` by one product for all matrices, on any device."""
    wide = [matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T for matrix in matrices]
    rows, columns = (max(sizes) for sizes in zip(*(matrix.shape for matrix in wide), strict=True))
    padded = torch.stack(
        [
            functional.pad(matrix, (0, columns - matrix.shape[1], 0, rows - matrix.shape[0]))
            for matrix in wide
        ]
    )
    steps = []
    for matrix, step in zip(matrices, orthogonalised(padded), strict=True):
        is_wide = matrix.shape[0] <= matrix.shape[1]
        height, width = matrix.shape if is_wide else matrix.T.shape
        cut = step[:height, :width]
        steps.append((cut if is_wide else cut.T).contiguous())
    return steps


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix with the same singular vectors whose singular values are all about 1.

    Parameters
    ----------
    matrix : (..., rows, columns) float

    Returns
    -------
    (..., rows, columns) float32
        Singular values between 0.7 and 1.2, except those that are tiny compared with the largest.
        Computed in bfloat16 if the device has it: the result need not be exact.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    if has_bfloat16(matrix.device.type):
        x = x.bfloat16()
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = (x.mT if tall else x).float()
    return result
