"""What a finetuning begins with: a model, and the frames in which it looks at each galaxy."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from galaxyclass.arguments import Settings
from galaxyclass.errors import BundleError, RecipeError
from galaxyclass.finetuning.bare_encoder import bare_encoder
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import Manifest, NetworkOutputs
from galaxyclass.model.frames import Frame
from galaxyclass.model.load import open_model, single_bundle
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.pretrained import shown_folder
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import RECIPES, as_recipe
from galaxyclass.recipes.settings import as_assignments

log = logging.getLogger(__name__)

#: The frames by default, as shares of the largest: √2 times the model's own frame, its own, and
#: 1/√2 times its own. An image that is smaller than the largest takes its place.
_SHARES = (1.0, 0.7071, 0.5)

#: The model's own frame counts so many times as much as any other: it was trained in it.
_OWN = 2

_FRAME = "images.frame"

#: Pixels: the smallest frame, and the largest side of a cutout that has all frames.
_SMALLEST, _LARGEST = 8, 1024


@dataclass(frozen=True)
class Beginning:
    """A model, and how it looks at galaxies.

    Attributes
    ----------
    model : Model
        Of one bundle, without a probe.
    preprocessing : Preprocessing
        From an image to the cutout that has all frames.
    frames : tuple of Frame
        `Manifest.frames`; none: the network takes the cutout.
    """

    model: Model
    preprocessing: Preprocessing
    frames: tuple[Frame, ...]

    @property
    def network(self) -> Manifest:
        """The manifest of the model."""
        return self.model.bundles[0].manifest

    @property
    def manifest(self) -> Manifest:
        """The model's manifest with this cutout and these frames, as that of a finetuned model."""
        network = self.network
        preprocessing = network.preprocessing if self.frames else None
        return replace(
            network,
            preprocessing=self.preprocessing,
            frames=self.frames,
            auxiliary=(),
            network_outputs=NetworkOutputs(network.task, network.auxiliary, preprocessing),
        )


@contextmanager
def open_beginning(
    model: str | Path | Model, options: InferenceOptions | None, settings: Settings = ()
) -> Iterator[Beginning]:
    """The model to begin with, while the context lasts; of a finetuned one, without its probe.

    Raises
    ------
    BundleError
        Not a model; several; an exported network that was finetuned.
    RecipeError, MissingExtraError
        See `galaxyclass.finetuning.bare_encoder.bare_encoder`; or settings that no model has.
    """
    texts = as_assignments(settings)
    others = [text for text in texts if _key(text) != _FRAME]
    stated = [text for text in texts if _key(text) == _FRAME]
    frames = _read_frames(stated[-1]) if stated else None
    if _is_recipe(model):
        assert not isinstance(model, Model)
        largest = [f"{_FRAME}={_text(frames[0])}"] if frames else []
        with bare_encoder(as_recipe(model, [*others, *largest]), options) as encoder:
            yield _in_frames(encoder, frames)
        return
    model = open_model(model, options)
    bundle = single_bundle(model, "finetune")
    if others:
        raise RecipeError(
            f"a model has no setting but {_FRAME}",
            wanted=_FRAME,
            got=", ".join(sorted(set(map(_key, others)))),
            hint="leave the others out of `settings`; a recipe in place of the model has them",
        )
    if bundle.manifest.network_outputs is not None:
        if not bundle.has("probe"):
            raise BundleError(
                f"{shown_folder(bundle.folder)}: an exported network that was finetuned cannot be "
                "finetuned",
                wanted="the folder of the finetuning, or the model that it began with",
                got="a file",
            )
        log.info("%s was finetuned: its network is used, with a new probe", model.name)
        model = Model(model.sources, [bundle.without_probe], model.options)
    yield _in_frames(model, frames)


