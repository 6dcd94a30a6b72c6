"""The settings of a recipe, in typed sections; the help is made from the fields' descriptions."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import tomli_w
from pydantic import Field, model_validator

from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.section import Section
from galaxyclass.short import short_path, summary

Head = Literal["auto", "sigmoid", "softmax", "tree", "tree_rectified", "linear", "dirichlet"]
Loss = Literal["auto", "mse", "bce", "cross_entropy", "focal", "huber", "dirichlet_multinomial"]


class About(Section):
    """Title and source, for the list of recipes."""

    title: str = Field(description="one line")
    source: str = Field("", description="the design that it reproduces")


class Split(Section):
    """Shares of the galaxies held out of training, drawn from the seed."""

    validation: float = Field(0.2, gt=0, lt=1, description="share on which each epoch is scored")
    test: float = Field(0.0, ge=0, lt=1, description="share that training never uses")
    seed: int | None = Field(
        None,
        ge=0,
        description="seed of the draw; none: the training's. With a value, networks of several "
        "seeds hold out the same galaxies",
    )
    fold: tuple[int, int] | None = Field(
        None,
        description="[1, 4]: deal the training galaxies to four folds, and leave out the first; "
        "none: train on all",
    )


class Augmentation(Section):
    """Random changes of each training cutout, as one affine transform, then colour."""

    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        "both", description="mirrors, each with probability one half"
    )
    rotation: float = Field(180, ge=0, le=180, description="largest rotation either way, degrees")
    zoom: tuple[float, float] = Field(
        (1.0, 1.0), description="smallest and largest magnification of the galaxy"
    )
    zoom_axes: Literal["together", "independent"] = Field(
        "together", description="one magnification for both axes, or one each"
    )
    shift: float = Field(0.0, ge=0, le=0.5, description="largest shift, as a share of the side")
    fill: Literal["reflect", "nearest", "black"] = Field(
        "reflect", description="what fills the area beyond the edge of the cutout"
    )
    brightness: float = Field(0.0, ge=0, lt=1, description="largest relative change of brightness")
    contrast: float = Field(0.0, ge=0, lt=1, description="largest relative change of contrast")
    colour: float = Field(
        0.0, ge=0, lt=1, description="largest relative change of each channel, independently"
    )
    mirror_pairs: tuple[str, ...] = Field(
        (),
        description="classes that a mirror turns into each other, as A:B: the mirror image of a "
        "galaxy of class A has class B, and the reverse",
    )

    @model_validator(mode="after")
    def _mirrors_are_made(self) -> Augmentation:
        """Classes that a mirror swaps need mirrors."""
        if self.mirror_pairs and self.flip == "none":
            raise ValueError(
                "augmentation.mirror_pairs: augmentation.flip=none makes no mirror images: leave "
                "one of them out"
            )
        return self


#: Encoders whose features do not change when the cutout is mirrored or turned by quarters.
INVARIANT = ("equivariant",)


class NetworkSettings(Section):
    """The network: an encoder, which turns a cutout into features, and a head."""

    encoder: str = Field(description="a network of this package, or the name of any timm model")
    width: float = Field(
        1.0,
        gt=0,
        le=16,
        description="channels of residual and equivariant, as a multiple of the usual number",
    )
    input_size: int | None = Field(
        None, ge=8, description="side of the cutout's centre that enters the network; none: all"
    )
    head: Head = Field(
        "auto",
        description="auto follows the table: tree for votes, softmax for classes, linear for "
        "numbers, dirichlet for counts. sigmoid: each answer by itself; tree: softmax within a "
        "question; tree_rectified: rectified and divided",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the last layer")
    normalisation: Literal["unit", "encoder", "per_feature"] = Field(
        "unit",
        description="unit: values 0 to 1; encoder: the mean and spread that timm states; "
        "per_feature: of each pixel and channel over the training galaxies",
    )
    feature_norm: bool = Field(
        False, description="batch normalisation of the features before the last layer"
    )
    pretrained: bool = Field(False, description="start from timm's published weights")
    weights: str | None = Field(
        None,
        description="start from the encoder weights in this file: .safetensors, .pth, or .onnx as "
        "`galaxyclass.export` writes it; pretrained: from those of the pretrained model",
    )

    def invariant(self, side: int) -> bool:
        """Whether predictions stay the same when a galaxy is mirrored or turned by quarters.

        Parameters
        ----------
        side : int
            Of the cutouts, pixels. Halving treats all sides alike only where both ends are kept.
        """
        whole = (self.input_size or side) % 16 == 1
        return self.encoder in INVARIANT and whole and self.normalisation != "per_feature"


class Optimizer(Section):
    """The optimizer: how gradients change the weights."""

    name: Literal["adam", "adamw", "sgd", "muon"] = Field(
        "adamw",
        description="the method; muon: orthogonal steps for kernels, adamw for other weights",
    )
    lr: float = Field(1e-3, gt=0, description="learning rate; with one_cycle its peak")
    kernel_lr: float = Field(0.02, gt=0, description="muon: learning rate of the kernels")
    weight_decay: float = Field(0.0, ge=0, description="weight decay")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of sgd and muon")


class Schedule(Section):
    """How the learning rate changes during the training."""

    name: Literal["constant", "step", "plateau", "cosine", "one_cycle"] = Field(
        "constant", description="the rule"
    )
    step_factor: float = Field(0.8, gt=0, le=1, description="step: multiplies the rate …")
    step_every: int = Field(10, ge=1, description="… every so many epochs")
    plateau_factor: float = Field(0.2, gt=0, lt=1, description="plateau: multiplies the rate …")
    plateau_patience: int = Field(7, ge=0, description="… after so many epochs without gain")
    plateau_floor: float = Field(1e-5, ge=0, description="plateau: the rate goes no lower")
    warmup: float = Field(
        0.3, ge=0, lt=1, description="one_cycle: share of the training in which the rate rises"
    )


class Training(Section):
    """The training loop: epochs, batches, loss, precision, checkpoint."""

    epochs: int = Field(30, ge=1, description="passes over the training galaxies")
    batch_size: int = Field(64, ge=1, description="galaxies in a step")
    progressive_resizing: tuple[tuple[int, float], ...] = Field(
        (),
        description="smaller cutouts at first: [[48, 0.4], [64, 0.7]] trains on 48 pixels for the "
        "first 0.4 of the epochs, then on 64 until 0.7 of them, then on the full size; validation "
        "uses the same size, and only epochs of full size can be the best or the last",
    )
    loss: Loss = Field(
        "auto",
        description="auto follows the table: mse for votes, cross_entropy for classes, huber for "
        "numbers, dirichlet_multinomial for counts",
    )
    auxiliary_weight: float = Field(
        0.05,
        ge=0,
        description="weight of an auxiliary table's classes in the loss of a votes table",
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: each class has the inverse of its share as weight"
    )
    focal_alpha: float = Field(
        0.25,
        gt=0,
        lt=1,
        description="focal: weight of positive entries; negative ones have 1 less it",
    )
    focal_gamma: float = Field(
        2.0,
        ge=0,
        description="focal: how strongly entries are down-weighted that are right already",
    )
    huber_delta: float = Field(
        1.0,
        gt=0,
        description="huber: errors beyond so many standard deviations of the training galaxies "
        "count linearly, not squared",
    )
    precision: Literal["fp32", "bf16", "auto"] = Field(
        "auto",
        description="fp32: 32-bit floats; bf16: bfloat16 autocast; auto: whichever a short trial "
        "finds faster, bfloat16 only where it is native",
    )
    threads: int = Field(
        0, ge=0, description="CPU threads; 0: all or one, whichever a short trial finds faster"
    )
    shuffle_buffer: int = Field(
        0, ge=0, description="the next galaxy is drawn from a buffer of so many; 0: from all"
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of the weights' moving average per step; 0: none"
    )
    early_stopping: int = Field(
        0, ge=0, description="stop after so many epochs without gain on validation; 0: never"
    )
    keep: Literal["best", "last"] = Field("best", description="the epoch whose weights are kept")
    gradient_clip: float = Field(0.0, ge=0, description="largest norm of the gradient; 0: any")


class Recipe(Section):
    """All settings of a training, apart from the data and the seed."""

    name: str
    about: About
    images: Preprocessing
    split: Split = Split()
    augmentation: Augmentation = Augmentation()
    model: NetworkSettings
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    training: Training = Training()

    def __repr__(self) -> str:
        encoder, size = self.model.encoder, self.images.size
        return summary(
            f"Recipe {short_path(self.name)}: {encoder}, {size} x {size} px, "
            f"{self.training.epochs} epochs"
        )

    def __str__(self) -> str:
        """Every key with its value, as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        """Checks across sections, and between the settings of a section."""
        if self.model.input_size is not None and self.model.input_size > self.images.size:
            raise ValueError(
                f"model.input_size: {self.model.input_size} is more than images.size, "
                f"{self.images.size}"
            )
        if self.split.validation + self.split.test >= 1:
            raise ValueError(
                f"split: validation {self.split.validation:g} and test {self.split.test:g} leave "
                "nothing to train on"
            )
        fold, folds = self.split.fold or (1, 2)
        if not 1 <= fold <= folds or folds < 2:
            raise ValueError(
                f"split.fold: {[fold, folds]} is not a fold and how many there are: [1, 4] to "
                "[4, 4] of four"
            )
        shares = [share for _, share in self.training.progressive_resizing]
        small = [side for side, _ in self.training.progressive_resizing]
        increasing = all(a < b for ends in (shares, small) for a, b in pairwise(ends))
        if (
            not increasing
            or any(not 0 < share < 1 for share in shares)
            or any(s < 8 for s in small)
        ):
            pairs = [list(pair) for pair in self.training.progressive_resizing]
            raise ValueError(
                f"training.progressive_resizing: {pairs} is not a list of increasing sides (8 "
                "pixels or more) with increasing shares between 0 and 1"
            )
        if shares and self.model.normalisation == "per_feature":
            raise ValueError(
                "training.progressive_resizing: model.normalisation=per_feature allows one size "
                "only"
            )
        low, high = self.augmentation.zoom
        if not 0 < low <= high:
            raise ValueError(
                f"augmentation.zoom: {[low, high]} is not a smallest and a largest magnification"
            )
        return self
