"""A network written by hand, whose answers are known, and a bundle of it: no training, no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.save import save_bundle
from tests.support import fake

#: Side of its cutouts.
SIDE = 12


def by_hand(side: int = SIDE, *, features: str = "features") -> onnx.ModelProto:
    """Features are the mean colour, 0 to 1; the values are its share of red, and the rest."""
    nodes = [
        helper.make_node("Cast", ["cutouts"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "most"], ["unit"]),
        helper.make_node("ReduceMean", ["unit", "plane"], [features], keepdims=0),
        helper.make_node("ReduceSum", [features, "last"], ["sum"], keepdims=1),
        helper.make_node("Div", [features, "sum"], ["shares"]),
        helper.make_node("Slice", ["shares", "zero", "one", "last"], ["red"]),
        helper.make_node("Sub", ["unity", "red"], ["other"]),
        helper.make_node("Concat", ["red", "other"], ["values"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "by_hand",
        [helper.make_tensor_value_info("cutouts", TensorProto.UINT8, ["n", side, side, 3])],
        [
            helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", 2]),
            helper.make_tensor_value_info(features, TensorProto.FLOAT, ["n", 3]),
        ],
        [
            helper.make_tensor("most", TensorProto.FLOAT, [], [255.0]),
            helper.make_tensor("unity", TensorProto.FLOAT, [], [1.0]),
            helper.make_tensor("plane", TensorProto.INT64, [2], [1, 2]),
            helper.make_tensor("last", TensorProto.INT64, [1], [1]),
            helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
            helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def save_small_model(folder: Path) -> Path:
    """A bundle that predicts two classes by colour, thousands of pictures a second."""
    fake.save_run(folder, fake.class_outputs("red", "other"))
    manifest = replace(load_bundle(folder).manifest, weights_digest="")
    content = by_hand().SerializeToString()
    save_bundle(folder, manifest, {"network": lambda path: path.write_bytes(content)})
    return folder
