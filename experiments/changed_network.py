"""A run whose network was changed without a training, written as a run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from galaxyclass.io import run_folder
from galaxyclass.io.atomic import write_text, writing_folder
from galaxyclass.io.run_folder import run_file
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.networks.network import Network
from galaxyclass.networks.weights import load_weights, write_weights


def network_of(run: Path) -> Network:
    """The network of a run of a single one, in evaluation."""
    (network,) = load_weights(load_bundle(run)).networks
    return network.eval()


def write_changed(run: Path, network: Network, output: Path) -> None:
    """Write a folder that is ``run`` with another network of the same kind.

    It has the split and the recipe of the run, and can be named wherever a run can; a calibration
    was that of the network before and does not come along.
    """
    manifest = replace(
        load_bundle(run).manifest, weights_digest="", network_digest="", calibration_digest=""
    )
    with writing_folder(output) as temporary:
        for name in (run_folder.SPLIT, run_folder.RECIPE):
            file = run_file(run, name)
            if file is not None:
                write_text(temporary / name, file.read_text(encoding="utf-8"))
        save_bundle(
            temporary / run_folder.BUNDLE,
            manifest,
            {"weights": lambda path: write_weights(network, path)},
        )
