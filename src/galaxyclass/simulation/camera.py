"""From light to an image: point spread function, noise, the stretch to RGB.

Calibrated on images of the Galaxy Challenge, which were made from the composites of the Sloan
Digital Sky Survey: i, r, g shown as red, green, blue through an arcsinh (Lupton et al. 2004),
resampled to 0.02 of the galaxy's radius a pixel, and so smooth below the survey's pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
import simplejpeg

from galaxyclass.simulation.grid import Light

#: Side of a pixel of the survey's camera, arcsec.
PIXEL = 0.396
#: Noise of a pixel's sky in i, r, g, nanomaggies, and electrons of one nanomaggy. The electrons are
#: the survey's; the noise is what the challenge's images show, 1.6 times that of its electrons.
SKY_NOISE = np.array([0.069, 0.046, 0.028], np.float32)
ELECTRONS = np.array([690.0, 940.0, 1050.0], np.float32)

#: The stretch: weights of i, r, g; the softening; brightness per e-fold of light; the sky's level.
BAND_WEIGHTS = np.array([1.32, 1.5, 2.05], np.float32)
SOFTENING = 0.45
GAIN = 60.0
SKY_LEVEL = np.array([0.012, 0.016, 0.004], np.float32)

#: JPEG quality of the survey's composites.
TILE_QUALITY = 87


def observe(light: Light, seeing: float, pixel: float, rng: np.random.Generator) -> Light:
    """Blur as the atmosphere does, and add the noise of sky and light.

    Parameters
    ----------
    light : (height, width, 3) float32
        i, r, g, nanomaggies per square arcsec.
    seeing : float
        Full width at half maximum, arcsec.
    pixel : float
        Side of a pixel of the grid, arcsec. Pixels larger than the camera's gather more light, with
        less noise.
    rng : numpy.random.Generator

    Returns
    -------
    (height, width, 3) float32
        Nanomaggies in a pixel of the camera, with the residual of subtracting the sky.
    """
    light = blur(light * np.float32(PIXEL**2), seeing / pixel)
    for band in (0, 2):
        # The bands are aligned only to a fraction of a pixel, which gives fringes of colour.
        dx, dy = rng.normal(0, 0.15, 2) * PIXEL / pixel
        shift = np.array([[1, 0, dx], [0, 1, dy]])
        size = light.shape[1::-1]
        light[..., band] = cv2.warpAffine(
            light[..., band], shift, size, borderMode=cv2.BORDER_REPLICATE
        )
    residual = (SKY_LEVEL + np.float32(rng.normal(0, 0.012))) / BAND_WEIGHTS
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    variance = SKY_NOISE**2 + np.maximum(light, 0) / ELECTRONS
    return np.asarray(
        light + residual + noise * np.sqrt(variance) * np.float32(PIXEL / pixel), dtype=np.float32
    )


def blur(light: Light, fwhm: float) -> Light:
    """Convolve ``(height, width, 3)`` with the point spread function, ``fwhm`` in pixels.

    Two Gaussians, the wider with a tenth of the light, as the survey models its own.
    """
    sigma = fwhm / 2.355
    core = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    wings = cv2.GaussianBlur(core, (0, 0), 2.2 * sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.addWeighted(core, 0.9, wings, 0.1, 0.0), dtype=np.float32)


def stretch(light: Light) -> Light:
    """Show i, r, g as red, green, blue, 0..255: the mean is stretched, the colour kept.

    Lupton et al. 2004, equation 2, with the arcsinh as stretch.

    Examples
    --------
    >>> import numpy as np
    >>> faint, bright = stretch(np.float32([[[0.02, 0.01, 0.005]], [[2.0, 1.0, 0.5]]]))[:, 0]
    >>> bool((bright > faint).all()), bool(bright[0] > bright[1] > bright[2])
    (True, True)
    """
    colours = np.maximum(light * BAND_WEIGHTS, 0)
    mean = colours.mean(axis=2, keepdims=True) + np.float32(1e-6)
    shown = np.float32(GAIN) * np.arcsinh(mean / np.float32(SOFTENING)) / mean
    return np.asarray(np.minimum(colours * shown, 255), dtype=np.float32)


def compress(shown: Light) -> Light:
    """Store and read as JPEG, as the survey's composites were before they were resampled.

    JPEG removes the noise of colour, which is finer than it can store, and keeps the noise of
    brightness: the noise of the challenge's images is grey.
    """
    pixels = np.clip(np.rint(shown), 0, 255).astype(np.uint8)
    data = simplejpeg.encode_jpeg(pixels, TILE_QUALITY, colorsubsampling="420")
    return np.asarray(simplejpeg.decode_jpeg(data), dtype=np.float32)
