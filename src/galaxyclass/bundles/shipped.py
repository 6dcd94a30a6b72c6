"""The model in the box: the bundle that comes with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from galaxyclass.bundles.load import MANIFEST, Bundle, load_bundle
from galaxyclass.errors import BundleError

#: Where it lies within the package, and the text about it that lies beside it.
BOX = "box"
CARD = "MODEL_CARD.md"


def box_folder() -> Path:
    """The folder of the package that is meant for the model in the box, there or not."""
    return Path(str(files("galaxyclass.bundles"))) / BOX


def box_bundle() -> Bundle:
    """The model in the box.

    Raises
    ------
    BundleError
        This package has none, or its files are damaged.
    """
    folder = box_folder()
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            "no model in the box: this galaxyclass was made without one",
            wanted="the folder of a training",
            todo="name it: galaxyclass predict RUN …",
        )
    return load_bundle(folder)
