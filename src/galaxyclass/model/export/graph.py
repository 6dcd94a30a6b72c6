"""From a network in torch to its ONNX graph, weights under their own names."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from galaxyclass.errors import ExportError
from galaxyclass.extras import require
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.onnx_file import INPUT, output_names
from galaxyclass.networks.probed import AnyNetwork
from galaxyclass.short import verb

if TYPE_CHECKING:
    import onnx

#: The set of operators: onnxruntime 1.20 and OpenVINO know it.
OPSET = 18

#: Prefix of all names of the network in the traced module.
_PREFIX = "network."


class _Traced(nn.Module):
    """The module that is exported: from cutouts to all outputs, as a flat tuple."""

    def __init__(self, network: AnyNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, cutouts: Tensor) -> tuple[Tensor, ...]:
        values, auxiliary, features = self.network.estimate(cutouts)
        return (values, *auxiliary, features)


def trace(network: AnyNetwork, manifest: Manifest) -> onnx.ModelProto:
    """The ONNX graph of a network in evaluation mode.

    Batch normalisation is left as it is, not folded into convolutions: weights stay what training
    made them. (Runtimes fold them when they load the file.)

    Parameters
    ----------
    network : Network
    manifest : Manifest
        Of its bundle.

    Returns
    -------
    onnx.ModelProto
        Initialisers that are weights have the names of the network's ``state_dict()``.

    Raises
    ------
    ExportError
        torch cannot write a layer of this network as ONNX.
    """
    cutouts = torch.zeros((2, *manifest.preprocessing.shape), dtype=torch.uint8)
    outputs = output_names(len(network.auxiliary))
    try:
        with _quiet(), _in_order(network):
            program = torch.onnx.export(
                _Traced(network).eval(),
                (cutouts,),
                dynamo=True,
                input_names=[INPUT],
                output_names=outputs,
                # Two or more: torch 2.9 finds that some graphs hold for these alone, as it says
                # of one galaxy always. The file takes one as well, which the comparison tries.
                dynamic_shapes={"cutouts": {0: torch.export.Dim("galaxies", min=2)}},
                opset_version=OPSET,
                # It would fold batch normalisation.
                optimize=False,
                verbose=False,
            )
            assert program is not None, "this exporter gives a program"
            model = _tidied(program.model)
    except Exception as error:  # the exporter's errors have no common base class
        raise ExportError(
            f"the encoder {manifest.model.encoder} cannot be written as ONNX",
            got=f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}",
            hint="train another encoder; all of this package's own can be",
        ) from error
    weights = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    _rename(model, {INPUT, *outputs}, {f"{_PREFIX}{name}": name for name in weights})
    if lost := set(weights) - {initialiser.name for initialiser in model.graph.initializer}:
        raise ExportError(
            f"the encoder {manifest.model.encoder} cannot be written as ONNX so that its weights "
            "can be recovered",
            got=f"{len(lost)} of {len(weights)} weights {verb(len(lost), 'is')} lost, such as "
            f"{min(lost)}",
            hint="train another encoder; all of this package's own can be",
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's messages, which are about its internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _in_order(model: AnyNetwork) -> Iterator[None]:
    """Lay images out in memory channel by channel before they enter encoders.

    In the channels-last layout torch would export the memory layout of each mean over an image,
    which ONNX can only express by gathering single numbers.
    """

    def arrange(_: nn.Module, images: tuple[Tensor]) -> tuple[Tensor]:
        return (images[0].contiguous(),)

    hooks = [network.encoder.register_forward_pre_hook(arrange) for network in model.networks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _tidied(model: Any) -> onnx.ModelProto:
    """Fold constants, and remove unused nodes and the exporter's metadata."""
    ir = require("onnx_ir")
    common = require("onnx_ir.passes.common")
    require("onnxscript.optimizer").fold_constants_ir(model, should_fold=_folds)
    ir.passes.Sequential(
        common.RemoveUnusedNodesPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.CommonSubexpressionEliminationPass(),
        common.RemoveUnusedNodesPass(),
        # The metadata holds paths of source files.
        common.ClearMetadataAndDocStringPass(),
    )(model)
    written: onnx.ModelProto = ir.to_proto(model)
    graph = written.graph
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        del value.metadata_props[:]
    return written


def _folds(node: Any) -> bool | None:
    """Do not fold what is computed from weights: they stay as training left them."""
    stored = [value.name for value in node.inputs if value is not None and value.is_initializer()]
    return False if any(name.startswith(_PREFIX) for name in stored) else None


def _rename(model: onnx.ModelProto, kept: set[str], weights: Mapping[str, str]) -> None:
    """Give weights their names in torch; other names get a prefix, except the kept ones."""

    def renamed(name: str) -> str:
        if not name or name in kept:
            return name
        return weights.get(name) or f"value.{name}"

    for initializer in model.graph.initializer:
        initializer.name = renamed(initializer.name)
    for node in model.graph.node:
        node.input[:] = map(renamed, node.input)
        node.output[:] = map(renamed, node.output)
