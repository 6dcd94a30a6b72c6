"""Recovering a network's weights from its exported ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import BundleError
from galaxyclass.extras import require
from galaxyclass.io.reading import parse_json, read_bounded
from galaxyclass.model.bundle import onnx_file as exported
from galaxyclass.short import first_line, verb

_T = TypeVar("_T")

#: A file of protocol buffers, which ONNX is, has at most so many bytes.
_MOST_BYTES = 2**31

#: Parts of a network: their names in format 1, and now.
_RENAMED = {"way_round": "shortcut", "further": "auxiliary", "read_out": "projection"}


def recover_weights(path: str | Path) -> dict[str, NDArray[np.float32]]:
    """The weights of an exported network, under the names that they have in torch.

    Parameters
    ----------
    path : str or Path
        A file that `galaxyclass.export` wrote.

    Returns
    -------
    dict
        Name -> float32 array, as in the network's ``state_dict()``: weights, and the means and
        variances of batch normalisation. Weights that were exported as 16-bit floats are rounded.
        A file in 8-bit integers holds the weights that it was made from, as 16-bit floats.
        The number of batches in training, which torch stores too, is missing: predictions do not
        depend on it.

    Raises
    ------
    BundleError
        The file is missing, damaged, or not one that this package exported.
    MissingExtraError
        The library ``onnx`` is not installed.

    Examples
    --------
    >>> recover_weights("model.onnx")
    Traceback (most recent call last):
    galaxyclass.errors.BundleError: model.onnx: the network cannot be read
      got:    No such file or directory
    """
    path = Path(path)
    try:
        data = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        raise BundleError(
            f"{path}: the network cannot be read", got=error.strerror or str(error)
        ) from error
    onnx = require("onnx")
    model = _parse(onnx, data, path)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    try:
        names = set(parse_json(properties[exported.WEIGHTS_PROPERTY]))
    except (KeyError, ValueError, TypeError) as error:
        raise BundleError(
            f"{path}: not a network that galaxyclass exported",
            wanted=f"the property {exported.WEIGHTS_PROPERTY!r}, a list of the weights' names",
            got=f"the properties {', '.join(sorted(properties)) or 'none'}",
        ) from error
    # Weights in other files were not written by this package: such a reference is not followed.
    graphs = [model.graph, *(part.initialization for part in model.training_info)]
    initialisers = {
        initialiser.name: initialiser
        for graph in graphs
        for initialiser in graph.initializer
        if initialiser.name in names and initialiser.data_location != onnx.TensorProto.EXTERNAL
    }
    if missing := names - set(initialisers):
        raise BundleError(
            f"{path}: damaged",
            got=f"{len(missing)} of {len(names)} weights {verb(len(missing), 'is')} missing, such "
            f"as {min(missing)}",
        )
    return current_names(
        {
            name: np.array(onnx.numpy_helper.to_array(initialiser), dtype=np.float32)
            for name, initialiser in initialisers.items()
        }
    )


def current_names(weights: Mapping[str, _T]) -> dict[str, _T]:
    """Weights under the current names.

    Files of format 1, the pretrained model's among them, have other names for three parts of a
    network.

    Examples
    --------
    >>> current_names({"encoder.blocks.1.way_round.1.weight": 1, "further.0.bias": 2})
    {'encoder.blocks.1.shortcut.1.weight': 1, 'auxiliary.0.bias': 2}
    """
    return {
        ".".join(_RENAMED.get(part, part) for part in name.split(".")): value
        for name, value in weights.items()
    }


def _parse(onnx: Any, data: bytes, path: Path) -> Any:
    try:
        return onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's own class, which moves from version to version
        raise BundleError(f"{path}: not an ONNX file, or damaged", got=first_line(error)) from error
