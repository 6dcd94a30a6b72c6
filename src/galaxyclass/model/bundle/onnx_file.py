"""Names of the inputs, outputs and properties of an exported network (ONNX)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyclass.errors import BundleError
from galaxyclass.extras import require
from galaxyclass.io.reading import open_regular
from galaxyclass.model.bundle.onnx_checksum import is_damaged
from galaxyclass.model.bundle.onnx_whole import names_other_files

if TYPE_CHECKING:
    import onnxruntime

#: Suffix of its file.
ENDING = ".onnx"

#: The input: cutouts (galaxies, height, width, channels) uint8, as the manifest's preprocessing
#: makes them; any number of galaxies.
INPUT = "cutouts"

#: Outputs, float32: (galaxies, outputs), and (galaxies, features).
VALUES = "values"
FEATURES = "features"

#: Properties of the file (ONNX' ``metadata_props``): the manifest as JSON; the calibration as JSON,
#: where there is one; the version of the package that wrote it; and, as a JSON list, which of the
#: file's initialisers are the network's weights under their own names. The graph of a network in
#: 8-bit integers has other weights: those from which it was made are then the initialisers of
#: ``training_info``, ONNX' place for what only a training needs.
MANIFEST_PROPERTY = "manifest"
CALIBRATION_PROPERTY = "calibration"
VERSION_PROPERTY = "version"
WEIGHTS_PROPERTY = "weights"


def output_names(auxiliary: int) -> tuple[str, ...]:
    """All outputs in their order.

    Parameters
    ----------
    auxiliary : int
        How many auxiliary tasks the network learnt; each is (galaxies, outputs).

    Examples
    --------
    >>> output_names(1)
    ('values', 'auxiliary_0', 'features')
    """
    return (VALUES, *(f"auxiliary_{number}" for number in range(auxiliary)), FEATURES)


def is_exported(path: Path) -> bool:
    """Whether a path names an exported network, by its ending."""
    return path.suffix.lower() == ENDING


def open_session(path: Path, *, optimise: bool = True) -> onnxruntime.InferenceSession:
    """Load a network; each call computes in the thread that makes it.

    Parameters
    ----------
    path : Path
    optimise : bool
        Whether the network will be run; reading properties does not need it.

    Raises
    ------
    BundleError
        The file is missing, or not a network that onnxruntime can run.
    """
    onnxruntime = require("onnxruntime")
    require_whole(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not _multiplies_bytes():
        # The fast products of 8-bit integers overflow on such processors; these are exact.
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 4  # errors are raised; a library prints nothing
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes, which share no root
        raise cannot_load(path, error) from error


def require_whole(path: Path) -> None:
    """Refuse a network whose weights lie in other files, or that has other bytes than were written.

    Raises
    ------
    BundleError
        They do; or the file cannot be read, or is damaged.
    """
    try:
        elsewhere = names_other_files(path)
        with open_regular(path) as file:
            damaged = is_damaged(memoryview(file.read()))
    except (OSError, ValueError) as error:
        raise cannot_load(path, error) from error
    if damaged:
        refused = cannot_load(path, ValueError("other bytes than were written"))
        refused.hint = (
            f"{refused.hint}; if you changed the network yourself, remove the property 'checksum' "
            "(metadata_props in onnx)"
        )
        raise refused
    if elsewhere:
        raise BundleError(
            f"{path}: the network has weights in other files",
            wanted="a network in one file, as `galaxyclass.export` writes it",
            got="ONNX with external data",
            hint="save it as one file: `onnx.save(onnx.load(path), path)`",
        )


@cache
def _multiplies_bytes() -> bool:
    """Whether the processor is known to add products of bytes without overflow (VNNI).

    Only Linux tells; elsewhere products are exact, and slower than they might be.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_vnni" in flags or "avx_vnni" in flags


def read_properties(path: Path) -> dict[str, str]:
    """The properties of an ONNX file.

    Raises
    ------
    BundleError
        The file cannot be read, or is not ONNX.
    """
    session = open_session(path, optimise=False)
    try:
        properties: dict[str, str] = session.get_modelmeta().custom_metadata_map
    except UnicodeDecodeError as error:
        raise cannot_load(path, error) from error
    return properties


def cannot_load(path: Path, error: Exception) -> BundleError:
    """The error of a network that cannot be loaded."""
    return BundleError(
        f"{path}: the network cannot be loaded",
        got=str(error).strip().partition("\n")[0][:200],
        hint="copy it again, or export the run anew",
    )
