"""Hyrax: its `infer` with a model and a data set of the user's own, as its reference pages show."""

import logging
import time
from pathlib import Path

import job

import hyrax
import numpy as np
import timm
import torch
from hyrax.datasets import HyraxDataset
from hyrax.models.model_registry import hyrax_model
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from resnet import view


class GalaxyImages(HyraxDataset):
    """A folder of images."""

    def __init__(self, config, data_location=None) -> None:
        self.galaxies = job.find_galaxies(Path(data_location))
        self.view = view(training=False)
        super().__init__(config)

    def __len__(self) -> int:
        return len(self.galaxies)

    def get_object_id(self, index: int) -> str:
        return self.galaxies.ids[index]

    def get_image(self, index: int) -> np.ndarray:
        with Image.open(self.galaxies.files[index]) as image:
            return self.view(image.convert("RGB")).numpy()


@hyrax_model
class Resnet18(nn.Module):
    """The network of `galaxyclass train resnet18`: an encoder of timm and 37 sigmoids."""

    precision = "fp32"

    def __init__(self, config, data_sample=None) -> None:
        super().__init__()
        self.config = config
        self.encoder = timm.create_model("resnet18", pretrained=False, num_classes=0)
        self.last = nn.Linear(self.encoder.num_features, 37)

    def forward(self, images):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            return torch.sigmoid(self.last(self.encoder(images)).float())

    def infer_batch(self, batch):
        return self(batch)

    def train_batch(self, batch):
        raise NotImplementedError("this model only infers")

    @staticmethod
    def prepare_inputs(data_dict):
        return data_dict["data"]["image"]


def predict(given) -> None:
    Resnet18.precision = given.precision
    weights, state = given.output / "weights.pth", load_file(given.weights)
    torch.save(state, weights)
    logging.getLogger("hyrax").setLevel(logging.ERROR)
    h = hyrax.Hyrax(setup_logging=False)
    h.set_config("general.results_dir", str(given.output / "results"))
    h.set_config("model.name", "Resnet18")
    h.set_config("infer.model_weights_file", str(weights))
    h.set_config("data_loader.batch_size", given.batch_size)
    h.set_config("data_loader.num_workers", given.workers)
    source = {
        "dataset_class": "GalaxyImages",
        "data_location": str(given.images),
        "fields": ["image"],
        "primary_id_field": "object_id",
    }
    h.set_config("data_request", {"infer": {"data": source}})
    begun = time.perf_counter()
    results = h.infer()
    rate = len(results) / (time.perf_counter() - begun)
    rows = results[np.arange(len(results))]
    fractions = np.stack([next(iter(row.values())) for row in rows])
    job.write_predictions(given.output / "predictions.csv", results.ids(), fractions)
    job.write_result(
        given.output,
        images_per_second=rate,
        parameters=sum(value.numel() for name, value in state.items() if "num_b" not in name),
        packages=("hyrax", "timm", "torch", "torchvision", "pillow"),
    )


if __name__ == "__main__":
    predict(job.arguments())
