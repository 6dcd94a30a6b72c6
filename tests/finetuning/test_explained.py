"""What is explained of a finetuned model: an answer of its probe, not of the network beneath."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from galaxyclass import finetune
from galaxyclass.explanation.answer_of import ExplainedOutput
from galaxyclass.explanation.gradients import share_of, torch_network
from galaxyclass.model.options import InferenceOptions
from tests.finetuning.conftest import Classes


def test_the_share_of_a_finetuned_class(base: Path, classes: Classes, tmp_path: Path) -> None:
    options = InferenceOptions(views=1)
    made = finetune(
        base, classes.dataset, output=tmp_path / "own", network="never", options=options,
        cache=classes.cache,
    )  # fmt: skip
    model = made.model
    network = torch_network(model.bundles[0], random_weights=False)
    random = torch_network(model.bundles[0], random_weights=True)
    share = share_of(network.networks[0], network, ExplainedOutput(1))
    cutouts = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), dtype=np.uint8)
    tensor = torch.from_numpy(cutouts)
    with torch.inference_mode():
        found = share(network.networks[0].read(tensor)).numpy()
        wanted = network.estimate(tensor).values
        assert random.estimate(tensor).values.shape == wanted.shape == (3, 2)
    np.testing.assert_allclose(found, wanted[:, 1].numpy(), rtol=1e-5)
