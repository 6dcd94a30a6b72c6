"""The pretrained model: the bundle that comes with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.load import MANIFEST, Bundle, load_bundle

#: Where it lies within the package, and the text about it that lies beside it.
BOX = "galaxy-zoo-2"
CARD = "MODEL_CARD.md"


def pretrained_folder() -> Path:
    """The folder of the package that is meant for the pretrained model, there or not."""
    return Path(str(files("galaxyclass.model"))) / BOX


def pretrained_bundle() -> Bundle:
    """The pretrained model.

    Raises
    ------
    BundleError
        This package has none, or its files are damaged.
    """
    folder = pretrained_folder()
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            "no pretrained model: this galaxyclass was made without one",
            wanted="the folder of a training",
            hint="name a run, as `run`",
        )
    return load_bundle(folder)
