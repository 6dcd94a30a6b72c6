"""A network whose weights lie in other files is refused, however deep they are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper, save

from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.onnx_file import require_whole
from galaxyclass.model.bundle.onnx_whole import names_other_files
from galaxyclass.model.pretrained import find_pretrained


def tensor(*, elsewhere: bool) -> TensorProto:
    made = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    if elsewhere:
        made.ClearField("float_data")
        made.data_location = TensorProto.EXTERNAL
        entry = made.external_data.add()
        entry.key, entry.value = "location", "w.bin"
    return made


def write(path: Path, *, place: str, elsewhere: bool) -> Path:
    """A network with a tensor among its weights, as a constant, or in the graph of a branch."""
    value = tensor(elsewhere=elsewhere)
    nodes, weights = [], []
    if place == "weight":
        weights = [value]
    elif place == "constant":
        nodes = [helper.make_node("Constant", [], ["w"], value=value)]
    else:
        branch = helper.make_graph([], "branch", [], [], [value])
        nodes = [helper.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch)]
    save(helper.make_model(helper.make_graph(nodes, "g", [], [], weights)), path)
    return path


@pytest.mark.parametrize("place", ["weight", "constant", "branch"])
def test_weights_in_other_files_are_found(tmp_path: Path, place: str) -> None:
    assert not names_other_files(write(tmp_path / "a.onnx", place=place, elsewhere=False))
    path = write(tmp_path / "b.onnx", place=place, elsewhere=True)
    assert names_other_files(path)
    with pytest.raises(BundleError, match="weights in other files"):
        require_whole(path)


def test_the_pretrained_network_is_whole() -> None:
    assert not names_other_files(next(find_pretrained().glob("*.onnx")))
