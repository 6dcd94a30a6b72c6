"""A network's graph as it is run: constants computed, batch normalisation part of convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.extras import require
from galaxyclass.model.bundle.onnx_file import FEATURES, INPUT

if TYPE_CHECKING:
    import onnx

#: How the names of a pooling's mask, and of the product with it, end.
MASK = ".mask"

_PRODUCTS = ("Gemm", "MatMul")
#: What may lie between two linear layers at the end of a network.
_BEFORE_HEADS = ("Relu", "BatchNormalization", *_PRODUCTS)
#: What leaves grey levels as they are.
_SAME_LEVELS = ("Slice", "Transpose", "Cast")
#: How the weights of the network beneath a probe are called (`ProbedNetwork`).
_BENEATH = "base."


def folded(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The graph as onnxruntime runs it, in ONNX' own operators, with names for all nodes.

    Means over windows (AveragePool) become convolutions of each channel, with a mask where windows
    reach beyond the edge.

    Parameters
    ----------
    model : onnx.ModelProto
        The network in 32-bit floats.
    path : Path
        A file to use in between.

    Returns
    -------
    onnx.ModelProto
        It gives the same outputs, up to rounding.
    """
    onnxruntime = require("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    plain: onnx.ModelProto = require("onnx").load(path)
    # onnxruntime enters all its own sets of operators, which are not used.
    del plain.opset_import[:]
    plain.opset_import.extend(model.opset_import)
    plain.ir_version = model.ir_version
    graph = plain.graph
    sides = _sides(plain)
    as_array = require("onnx.numpy_helper").to_array
    values = {stored.name: as_array(stored) for stored in graph.initializer}
    nodes: list[Any] = []
    same: dict[str, str] = {}
    for number, node in enumerate(graph.node):
        node.name = f"node.{number}"
        node.input[:] = [same.get(name, name) for name in node.input]
        if _changes_nothing(node, values) and node.output[0] not in _outputs(graph):
            same[node.output[0]] = node.input[0]
        elif (window := _window(node, sides)) is not None:
            nodes += _as_convolution(graph, node, window, sides)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    unused = [stored for stored in graph.initializer if stored.name not in used]
    for stored in unused:
        graph.initializer.remove(stored)
    return plain


def input_values(model: onnx.ModelProto) -> str | None:
    """The name of the pixels as floats of 0 to 1, if a convolution takes them as they are.

    They are grey levels of the cutouts, or of frames that were cut out of them and rounded.
    """
    before = {name: node for node in model.graph.node for name in node.output}
    levels = require("onnx").TensorProto.UINT8
    for node in model.graph.node:
        scaling = before.get(node.input[0]) if node.op_type == "Conv" else None
        if scaling is None or scaling.op_type != "Div":
            continue
        name = scaling.input[0]
        while (source := before.get(name)) is not None and source.op_type in _SAME_LEVELS:
            if source.op_type == "Cast" and source.attribute[0].i == levels:
                return str(node.input[0])
            name = source.input[0]
        if name == INPUT:
            return str(node.input[0])
    return None


def float_layers(model: onnx.ModelProto) -> set[str]:
    """The names of the last nodes: heads, their linear layers, and a linear layer before them.

    Of a finetuned network also all of its probe, which takes logarithms of what an 8-bit integer
    rounds to 0, and what cuts out frames.
    """
    graph = model.graph
    before = {name: node for node in graph.node for name in node.output}
    constant = {stored.name for stored in graph.initializer}
    beneath = {name for name in constant if name.startswith(_BENEATH)}

    def varying(node: Any) -> list[str]:
        return [name for name in node.input if name and name not in constant]

    kept: set[str] = set()
    features = [FEATURES]
    waiting = [name for name in _outputs(graph) if name != FEATURES]
    while waiting:
        name = waiting.pop()
        node = before.get(name)
        if name == FEATURES or node is None or node.name in kept or node.op_type == "Conv":
            continue
        kept.add(node.name)
        is_head = node.op_type in _PRODUCTS and (not beneath or beneath.intersection(node.input))
        (features if is_head else waiting).extend(varying(node))
    for name in features:
        value = name
        while (node := before.get(value)) is not None and node.op_type in _BEFORE_HEADS:
            inputs = varying(node)
            if len(inputs) > 1:
                break
            kept.add(node.name)
            if node.op_type in _PRODUCTS:
                break
            value = inputs[0]
    return kept


def _outputs(graph: onnx.GraphProto) -> list[str]:
    return [value.name for value in graph.output]


def _sides(model: onnx.ModelProto) -> dict[str, list[int]]:
    """Channels, height and width of each image in the graph; 0 where one is not known."""
    inferred = require("onnx").shape_inference.infer_shapes(model).graph
    return {
        value.name: [side.dim_value for side in shape[1:]]
        for value in (*inferred.value_info, *inferred.input)
        if len(shape := value.type.tensor_type.shape.dim) == 4
    }


def _changes_nothing(node: Any, values: dict[str, NDArray[Any]]) -> bool:
    """Whether a node subtracts 0 or divides by 1."""
    neutral = {"Sub": 0, "Div": 1}.get(node.op_type)
    if neutral is None or node.input[1] not in values:
        return False
    return bool(np.all(values[node.input[1]] == neutral))


def _window(node: Any, sides: dict[str, list[int]]) -> dict[str, Any] | None:
    """Kernel, strides and padding of a mean over windows of images of a known size."""
    onnx = require("onnx")
    if node.op_type != "AveragePool" or not all(sides.get(node.input[0], [0])):
        return None
    window = {"strides": [1, 1], "pads": [0] * 4, "count_include_pad": 0} | {
        entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute
    }
    is_plain = (
        len(window["kernel_shape"]) == 2
        and window.get("auto_pad", b"NOTSET") == b"NOTSET"
        and not window.get("ceil_mode", 0)
        and set(window.get("dilations", [1])) == {1}
    )
    return window if is_plain else None


def _as_convolution(
    graph: onnx.GraphProto, node: Any, window: dict[str, Any], sides: dict[str, list[int]]
) -> Iterator[Any]:
    """A mean over windows as a convolution, times a mask where windows reach beyond the edge.

    The convolution divides by the number of pixels of a whole window; the mask corrects windows
    that hold fewer.
    """
    onnx = require("onnx")
    channels, *image = sides[node.input[0]]
    kernel, strides, pads = window["kernel_shape"], window["strides"], window["pads"]
    inside = []
    for axis, side in enumerate(image):
        count = (side + pads[axis] + pads[axis + 2] - kernel[axis]) // strides[axis] + 1
        first = np.arange(count) * strides[axis] - pads[axis]
        pixels = first[:, None] + np.arange(kernel[axis])
        inside.append(((pixels >= 0) & (pixels < side)).sum(axis=1))
    mask = np.prod(kernel) / np.outer(*inside)
    weight = np.full((channels, 1, *kernel), 1 / np.prod(kernel), np.float32)
    is_masked = not window["count_include_pad"] and bool((mask != 1).any())
    name = node.output[0]
    summed = f"{name}.unmasked" if is_masked else name
    graph.initializer.append(onnx.numpy_helper.from_array(weight, f"{name}.window"))
    yield onnx.helper.make_node(
        "Conv",
        [node.input[0], f"{name}.window"],
        [summed],
        name=node.name,
        kernel_shape=kernel,
        strides=strides,
        pads=pads,
        group=channels,
    )
    if is_masked:
        values = mask.astype(np.float32)[None, None]
        graph.initializer.append(onnx.numpy_helper.from_array(values, f"{name}{MASK}"))
        yield onnx.helper.make_node(
            "Mul", [summed, f"{name}{MASK}"], [name], name=f"{node.name}{MASK}"
        )
