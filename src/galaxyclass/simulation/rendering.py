"""Rendering a galaxy's image in the manner of the Galaxy Challenge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation import camera, interactions, sky
from galaxyclass.simulation.galaxy import shine
from galaxyclass.simulation.grid import Grid, Light, frame
from galaxyclass.simulation.morphology import Morphology

#: Side of the challenge's images, pixels.
SIZE = 424


def render(morphology: Morphology, size: int = SIZE, *, field: float = 1.0) -> NDArray[np.uint8]:
    """Draw a galaxy as a colour image like those of the Galaxy Challenge.

    Parameters
    ----------
    morphology : Morphology
        The truth. Its seed also fixes noise and neighbours: a galaxy always has the same image.
    size : int
        Side of the image in pixels, 8 or more. The scene does not depend on it, its sampling
        does (and the noise: larger pixels gather more light).
    field : float
        Share of the frame's side that is shown around the centre, above 0 to 1: ``size=64,
        field=0.5`` is what a cutout of the central half shows when shrunk to 64 pixels.

    Returns
    -------
    (size, size, 3) uint8, RGB

    Examples
    --------
    >>> import numpy as np
    >>> from galaxyclass.simulation.morphology import draw_morphology
    >>> image = render(draw_morphology(np.random.default_rng(1)), 64, field=0.5)
    >>> image.shape, image.dtype, bool(image[32, 32].mean() > image[0, 0].mean())
    ((64, 64, 3), dtype('uint8'), True)
    """
    # The camera's own pixels, or larger pixels where the image could not show them.
    arcsec = sky.FRAME * field * morphology.radius
    side = int(np.clip(round(arcsec / camera.PIXEL), 24, max(24, min(2 * size, SIZE))))
    scene, faults, noise = (np.random.default_rng((morphology.seed, i)) for i in range(3))
    light = _scene(morphology, frame(side, sky.FRAME * field), scene, faults)
    shown = camera.stretch(camera.observe(light, morphology.seeing, arcsec / side, noise))
    if arcsec / side < 1.2 * camera.PIXEL:
        # Larger pixels average away the effects of compression.
        shown = camera.compress(shown)
    if side != size:
        method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        shown = np.asarray(cv2.resize(shown, (size, size), interpolation=method), dtype=np.float32)
    if morphology.defect == "seam":
        sky.draw_seam(shown, field, faults)
    return np.clip(np.rint(shown), 0, 255).astype(np.uint8)


def _scene(
    morphology: Morphology,
    grid: Grid,
    rng: np.random.Generator,
    faults: np.random.Generator,
) -> Light:
    """Light of galaxy, neighbours and defects, nanomaggies per square arcsec."""
    radius = morphology.radius
    # A generator of their own: neighbours stay the same when the galaxy is changed.
    around = np.random.default_rng((morphology.seed, 3))
    light = sky.neighbours(grid, radius, around) / np.float32((grid.step * radius) ** 2)
    if morphology.defect == "glare":
        light += sky.glare(grid, faults)
    elif morphology.defect == "trail":
        light += sky.trail(grid, faults)
    if morphology.kind == "star":
        return light + sky.star(grid, radius, rng)
    galaxy = shine(morphology, grid, rng)
    if morphology.odd == "merger":
        galaxy += interactions.companion(morphology, grid, rng)
    elif morphology.odd == "disturbed":
        galaxy += interactions.plume(morphology, grid, rng)
    elif morphology.odd == "lens":
        galaxy += interactions.arc(morphology, grid, rng)
    elif morphology.odd == "other":
        galaxy += interactions.curiosity(morphology, grid, rng)
    return light + galaxy * np.float32(10 ** (0.4 * (22.5 - morphology.magnitude)) / radius**2)