def _in_frames(model: Model, stated: Sequence[int | None] | None) -> Beginning:
    """A model in the frames that were stated, or in those by default.

    Raises
    ------
    RecipeError
        The largest frame is too many times the smallest one; or the cutout has no frame.
    """
    (bundle,) = model.bundles
    preprocessing = bundle.manifest.preprocessing
    if preprocessing.cutout != "centre":
        if stated is not None:
            raise RecipeError(
                f"{_FRAME}: the model's cutout has no frame",
                wanted="a model whose cutout is the image's centre",
                got=f"the cutout {preprocessing.cutout!r}",
                hint="leave it out of `settings`",
            )
        return Beginning(model, preprocessing, ())
    if stated is None:
        frame = None if preprocessing.frame is None else round(preprocessing.frame / _SHARES[1])
        shares: tuple[float, ...] = _SHARES
    elif len(stated) == 1:
        changed = preprocessing.model_copy(update={"frame": stated[0]})
        return Beginning(_with_cutout(model, bundle, changed), changed, ())
    else:
        sides = [side for side in stated if side is not None]
        frame = max(sides)
        shares = tuple(round(side / frame, 4) for side in sides)
    size = round(preprocessing.size / min(shares))
    if stated is None:
        size = min(size, _LARGEST)
    if size > _LARGEST:
        raise RecipeError(
            f"{_FRAME}: the largest frame is {1 / min(shares):.3g} times the smallest one",
            wanted=f"at most {_LARGEST / preprocessing.size:.3g} times",
            got=", ".join(map(str, stated or ())),
        )
    whole = preprocessing.model_copy(update={"frame": frame, "size": size})
    return Beginning(model, whole, _weighted(shares, preprocessing.frame, frame))


def _weighted(shares: Sequence[float], usual: int | None, largest: int | None) -> tuple[Frame, ...]:
    """The frames with their weights; that of the model's own frame is `_OWN` times the others'.

    Examples
    --------
    >>> [frame.weight for frame in _weighted((1.0, 0.7071, 0.5), 205, 290)]
    [0.25, 0.5, 0.25]
    >>> [frame.weight for frame in _weighted((1.0, 0.5), 205, 80)]
    [0.5, 0.5]
    """
    # Without a largest frame that is the whole image, and so is the model's own.
    own_share = 1.0 if largest is None else (usual or 0) / largest
    counts = [_OWN if abs(share - own_share) < 0.005 else 1 for share in shares]
    return tuple(
        Frame(share, count / sum(counts)) for share, count in zip(shares, counts, strict=True)
    )


def _with_cutout(model: Model, bundle: Bundle, preprocessing: Preprocessing) -> Model:
    manifest = replace(bundle.manifest, preprocessing=preprocessing)
    return Model(model.sources, [replace(bundle, manifest=manifest)], model.options)


def _read_frames(text: str) -> Sequence[int | None]:
    """The frames of a setting: one, which may be none (the whole image), or several, largest first.

    Raises
    ------
    RecipeError
        Not sides in pixels.

    Examples
    --------
    >>> _read_frames("images.frame=205,290"), _read_frames("images.frame=none")
    ([290, 205], [None])
    """
    stated = text.partition("=")[2].strip()
    if stated == "none":
        return [None]
    values = [value.strip() for value in stated.strip("[] ,").split(",")]
    if not all(value.isdecimal() and int(value) >= _SMALLEST for value in values):
        raise RecipeError(
            f"{_FRAME}: not the side of a part of an image",
            wanted=f"pixels, {_SMALLEST} or more, such as 205; several, such as 287,205; or none, "
            "the whole image",
            got=stated,
        )
    return sorted(set(map(int, values)), reverse=True)


def _key(text: str) -> str:
    return text.partition("=")[0].strip()


def _text(frame: int | None) -> str:
    return "none" if frame is None else str(frame)


def _is_recipe(model: str | Path | Model) -> bool:
    """Whether it is a recipe, or names one: a name of a recipe that is no folder, or TOML."""
    if isinstance(model, Model):
        return False
    path = Path(model)
    return path.suffix.lower() == ".toml" or (str(model) in RECIPES and not path.exists())
