"""The pretrained model: its folder, and the word that names it in place of a run."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.manifest import MANIFEST

#: The word for the pretrained model; a folder of that name needs its absolute path.
PRETRAINED = "pretrained"

#: Its folder in the package, and the model card in it.
PRETRAINED_NAME = "galaxy-zoo-2"
CARD = "MODEL_CARD.md"


def is_pretrained(source: object) -> bool:
    """Whether a source is the word for the pretrained model.

    Examples
    --------
    >>> is_pretrained("pretrained"), is_pretrained(Path("pretrained")), is_pretrained("runs/a")
    (True, True, False)
    """
    return isinstance(source, str | Path) and str(source) == PRETRAINED


def pretrained_folder() -> Path:
    """The folder of the pretrained model; it need not exist."""
    return Path(str(files("galaxyclass.model"))) / PRETRAINED_NAME


def shown_folder(folder: Path) -> str:
    """A model's folder in messages; the word for the pretrained one, which a user can type."""
    return PRETRAINED if folder == pretrained_folder() else str(folder)


def find_pretrained() -> Path:
    """The folder of the pretrained model.

    Raises
    ------
    BundleError
        This package was built without it.
    """
    folder = pretrained_folder()
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            "no pretrained model: this galaxyclass was built without it",
            wanted="the folder of a training",
            hint="name another, as `model`",
        )
    return folder
