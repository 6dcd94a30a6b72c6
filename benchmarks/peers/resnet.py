"""What the peers on torch share: our view of an image, and how the numbers are counted."""

import torch
from job import FRAME, SIZE
from torchvision.transforms import v2

#: Of the images that ImageNet's networks were trained on; timm states them for resnet18.
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def view(*, training: bool, normalise: bool = True) -> v2.Compose:
    """From a PIL image to (3, 128, 128) float32; with random mirrors, rotation and zoom if asked.

    The random steps come last but one, on the small uint8 image: the fastest order.
    """
    steps = [v2.PILToTensor(), v2.CenterCrop(FRAME), v2.Resize((SIZE, SIZE), antialias=True)]
    if training:
        turn = v2.RandomAffine(180, scale=(0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR)
        steps += [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), turn]
    steps.append(v2.ToDtype(torch.float32, scale=True))
    return v2.Compose([*steps, v2.Normalize(MEAN, SPREAD)] if normalise else steps)


def count(module: torch.nn.Module) -> int:
    """Numbers in a network, the statistics of batch normalisation among them."""
    state = module.state_dict().items()
    return sum(value.numel() for name, value in state if "num_batches" not in name)
