"""A galaxy's picture, as the Galaxy Challenge would have shown it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation import camera, surroundings
from galaxyclass.simulation.galaxy import shine
from galaxyclass.simulation.morphology import Morphology

#: Side of a picture in units of the galaxy's radius: 424 pixels of 0.02.
FRAME = 8.48
#: Side of the challenge's pictures, pixels.
SIZE = 424


def render(morphology: Morphology, size: int = SIZE, *, field: float = 1.0) -> NDArray[np.uint8]:
    """Draw a galaxy as a colour picture like those of the Galaxy Challenge.

    Parameters
    ----------
    morphology : Morphology
        The truth; its seed settles noise and neighbours, so that a galaxy has one picture.
    size : int
        Side of the picture in pixels. The scene does not depend on it, only its sampling does.
    field : float
        Share of the frame's side that is shown around the centre, 0..1: ``size=64, field=0.5``
        is what a cutout of the central half, shrunk to 64 pixels, would show.

    Returns
    -------
    (size, size, 3) uint8, RGB

    Examples
    --------
    >>> import numpy as np
    >>> from galaxyclass.simulation import draw_morphology
    >>> picture = render(draw_morphology(np.random.default_rng(1)), 64, field=0.5)
    >>> picture.shape, picture.dtype, bool(picture[32, 32].mean() > picture[0, 0].mean())
    ((64, 64, 3), dtype('uint8'), True)
    """
    assert size >= 8, size
    assert 0 < field <= 1, field
    # The camera's own pixels, or fewer where the picture could not show them.
    arcsec = FRAME * field * morphology.radius
    side = int(np.clip(round(arcsec / camera.PIXEL), 24, max(24, min(2 * size, SIZE))))
    pixel = arcsec / side
    scene, faults, noise = (np.random.default_rng((morphology.seed, i)) for i in range(3))
    half = FRAME * field / 2
    steps = (np.arange(side, dtype=np.float32) + 0.5) * np.float32(2 * half / side) - np.float32(
        half
    )
    x, y = np.meshgrid(steps, -steps)
    light = _scene(morphology, x, y, pixel, scene)
    if morphology.defect == "glare":
        light += surroundings.glare(x, y, faults) * np.float32(pixel**2)
    elif morphology.defect == "trail":
        light += surroundings.trail(x, y, faults) * np.float32(pixel**2)
    light = camera.blur(light, morphology.seeing / pixel)
    # Back to light in a pixel of the camera, whatever the sampling here.
    light *= np.float32((camera.PIXEL / pixel) ** 2)
    shown = camera.stretch(camera.expose(light, pixel / camera.PIXEL, noise))
    if side != size:
        way = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        shown = np.asarray(cv2.resize(shown, (size, size), interpolation=way), dtype=np.float32)
    if morphology.defect == "seam":
        _seam(shown, field, faults)
    return np.clip(np.rint(shown), 0, 255).astype(np.uint8)


def _scene(
    morphology: Morphology,
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    pixel: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Light of everything before the camera, nanomaggies in a pixel."""
    step = pixel / morphology.radius
    soft = 0.4 * step
    # What is around has its own stream, so that it stays when the galaxy is changed.
    around = np.random.default_rng((morphology.seed, 9))
    light = surroundings.neighbours(x, y, morphology.radius, around)
    if morphology.kind == "star":
        star = surroundings.star(morphology, x, y, morphology.radius, rng)
        return light + star * np.float32(pixel**2)
    flux = 10 ** (0.4 * (22.5 - morphology.magnitude))
    own = shine(morphology, x, y, soft, rng)
    if morphology.odd == "merger":
        own += surroundings.companion(morphology, x, y, soft, rng)
    elif morphology.odd == "lens":
        own += surroundings.arc(morphology, x, y, rng)
    elif morphology.odd == "other":
        own += surroundings.curiosity(morphology, x, y, soft, rng)
    return light + own * np.float32(flux * step**2)


def _seam(shown: NDArray[np.float32], field: float, rng: np.random.Generator) -> None:
    """A dark line where two strips of the survey's mosaic meet, near the centre."""
    size = shown.shape[0]
    angle, offset = rng.uniform(0, np.pi), rng.normal(0, 0.03) / field
    middle = np.array([size / 2, size / 2]) + offset * size * np.array(
        [-np.sin(angle), np.cos(angle)]
    )
    along = size * np.array([np.cos(angle), np.sin(angle)])
    ends = np.round(np.stack([middle - along, middle + along]) * 16).astype(np.int32)
    mask = np.zeros((size, size), np.uint8)
    cv2.line(mask, ends[0], ends[1], 255, 1, cv2.LINE_AA, 4)
    width = min(1.0, 1.2 * size / (SIZE * field))
    shown *= 1 - np.float32(0.9 * width / 255) * mask[..., None]
