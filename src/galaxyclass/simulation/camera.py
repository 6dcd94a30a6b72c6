"""From light to a picture: point spread function, noise, the stretch to RGB.

Calibrated on pictures of the Galaxy Challenge, which were made from the composites of the Sloan
Digital Sky Survey: i, r, g shown as red, green, blue through an arcsinh (Lupton et al. 2004),
resampled to 0.02 of the galaxy's radius a pixel, hence smooth below the survey's own pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Side of a pixel of the survey's camera, arcsec.
PIXEL = 0.396
#: Sky noise of a pixel of the camera in i, r, g, nanomaggies; and electrons of one nanomaggy.
SKY_NOISE = np.array([0.043, 0.027, 0.0165], np.float32)
ELECTRONS = np.array([690.0, 940.0, 1050.0], np.float32)

#: The stretch: weights of i, r, g; the softening; brightness per e-fold of light; the sky's level.
WEIGHTS = np.array([1.22, 1.5, 2.0], np.float32)
SOFTENING = 0.45
GAIN = 62.0
SKY_LEVEL = np.array([0.040, 0.048, 0.028], np.float32)


def blur(light: NDArray[np.float32], fwhm: float) -> NDArray[np.float32]:
    """Convolve ``(height, width, 3)`` with the point spread function, ``fwhm`` in pixels.

    Two Gaussians, the wider with a tenth of the light, as the survey models its own.
    """
    sigma = fwhm / 2.355
    if sigma < 0.25:
        return light
    core = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    wings = cv2.GaussianBlur(core, (0, 0), 2.2 * sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.addWeighted(core, 0.9, wings, 0.1, 0.0), dtype=np.float32)


def expose(
    light: NDArray[np.float32], pixel: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add the noise of sky and of light itself.

    Parameters
    ----------
    light : (height, width, 3) float32
        i, r, g, nanomaggies a pixel of the camera (whatever the size of a pixel here).
    pixel : float
        Side of a pixel here, in pixels of the camera: larger ones gather more and are less noisy.
    rng : numpy.random.Generator
    """
    variance = SKY_NOISE**2 + np.maximum(light, 0) / ELECTRONS
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    return light + noise * np.sqrt(variance) / np.float32(pixel)


def stretch(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Show i, r, g as red, green, blue, 0..255: the sum is stretched, the colour kept.

    Lupton et al. 2004, equation 2, with the arcsinh as stretch.

    Examples
    --------
    >>> import numpy as np
    >>> faint, bright = stretch(np.float32([[[0.02, 0.01, 0.005]], [[2.0, 1.0, 0.5]]]))[:, 0]
    >>> bool((bright > faint).all()), bool(bright[0] > bright[1] > bright[2])
    (True, True)
    """
    colours = np.maximum(light * WEIGHTS + SKY_LEVEL, 0)
    total = colours.mean(axis=2, keepdims=True) + np.float32(1e-6)
    shown = np.float32(GAIN) * np.arcsinh(total / np.float32(SOFTENING)) / total
    return np.minimum(colours * shown, 255)
