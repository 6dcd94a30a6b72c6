"""From a file straight to its cutout: the one way by which all that a model sees is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.images.cutouts import prepare
from galaxyclass.images.read import read_image

if TYPE_CHECKING:
    from galaxyclass.recipes import Preprocessing


def read_cutout(path: str | Path, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Read an image file and cut out of it what a model sees.

    Parameters
    ----------
    path : str or Path
        The file; see `read_image`.
    preprocessing : Preprocessing

    Returns
    -------
    (size, size, channels) uint8 array
        0..255, row 0 at the top; channels are red, green, blue, or one grey.

    Raises
    ------
    ImageError
        As `read_image` raises it, with the path in the message.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> from galaxyclass.recipes import Preprocessing
    >>> path = Path(tempfile.mkdtemp()) / "orange.png"
    >>> Image.new("RGB", (40, 30), (255, 128, 0)).save(path)
    >>> read_cutout(path, Preprocessing(cutout="centre", size=16)).shape
    (16, 16, 3)
    """
    return prepare(read_image(path, preprocessing.colour), preprocessing)
