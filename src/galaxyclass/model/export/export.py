"""Exporting a run: one ONNX file with the network, its manifest and calibration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.errors import OutputError
from galaxyclass.extras import require
from galaxyclass.io.atomic import translated, writing
from galaxyclass.io.output import require_free
from galaxyclass.model.bundle import onnx_file as exported
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import Manifest, manifest_json
from galaxyclass.model.export.check import ExportCheck, compare_outputs, comparison_cutouts
from galaxyclass.model.export.graph import trace
from galaxyclass.model.export.half_precision import round_weights, store_halves
from galaxyclass.model.model import Model, single_bundle
from galaxyclass.networks.weights import load_weights
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary
from galaxyclass.version import __version__

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Exported:
    """An exported network.

    Attributes
    ----------
    output : Path
    size : int
        Of the file, bytes.
    check : ExportCheck
        How it was compared with torch.
    """

    output: Path
    size: int
    check: ExportCheck

    def __repr__(self) -> str:
        return summary(
            f"Exported {short_path(self.output)}, {self.size / 1e6:.1f} MB; it differs "
            f"from the run by {self.check.difference:.1g} at most"
        )


@public
def export(
    run: str | Path | Model,
    *,
    output: str | Path,
    half: bool = False,
    images: str | Path | Sequence[str | Path] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Exported:
    """Write a run's network as ONNX, and check that its outputs are those of the run.

    The file has one input, ``cutouts`` (galaxies, height, width, channels) uint8, any number of
    galaxies, as the run's preprocessing cuts them out; the values' scaling is part of the network.
    Its outputs, float32, are ``values`` (galaxies, outputs): joint vote fractions in the tree's
    order, or probabilities of classes; ``auxiliary_0`` … (galaxies, classes), where the network
    has auxiliary tasks; and ``features`` (galaxies, features), the embedding. Its
    properties are ``manifest`` and ``calibration`` (JSON: preprocessing, tree, column names,
    classes), ``version``, and ``weights``, the names of those initialisers which are the weights
    (see `galaxyclass.model.bundle.recovered.recover_weights`).

    Parameters
    ----------
    run : str, Path or Model
        The folder of a run, a bundle, an exported network (to halve it), or ``"pretrained"``.
    output : str or Path
        A file to write, ``.onnx``; it appears once it agrees with torch within 1e-4.
    half : bool
        Round the weights to 16-bit floats: half the size. It still computes in 32-bit floats;
        fractions change by some 1e-4.
    images : str, Path or a sequence of them, optional
        Real images to compare the two on; by default simulated galaxies.
    overwrite : bool
        Replace the output where it exists.
    progress : Progress

    Raises
    ------
    OutputError
        The ending is not ``.onnx``; the output exists; no room, no permission.
    BundleError
        ``run`` is not a run or a bundle, or its training has not finished; or several at once.
    ExportError
        The network cannot be written as ONNX, or the file gives other outputs; nothing is
        written then.
    CatalogError
        No images.
    MissingExtraError
        torch, onnx or onnxscript is not installed.

    Examples
    --------
    >>> export("runs/first", output="model.pt")
    Traceback (most recent call last):
    galaxyclass.errors.OutputError: model.pt: unknown ending
      wanted: .onnx
      hint:   pass `output='model.onnx'`
    """
    output = Path(output)
    _require_output(output, overwrite=overwrite)
    bundle = single_bundle(run, "export")
    cutouts = comparison_cutouts(bundle.manifest.preprocessing, images)
    with writing(output) as temporary:
        check = write_network(bundle, temporary, cutouts, half=half, progress=progress)
        size = temporary.stat().st_size
    return Exported(output, size, check)


def write_network(
    bundle: Bundle,
    path: Path,
    cutouts: NDArray[np.uint8],
    *,
    half: bool = False,
    calibration: str | None = None,
    progress: Progress = silent,
) -> ExportCheck:
    """Write a bundle's network to a path and compare it with torch; what `export` does inside.

    Parameters
    ----------
    bundle : Bundle
    path : Path
        Overwritten; not to be used after an error.
    cutouts : (images, height, width, channels) uint8
        To compare on (`comparison_cutouts`).
    calibration : str, optional
        The text of the calibration to include; by default the bundle's own.
    half, progress
        As for `export`.

    Raises
    ------
    ExportError, BundleError, OutputError, MissingExtraError
        As for `export`.
    """
    require("onnx", "onnxscript")
    network = load_weights(bundle)
    halves = round_weights(network) if half else frozenset()
    model = trace(network, bundle.manifest)
    if calibration is None and bundle.has("calibration"):
        calibration = bundle.read_calibration()
    _describe(model, bundle.manifest, calibration, list(network.state_dict()))
    store_halves(model, halves)
    with translated(path):
        path.write_bytes(model.SerializeToString(deterministic=True))
    return compare_outputs(network, path, cutouts, progress)


def _describe(
    model: onnx.ModelProto, manifest: Manifest, calibration: str | None, state: list[str]
) -> None:
    """Write manifest, calibration and version into the file's properties."""
    held = {initialiser.name for initialiser in model.graph.initializer}
    properties = {
        exported.MANIFEST_PROPERTY: manifest_json(manifest),
        exported.VERSION_PROPERTY: __version__,
        exported.WEIGHTS_PROPERTY: json.dumps([name for name in state if name in held]),
    }
    if calibration is not None:
        properties[exported.CALIBRATION_PROPERTY] = calibration
    del model.metadata_props[:]
    for key, value in properties.items():
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.producer_version = "galaxyclass", __version__


def _require_output(output: Path, *, overwrite: bool) -> None:
    if not exported.is_exported(output):
        raise OutputError(
            f"{output}: unknown ending",
            wanted=exported.ENDING,
            hint=f"pass `output={str(output.with_suffix(exported.ENDING))!r}`",
        )
    require_free(output, overwrite=overwrite)
