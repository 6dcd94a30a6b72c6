"""A network with a probe: the two ways to run it see the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from galaxyclass.model.bundle.manifest import Manifest, NetworkOutputs
from galaxyclass.model.frames import Frame
from galaxyclass.networks.probed import build_probed
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask


@pytest.mark.parametrize("frames", [(), (Frame(1.0, 0.5), Frame(0.5, 0.5))])
def test_images_and_cutouts_are_seen_alike(frames: tuple[Frame, ...]) -> None:
    """Where the network takes the middle of its cutout, the brightness is that of all of it."""
    beneath = Preprocessing(size=24)
    task = ClassTask("class", ("spiral", "elliptical"), (0.5, 0.5))
    manifest = Manifest(
        recipe="finetuned",
        preprocessing=beneath.model_copy(update={"size": 48}) if frames else beneath,
        model=NetworkSettings(encoder="residual", head="softmax", input_size=16),
        task=task,
        id_column="id",
        id_integer=False,
        weights_digest="",
        version="0",
        network_outputs=NetworkOutputs(task, (), beneath if frames else None),
        frames=frames,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_probed(manifest).eval()
    side = manifest.preprocessing.size
    # Frames of squares of two pixels are whole grey levels: nothing is rounded.
    pixels = np.random.default_rng(0).integers(0, 256, (3, side // 2, side // 2, 3), np.uint8)
    cutouts = torch.from_numpy(pixels.repeat(2, axis=1).repeat(2, axis=2))
    with torch.inference_mode():
        of_cutouts = network.estimate(cutouts).values
        of_images = network.outputs_of(network.read(cutouts)).values
    torch.testing.assert_close(of_images, of_cutouts, rtol=1e-5, atol=1e-6)
