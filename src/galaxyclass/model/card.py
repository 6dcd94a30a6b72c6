"""What a model is, in words: its name, and its card."""

from __future__ import annotations

from pathlib import Path

from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.frames import frame_sides, shares_in_words
from galaxyclass.model.pretrained import CARD, PRETRAINED_NAME, is_pretrained
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import counted


def model_name(source: Path) -> str:
    """What a model is called: as its folder, or its file."""
    if is_pretrained(source):
        return PRETRAINED_NAME
    name = source.stem if source.is_file() else source.resolve().name
    return source.resolve().parent.name if name == "bundle" else name


def card_of(bundle: Bundle) -> str:
    """The model card of a bundle; one made from its files where it has none."""
    file = bundle.folder / CARD
    if file.is_file():
        return file.read_text(encoding="utf-8")
    return _described(bundle.manifest, bundle)


def _described(manifest: Manifest, bundle: Bundle) -> str:
    """A card made from a bundle's files."""
    cutout = manifest.preprocessing
    lines = [
        f"# {model_name(bundle.folder)}",
        "",
        f"- Predicts {manifest.task.count} {manifest.task.output_word} for each galaxy.",
        f"- Made by the recipe `{manifest.recipe}` of galaxyclass {manifest.version}: "
        f"{counted(manifest.members, 'network')}, encoder `{manifest.model.encoder}`.",
        f"- Sees cutouts of {cutout.size} × {cutout.size} pixels ({channels_of(cutout)}).",
        *_frames(manifest),
        f"- {counted(manifest.views, 'test-time view')} by default.",
        *_rounding(manifest),
        "- Calibrated." if bundle.has("calibration") else "- Not calibrated.",
        f"- Identity: {manifest.digest}",
        "",
        "There is no model card; its run folder tells what it was trained on.",
        "",
    ]
    return "\n".join(lines)


def _frames(manifest: Manifest) -> list[str]:
    """A line of the card on a model that looks at each galaxy in several frames."""
    if not manifest.frames:
        return []
    return [
        f"- Looks at each galaxy in {frame_sides(manifest.preprocessing, manifest.frames)}, each "
        f"shrunk to {manifest.network.preprocessing.size} pixels, which takes "
        f"{len(manifest.frames)} times as long as one; of a smaller image it takes "
        f"{shares_in_words(manifest.frames)}."
    ]


def _rounding(manifest: Manifest) -> list[str]:
    """A line of the card on a network in 8-bit integers."""
    rounded = manifest.quantisation
    if rounded is None:
        return []
    return [
        "- Computes in 8-bit integers but for its last layers: fractions differ from those in "
        f"32-bit floats by {rounded.rms:.2g} (root mean square), {rounded.largest:.2g} at most, on "
        f"{counted(rounded.compared, 'image')}."
    ]


def channels_of(cutout: Preprocessing) -> str:
    """The channels of a cutout in a word, and the stretch that makes them."""
    named = {"rgb": "RGB", "grey": "grey"}.get(cutout.colour, " ".join(cutout.bands))
    return f"{named} ({cutout.stretch})" if cutout.stretch else named


def cutout_in_words(manifest: Manifest) -> str:
    """What the network takes of an image, in few words."""
    taken = manifest.network.preprocessing
    words = f"{taken.size} px {channels_of(taken)}"
    if manifest.frames:
        words += f" in {frame_sides(manifest.preprocessing, manifest.frames)}"
    return words
