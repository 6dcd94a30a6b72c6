"""Limits of a stretch that hold for all pictures of a survey."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxyclass.errors import ImageError, RecipeError
from galaxyclass.images.compressed import decompress
from galaxyclass.images.decode import decode_bands
from galaxyclass.images.decoded import BYTES_PER_PIXEL, MAX_PIXELS
from galaxyclass.images.read import read_file
from galaxyclass.images.render import RenderSettings, choose_bands
from galaxyclass.images.stretch import find_limits
from galaxyclass.recipes.preprocessing import Preprocessing

#: Pictures that are measured, at most.
_MOST = 200


def with_survey_limits(preprocessing: Preprocessing, paths: Sequence[str]) -> Preprocessing:
    """The settings with numbers in the place of ``limits="survey"``; others come back as they are.

    Parameters
    ----------
    preprocessing : Preprocessing
    paths : sequence of str
        The training pictures, of which 200 at most are measured, evenly spread. A limit of the
        survey is the median of the pictures' own, for each band.

    Raises
    ------
    RecipeError
        None of the pictures is in bands.
    """
    if preprocessing.limits != "survey":
        return preprocessing
    settings = RenderSettings.of(preprocessing.model_dump())
    stretch = settings.stretched(preprocessing.stretch or "asinh")
    measured, problem = [], "pictures of grey levels"
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(_MOST, len(paths))).round().astype(int))
    for index in chosen.tolist() if len(paths) else ():
        try:
            data = decompress(read_file(paths[index])[0], BYTES_PER_PIXEL * MAX_PIXELS)
            image = decode_bands(data, settings)
            if image is not None:
                pixels = choose_bands(image, settings)[1]
                measured.append([find_limits(band, stretch) for band in np.moveaxis(pixels, -1, 0)])
        except ImageError as error:
            problem = str(error)
    if not measured:
        raise RecipeError(
            "images.limits: survey, and none of the pictures is in bands", got=problem
        )
    medians = np.median(np.array(measured), axis=0)
    limits = tuple((float(f"{low:.6g}"), float(f"{high:.6g}")) for low, high in medians)
    return preprocessing.model_copy(update={"limits": limits})
