"""Let a network answer between two labellings that it has learnt.

    python experiments/mix_labellings.py RUN --labelling galaxy-zoo-2 --share 0.3 --output MIXED

RUN was trained with ``--also-labelling galaxy-zoo-2 …``: each labelling has a last layer of its own
on the same features. MIXED has the run's own last layer moved towards the other by the share (0: as
it was, 1: the other). As the head is a softmax in each question, the answer is a geometric mean
between the two. The other labelling stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import torch

from galaxyclass.errors import BundleError
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import write_text, writing_folder
from galaxyclass.io.run_folder import run_file
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.networks.weights import load_weights, write_weights


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--labelling", required=True, help="The labelling to move towards.")
@click.option("--share", required=True, type=click.FloatRange(0, 1))
@click.option("--output", required=True, type=click.Path(path_type=Path))
def command(run: Path, labelling: str, share: float, output: Path) -> None:
    """Write RUN with a last layer between two labellings, usable wherever a run is."""
    bundle = load_bundle(run)
    names = [task.labelling for task in bundle.manifest.auxiliary]
    if labelling not in names:
        raise BundleError(f"{run}: has not learnt the labelling {labelling!r}")
    (network,) = load_weights(bundle).networks
    other = network.auxiliary[names.index(labelling)]
    with torch.no_grad():
        for own, toward in zip(network.last.parameters(), other.parameters(), strict=True):
            own.lerp_(toward, share)
    manifest = replace(bundle.manifest, weights_digest="", network_digest="", calibration_digest="")
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


if __name__ == "__main__":
    command()
