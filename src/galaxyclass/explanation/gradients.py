"""Maps by gradients, with captum: integrated gradients, and layer-wise class activation maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.errors import BundleError
from galaxyclass.explanation.answer_of import ExplainedOutput
from galaxyclass.extras import require_installed
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.output import ModelOutput

if TYPE_CHECKING:
    from torch import nn

#: Steps of the path from sky to galaxy.
_STEPS = 24
#: The smallest side of a layer's map, in cells.
_SMALLEST = 3


class GradientMaps:
    """Maps of a bundle's network by gradients.

    Parameters
    ----------
    bundle : Bundle
    method : {"gradients", "cam"}
    explained : ExplainedOutput
    drawn : int, optional
        The seed of random weights, for the sanity check: a network that has learnt nothing.

    Raises
    ------
    MissingExtraError
        torch or captum is not installed.
    BundleError
        The bundle's network cannot be rebuilt; or it has no layer with a map.

    Notes
    -----
    gradients: Sundararajan et al. 2017, ICML. cam: gradients times activations of a layer, cell by
    cell (HiResCAM: Draelos & Carin 2020, arXiv:2011.08891); Grad-CAM, which takes the mean gradient
    of each channel instead, marks cells that the answer does not rest on.
    """

    def __init__(
        self,
        bundle: Bundle,
        method: str,
        explained: ExplainedOutput,
        *,
        drawn: int | None = None,
    ) -> None:
        require_installed("captum", "torch", "timm", "safetensors")
        self.networks = open_networks(bundle, drawn=drawn)
        self.method, self.explained = method, explained
        self._shares = _seen_shares(bundle.manifest)
        if method == "cam":
            self.layers = [
                [_last_map(member) for member in network.networks] for network in self.networks
            ]

    def __call__(self, cutout: NDArray[np.uint8], sky: NDArray[np.uint8]) -> Doubles:
        """(side, side) the mean map of all networks; above 0 where the answer rests on a pixel."""
        maps = [self._map(number, cutout, sky) for number in range(len(self.networks))]
        return np.asarray(np.mean(maps, axis=0))

    def _map(self, number: int, cutout: NDArray[np.uint8], sky: NDArray[np.uint8]) -> Doubles:
        import torch
        from captum.attr import IntegratedGradients, LayerGradientXActivation

        network = self.networks[number]
        image, base = (
            network.read(torch.from_numpy(np.ascontiguousarray(each[None])))
            for each in (cutout, sky)
        )

        def share(images: Any) -> Any:
            return self.explained.of(network.outputs_of(images).values)

        if self.method == "cam":
            parts = LayerGradientXActivation(share, self.layers[number]).attribute(image)
            relevance = sum(part.detach() for part in parts)
            maps = relevance.sum(dim=1).numpy().astype(np.float64)
            pixels = _drawn_together(maps, self._shares, image.shape[-1])
        else:
            relevance = IntegratedGradients(share).attribute(
                image, baselines=base, n_steps=_STEPS, internal_batch_size=8
            )
            pixels = relevance.detach().sum(dim=1)[0].numpy().astype(np.float64)
            # Single pixels are noise: what counts is the light of a few of them together.
            pixels = cv2.GaussianBlur(pixels, (0, 0), len(pixels) / 32)
        return _in_cutout(np.asarray(pixels), len(cutout))


def _seen_shares(manifest: Manifest) -> list[float]:
    """What a network sees of each frame of an image, as a share of the image's side."""
    taken, inner = manifest.network, 1.0
    if manifest.network_outputs is not None and taken.model.input_size is not None:
        inner = taken.model.input_size / taken.preprocessing.size
    return [frame.share * inner for frame in manifest.frames] or [inner]


def _drawn_together(maps: Doubles, shares: Sequence[float], side: int) -> Doubles:
    """(side, side) the sum of maps of parts of an image about its middle, one for each share.

    Cells are squares of pixels: in between, the maps are drawn smooth.
    """
    drawn = np.zeros((side, side))
    for each, share in zip(maps, shares, strict=True):
        width = round(share * side)
        first = (side - width) // 2
        part = cv2.resize(each, (width, width), interpolation=cv2.INTER_LINEAR)
        # The same sum over all pixels, however large the part is.
        drawn[first : first + width, first : first + width] += part / share**2
    return drawn


class RandomBackend:
    """A bundle's network with random weights: it has learnt nothing."""

    def __init__(self, bundle: Bundle, seed: int) -> None:
        self.networks = open_networks(bundle, drawn=seed)

    def __call__(self, cutouts: NDArray[np.uint8]) -> ModelOutput:
        import torch

        with torch.inference_mode():
            images = torch.from_numpy(cutouts)
            outputs = [network.estimate(images).values for network in self.networks]
            values = torch.stack(outputs).mean(dim=0).numpy()
        return ModelOutput(values, (), np.zeros((len(cutouts), 0), np.float32))


def open_networks(bundle: Bundle, *, drawn: int | None = None) -> list[Any]:
    """The torch networks of a bundle, in evaluation mode: its members, or one with a probe.

    Raises
    ------
    MissingExtraError
        torch is not installed.
    BundleError
        The network cannot be rebuilt.
    """
    require_installed("torch", "timm", "safetensors")
    import torch

    from galaxyclass.networks.probed import ProbedNetwork, build_any
    from galaxyclass.networks.weights import load_weights

    if drawn is None:
        network = load_weights(bundle)
    else:
        with torch.random.fork_rng():  # the caller's own random numbers go on as they were
            torch.manual_seed(drawn)
            network = build_any(bundle.manifest)
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    # A probe stands on all members together.
    return [network] if isinstance(network, ProbedNetwork) else list(network.networks)


def _last_map(network: Any) -> nn.Module:
    """The deepest layer of an encoder whose output is still a map of some cells."""
    import torch

    shapes: list[tuple[nn.Module, torch.Size]] = []
    hooks = [
        module.register_forward_hook(
            lambda module, _, output: (
                shapes.append((module, output.shape)) if isinstance(output, torch.Tensor) else None
            )
        )
        for module in network.encoder.modules()
        if not list(module.children())
    ]
    with torch.inference_mode():
        channels = network.mean.shape[1]
        network(torch.zeros(1, channels, network.side, network.side))
    for hook in hooks:
        hook.remove()
    maps = [layer for layer, shape in shapes if len(shape) == 4 and min(shape[2:]) >= _SMALLEST]
    if not maps:
        raise BundleError(
            "this network has no layer with a map",
            wanted="an encoder of convolutions",
            hint="explain it by occlusion: `method='occlusion'`",
        )
    return maps[-1]


def _in_cutout(pixels: Doubles, side: int) -> Doubles:
    """A map of the middle of a cutout, which the network sees, with 0 around it."""
    edge = (side - len(pixels)) // 2
    whole = np.zeros((side, side))
    whole[edge : edge + len(pixels), edge : edge + len(pixels)] = pixels
    return whole
