"""What an exported network (ONNX) calls its input, its outputs and what is known about it."""

from __future__ import annotations

#: The input: cutouts (galaxies, height, width, channels) uint8, as the manifest's preprocessing
#: makes them; any number of galaxies.
INPUT = "cutouts"

#: Outputs, float32: (galaxies, outputs), and (galaxies, features).
VALUES = "values"
FEATURES = "features"

#: Properties of the file (ONNX' ``metadata_props``): the manifest as JSON; the calibration as JSON,
#: where there is one; the version of the package that wrote it; and, as a JSON list, which of the
#: file's initialisers are the network's weights under their own names.
MANIFEST = "manifest"
CALIBRATION = "calibration"
VERSION = "version"
WEIGHTS = "weights"


def output_names(further: int) -> tuple[str, ...]:
    """All outputs in their order.

    Parameters
    ----------
    further : int
        How many further tables of classes the network learnt; each is (galaxies, classes).

    Examples
    --------
    >>> output_names(1)
    ('values', 'further_0', 'features')
    """
    return (VALUES, *(f"further_{number}" for number in range(further)), FEATURES)
