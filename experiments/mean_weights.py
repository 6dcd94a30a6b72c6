"""One network whose weights are the means of those of two runs.

    python experiments/mean_weights.py RUN OTHER --output MEAN

OTHER was trained on from RUN's weights (``model.weights``): networks that were trained apart have
no mean that predicts anything.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch
from changed_network import network_of, write_changed


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path))
def command(run: Path, other: Path, output: Path) -> None:
    """Write RUN with the mean of its weights and those of OTHER, usable wherever a run is."""
    network, toward = network_of(run), network_of(other).state_dict()
    with torch.no_grad():
        for name, values in network.state_dict().items():
            if values.is_floating_point():
                values.lerp_(toward[name], 0.5)
    write_changed(run, network, output)


if __name__ == "__main__":
    command()
