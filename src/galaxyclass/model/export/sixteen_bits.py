"""Weights as 16-bit floats: half the file, and the same numbers in torch and in ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from galaxyclass.extras import require

if TYPE_CHECKING:
    import onnx

#: The name of a weight once it is a 32-bit float again.
_FULL = "{}.float32"


def round_weights(network: nn.Module) -> frozenset[str]:
    """Round the weights of convolutions and linear layers to 16-bit floats.

    Biases and batch normalisation stay: they are few, and a variance may be too small or too large
    for 16 bits. So do weights beyond 65504, the largest of those floats.

    Returns
    -------
    frozenset of str
        The names of the weights that were rounded; they are still 32-bit floats.

    Examples
    --------
    >>> layer = nn.Linear(1, 1)
    >>> _ = layer.weight.data.fill_(1 / 3)
    >>> round_weights(layer), layer.weight.item()
    (frozenset({'weight'}), 0.333251953125)
    """
    rounded = set()
    for name, weight in network.named_parameters():
        short = weight.detach().half()
        if weight.ndim > 1 and weight.dtype == torch.float32 and bool(short.isfinite().all()):
            weight.data.copy_(short)
            rounded.add(name)
    return frozenset(rounded)


def store_halves(model: onnx.ModelProto, names: frozenset[str]) -> None:
    """Store initialisers as 16-bit floats under their names, and cast them where they are used.

    Parameters
    ----------
    model : onnx.ModelProto
        Changed in place.
    names : frozenset of str
        Initialisers whose values 16 bits hold exactly (`round_weights`).
    """
    onnx = require("onnx")
    casts = []
    for stored in model.graph.initializer:
        if stored.name not in names:
            continue
        values = onnx.numpy_helper.to_array(stored)
        stored.CopyFrom(onnx.numpy_helper.from_array(values.astype("float16"), stored.name))
        full = _FULL.format(stored.name)
        casts.append(
            onnx.helper.make_node("Cast", [stored.name], [full], to=onnx.TensorProto.FLOAT)
        )
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name in names:
                node.input[index] = _FULL.format(name)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def keep_weights(model: onnx.ModelProto, network: nn.Module) -> None:
    """Store a network's weights beside a graph that has others, for `recover_weights`.

    They are initialisers of ``training_info``, which runtimes do not read: 16-bit floats where
    `round_weights` would round, 32-bit floats otherwise.

    Parameters
    ----------
    model : onnx.ModelProto
        Changed in place.
    network : nn.Module
        Its floats are kept under the names of its ``state_dict()``.
    """
    onnx = require("onnx")
    graph = model.training_info.add().initialization
    graph.name = "weights"
    parameters = {name for name, _ in network.named_parameters()}
    for name, weight in network.state_dict().items():
        if not weight.is_floating_point():
            continue
        short = weight.half()
        is_short = name in parameters and weight.ndim > 1 and bool(short.isfinite().all())
        stored = short if is_short else weight
        graph.initializer.append(onnx.numpy_helper.from_array(stored.numpy(), name))
