"""Let a network answer between two labellings that it has learnt.

    python experiments/mix_labellings.py RUN --labelling galaxy-zoo-2 --share 0.3 --output MIXED

RUN was trained with ``--also-labelling galaxy-zoo-2 …``: each labelling has a last layer of its own
on the same features. MIXED has the run's own last layer moved towards the other by the share (0: as
it was, 1: the other). As the head is a softmax in each question, the answer is a geometric mean
between the two. The other labelling stays as it is.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch
from changed_network import network_of, write_changed

from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.load import load_bundle


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--labelling", required=True, help="The labelling to move towards.")
@click.option("--share", required=True, type=click.FloatRange(0, 1))
@click.option("--output", required=True, type=click.Path(path_type=Path))
def command(run: Path, labelling: str, share: float, output: Path) -> None:
    """Write RUN with a last layer between two labellings, usable wherever a run is."""
    names = [task.labelling for task in load_bundle(run).manifest.auxiliary]
    if labelling not in names:
        raise BundleError(f"{run}: has not learnt the labelling {labelling!r}")
    network = network_of(run)
    other = network.auxiliary[names.index(labelling)]
    with torch.no_grad():
        for own, toward in zip(network.last.parameters(), other.parameters(), strict=True):
            own.lerp_(toward, share)
    write_changed(run, network, output)


if __name__ == "__main__":
    command()
