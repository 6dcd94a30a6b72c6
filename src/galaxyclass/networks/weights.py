"""Weights on disk, as safetensors, which cannot hold code."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialise
from torch import Tensor

from galaxyclass.errors import BundleError
from galaxyclass.io.atomic import translated
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.recovered import current_names, recover_weights
from galaxyclass.model.probe import read_probe
from galaxyclass.networks.probed import AnyNetwork, ProbedNetwork, build_any, build_probed


def write_weights(network: AnyNetwork, path: Path) -> None:
    """Write a network's weights and batch-norm statistics as safetensors.

    Raises
    ------
    OutputError
        No room on the disk, or no permission.
    """
    state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    with translated(path):
        # Not safetensors' save_file, which hides the operating system's errors and makes a file
        # that only its owner can read.
        path.write_bytes(serialise(state))


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read weights from safetensors.

    Raises
    ------
    BundleError
        The file is missing or damaged.
    """
    try:
        return current_names(load_file(path))
    except (OSError, SafetensorError) as error:
        raise BundleError(
            f"{path}: the weights cannot be read",
            got=str(error),
            hint="copy the whole bundle folder again",
        ) from error


def load_weights(bundle: Bundle) -> AnyNetwork:
    """The network or ensemble of a bundle, with weights, ready to predict; with its probe, if any.

    Where a bundle has no file of weights, they are read from its ONNX network (`recover_weights`).

    Raises
    ------
    BundleError
        Weights are missing, or have other names, shapes or types than the network's.
    """
    if bundle.has("probe"):
        probed = build_probed(bundle.manifest)
        probed.base.load_state_dict(load_weights(bundle.without_probe).state_dict())
        probed.set_probe(read_probe(bundle))
        return probed.eval()
    network = build_any(bundle.manifest)
    wanted = network.state_dict()
    if bundle.has("weights"):
        file = bundle.weights
        state = read_weights(file)
    else:
        file = bundle.network
        state = {name: value for name, value in wanted.items() if _is_count(name)}
        state |= {name: torch.from_numpy(value) for name, value in recover_weights(file).items()}
    if isinstance(network, ProbedNetwork) and "centres" in state:
        network.set_centres(state["centres"].shape[1])
        wanted = network.state_dict()
    problems = [f"{name}: missing" for name in wanted if name not in state]
    problems += [f"{name}: not of this network" for name in state if name not in wanted]
    for name, value in state.items():
        if name not in wanted:
            continue
        expected = wanted[name]
        if value.shape != expected.shape or value.dtype != expected.dtype:
            problems.append(
                f"{name}: {_shape(expected)} wanted, {_shape(value)} found",
            )
    if problems:
        raise BundleError(
            f"{file}: does not fit the network {bundle.manifest.model.encoder}",
            got="\n".join(problems[:5])
            + (f"\n… {len(problems)} in all" if len(problems) > 5 else ""),
            hint="copy the whole bundle folder again",
        )
    network.load_state_dict(state)
    return network.eval()


def _is_count(name: str) -> bool:
    """Whether a state's entry counts batches of training: it does not change predictions."""
    return name.endswith("num_batches_tracked")


def _shape(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
