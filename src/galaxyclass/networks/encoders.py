"""The encoders: those of this package, and all of timm's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxyclass.errors import BundleError, MissingExtraError, RecipeError
from galaxyclass.extras import require
from galaxyclass.io.reading import require_ordinary
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.onnx_file import is_exported
from galaxyclass.model.bundle.recovered import current_names, recover_weights
from galaxyclass.model.pretrained import is_pretrained
from galaxyclass.networks.equivariant import EquivariantEncoder
from galaxyclass.networks.notebook import NotebookEncoder
from galaxyclass.networks.residual import ResidualEncoder
from galaxyclass.networks.small import Cnn100Encoder, TwoLayerEncoder
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.short import first_line


def resnet10(channels: int, _side: int) -> nn.Module:
    """The residual network of timm with one basic block a stage: 2.85 million parameters.

    Its design (docs/reference-designs.md#hundred-classes) has "about 2.9 million" and states no
    widths: these are the nearest in steps of 32 that increase from stage to stage.
    """
    resnet = require("timm.models.resnet")
    encoder: nn.Module = resnet.ResNet(
        resnet.BasicBlock,
        [1, 1, 1, 1],
        num_classes=0,
        in_chans=channels,
        channels=(64, 96, 192, 384),
    )
    return encoder


#: Name -> function from (channels, width) to an encoder of this package that has a `model.width`.
SCALABLE: dict[str, Callable[[int, float], nn.Module]] = {
    "residual": ResidualEncoder,
    "equivariant": EquivariantEncoder,
}

#: Name -> function from (channels, side) to an encoder of this package that has one width.
FIXED: dict[str, Callable[[int, int], nn.Module]] = {
    "notebook": NotebookEncoder,
    "two_layer_cnn": TwoLayerEncoder,
    "cnn100": Cnn100Encoder,
    "resnet10": resnet10,
}

#: All of them. Other names are those of timm.
ENCODERS = (*SCALABLE, *FIXED)

#: Encoders whose weights fit cutouts of one size only.
ONE_SIZE = ("notebook", "two_layer_cnn", "cnn100")


def build_encoder(model: NetworkSettings, channels: int, side: int, *, fresh: bool) -> nn.Module:
    """The encoder of a recipe: ``(galaxies, channels, side, side)`` to ``(galaxies, features)``.

    Parameters
    ----------
    model : NetworkSettings
    channels, side : int
        Of the cutouts.
    fresh : bool
        Whether to load the initial weights that the recipe names; False where the weights of a
        trained network are loaded afterwards.

    Raises
    ------
    RecipeError
        No such encoder, or not of that width; published weights that cannot be loaded; weights of
        another encoder.
    """
    if model.width != 1 and model.encoder not in SCALABLE:
        raise RecipeError(
            f"model.width: {model.encoder} has one width",
            wanted=f"1, or the encoder {' or '.join(SCALABLE)}",
            got=f"{model.width:g}",
        )
    if model.encoder in ENCODERS:
        if model.pretrained:
            raise RecipeError(
                f"model.pretrained: nobody has published weights of {model.encoder}",
                wanted="a timm encoder, for instance model.encoder=resnet18",
                hint="try `model.pretrained=false`, or `model.weights=FILE`",
            )
        encoder = (
            SCALABLE[model.encoder](channels, model.width)
            if model.encoder in SCALABLE
            else FIXED[model.encoder](channels, side)
        )
    else:
        encoder = _from_timm(model, channels, pretrained=fresh and model.pretrained)
    if fresh and model.weights is not None:
        path, made_for = _weights_file(model.weights)
        _load_encoder(encoder, path, made_for)
    return encoder


def _weights_file(name: str) -> tuple[Path, str]:
    """The file of a recipe's weights, and the settings of the network that it is of.

    That is the file itself, of which no settings are known, or the file of a run or of the
    pretrained model.
    """
    path = Path(name)
    if not is_pretrained(name) and not path.is_dir():
        return path, ""
    bundle = load_bundle(path)
    network = bundle.manifest.model
    settings = f"`model.encoder={network.encoder}`"
    if network.encoder in SCALABLE:
        settings += f" with `model.width={network.width:g}`"
    settings += f" (its recipe was {bundle.manifest.recipe})"
    return (bundle.weights if bundle.has("weights") else bundle.network), settings


def encoder_statistics(model: NetworkSettings, channels: int) -> tuple[list[float], list[float]]:
    """Mean and spread per channel for which the encoder was published; values 0 to 1."""
    if model.normalisation != "encoder" or model.encoder in ENCODERS:
        return [0.0] * channels, [1.0] * channels
    timm = require("timm")
    published = timm.models.get_pretrained_cfg(model.encoder)
    mean, std = list(published.mean), list(published.std)
    if channels == 3:
        return mean, std
    return [sum(mean) / 3] * channels, [sum(std) / 3] * channels


def _from_timm(model: NetworkSettings, channels: int, *, pretrained: bool) -> nn.Module:
    timm = require("timm")
    if not timm.is_model(model.encoder):
        close = get_close_matches(model.encoder, [*ENCODERS, *timm.list_models()], n=3)
        raise RecipeError(
            f"model.encoder: no encoder {model.encoder!r}",
            wanted=f"{', '.join(ENCODERS)}, or a model of timm",
            hint=f"did you mean {' or '.join(close)}?"
            if close
            else "timm.list_models() has all; one of your own is registered by "
            "timm.models.register_model in the same program",
        )
    arguments: dict[str, Any] = {"num_classes": 0, "in_chans": channels}
    try:
        encoder: nn.Module = timm.create_model(model.encoder, pretrained=pretrained, **arguments)
    except Exception as error:
        if not pretrained:
            raise
        # timm and its hub raise many errors where the internet or the weights are missing
        raise RecipeError(
            f"the published weights of {model.encoder} cannot be had",
            got=f"{type(error).__name__}: {first_line(error)}",
            hint="check the network, or name a downloaded file: `model.weights=FILE` "
            "and `model.pretrained=false`",
        ) from error
    return encoder


def _load_encoder(encoder: nn.Module, path: Path, made_for: str = "") -> None:
    """Load weights from a file into an encoder; a classifier in the file is left out.

    ``made_for`` are the settings of the network that the file is of, in words, where known.
    """
    try:
        require_ordinary(path)
        if path.suffix == ".safetensors":
            loaded = require("safetensors.torch").load_file(path)
        elif is_exported(path):
            weights = recover_weights(path)
            loaded = {name: torch.from_numpy(value) for name, value in weights.items()}
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except MissingExtraError:
        raise
    except Exception as error:
        # torch.load raises anything from UnpicklingError to KeyError on other files. Its message
        # advises to run the code in them, and is not passed on.
        raise RecipeError(
            f"model.weights: {path} cannot be read",
            wanted="a .safetensors file, a .pth file of plain tensors, or an .onnx file that "
            "`galaxyclass.export` wrote",
            got=str(error)
            if isinstance(error, OSError | BundleError)
            else f"neither ({type(error).__name__})",
        ) from error
    state = current_names(loaded.get("state_dict", loaded))
    # Of a network of this package, or of the first of an ensemble: its encoder.
    own_encoder = {
        name.removeprefix(prefix): value
        for prefix in ("encoder.", "members.0.encoder.")
        for name, value in state.items()
        if name.startswith(prefix)
    }
    state = own_encoder or state
    wanted = encoder.state_dict()
    usable = {
        name: value
        for name, value in state.items()
        if name in wanted and value.shape == wanted[name].shape
    }
    if not usable:
        usable = _by_order(state, wanted)
    missing = [name for name in wanted if name not in usable and "num_batches" not in name]
    if missing:
        name = missing[0]
        raise RecipeError(
            f"model.weights: {path} does not fit the encoder",
            wanted=f"{name} of shape {tuple(wanted[name].shape)} and {len(wanted) - 1} others",
            got=f"{tuple(state[name].shape)}" if name in state else f"no {name}",
            hint=f"the file is of {made_for}"
            if made_for
            else "set model.encoder to the network that the file was made for",
        )
    encoder.load_state_dict(usable, strict=False)


def _by_order(
    state: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Weights of the same network under other names: tensors are matched by their order.

    Only where the shape and the last part of the name (``weight``, ``running_mean`` …) of every
    tensor match; further tensors, those of a classifier, are left out.
    """
    pairs = list(zip(state.items(), wanted.items(), strict=False))
    fits = len(state) >= len(wanted) and all(
        value.shape == target.shape and name.rpartition(".")[2] == other.rpartition(".")[2]
        for (name, value), (other, target) in pairs
    )
    return {other: value for (_, value), (other, _) in pairs} if fits else {}
