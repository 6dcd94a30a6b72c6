"""The pretrained model: where it lies, and the word that means it wherever a run can be named."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.manifest import MANIFEST

#: What means the pretrained model; a folder of that name is meant by its absolute path.
PRETRAINED = "pretrained"

#: Where it lies within the package, and the text about it that lies beside it.
PRETRAINED_NAME = "galaxy-zoo-2"
CARD = "MODEL_CARD.md"


def is_pretrained(source: object) -> bool:
    """Whether a model is named by the word for the pretrained one.

    Examples
    --------
    >>> is_pretrained("pretrained"), is_pretrained(Path("pretrained")), is_pretrained("runs/a")
    (True, True, False)
    """
    return isinstance(source, str | Path) and str(source) == PRETRAINED


def pretrained_folder() -> Path:
    """The folder of the package that is meant for the pretrained model, there or not."""
    return Path(str(files("galaxyclass.model"))) / PRETRAINED_NAME


def find_pretrained() -> Path:
    """The folder of the pretrained model.

    Raises
    ------
    BundleError
        This package has none.
    """
    folder = pretrained_folder()
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            "no pretrained model: this galaxyclass was made without one",
            wanted="the folder of a training",
            hint="name a run, as `run`",
        )
    return folder
