"""What an exported network (ONNX) calls its input, its outputs and what is known about it."""

from __future__ import annotations

from pathlib import Path

from galaxyclass.errors import BundleError

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


def read_properties(path: Path) -> dict[str, str]:
    """What an ONNX file says of itself.

    Raises
    ------
    BundleError
        The file cannot be read, or is not ONNX.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # what goes wrong is raised; nothing is printed by a library
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes, which share no root
        raise cannot_load(path, error) from error
    found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return found


def cannot_load(path: Path, error: Exception) -> BundleError:
    """The error of a network that cannot be loaded."""
    return BundleError(
        f"{path}: the network cannot be loaded",
        got=str(error).strip().partition("\n")[0][:200],
        todo="copy it again, or export the run anew",
    )
