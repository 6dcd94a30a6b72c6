"""Exporting a run: one ONNX file with the network, its manifest and calibration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Bits, public
from galaxyclass.errors import MissingExtraError, OutputError
from galaxyclass.extras import EXPORT, require, require_installed
from galaxyclass.io.atomic import translated, writing
from galaxyclass.io.output import require_free, with_ending
from galaxyclass.model.bundle import onnx_file as exported
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.bundle.manifest import (
    Manifest,
    NetworkOutputs,
    Quantisation,
    manifest_json,
)
from galaxyclass.model.bundle.onnx_checksum import with_checksum
from galaxyclass.model.export.check import (
    EXACT,
    ROUNDED,
    ExportCheck,
    ExportCutouts,
    compare_outputs,
    compare_with_run,
    export_cutouts,
)
from galaxyclass.model.export.eight_bits import quantise
from galaxyclass.model.load import single_bundle
from galaxyclass.model.model import Model
from galaxyclass.model.views import make_views
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary
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
    bits : {32, 16, 8}
        Of a number in it.
    check : ExportCheck or None
        How it was compared with torch; None of a file that was copied.
    run_difference : ExportCheck or None
        How its predictions differ from those of the run, which computes in 8-bit integers; None of
        other runs.
    """

    output: Path
    size: int
    bits: Bits
    check: ExportCheck | None
    run_difference: ExportCheck | None = None

    def describe(self) -> str:
        """A sentence on the file and the comparison."""
        if self.check is None:
            return f"{self.size / 1e6:.1f} MB; a copy of the model's own network in 8 bits"
        if self.run_difference is not None:
            found = self.run_difference
            images = counted(found.images, "image")
            return (
                f"{self.size / 1e6:.1f} MB; the run computes in 8-bit integers, this file in "
                f"floats: on {images} they differ by {found.rms:.2g} in the root mean square, "
                f"{found.difference:.2g} at most"
            )
        differs = f"from the run by {self.check.difference:.1g} at most"
        if self.bits == 8:
            differs = (
                f"from the network in floats by {self.check.rms:.2g} in the root mean square, "
                f"{self.check.difference:.1g} at most"
            )
        images = counted(self.check.images, "image")
        return f"{self.size / 1e6:.1f} MB; on {images} it differs {differs}"

    def __repr__(self) -> str:
        return summary(f"Exported {short_path(self.output)}, {self.describe()}")


@public
def export(
    model: str | Path | Model,
    *,
    output: str | Path,
    bits: Bits = 32,
    images: str | Path | Sequence[str | Path] | None = None,
    seed: int = 0,
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
    model : str, Path or Model
        The folder of a run, a bundle, an exported network (to write it with other bits), or
        ``"pretrained"``.
    output : str or Path
        A file to write, ``.onnx``; it appears once it agrees with torch.
    bits : {32, 16, 8}
        - 32: floats, as in training. Outputs agree within 1e-4.
        - 16: weights are rounded to 16-bit floats, which halves the file; it still computes in
          32-bit floats. Fractions change by some 1e-4.
        - 8: weights and the numbers between layers are rounded to 8-bit integers, and so are the
          products: on processors with VNNI some three times as fast. The scaling of the pixels and
          the last layers stay in floats. Fractions change by some 0.003 (root mean square); more
          than 0.01, or a single difference beyond 0.25, is refused. The weights are kept beside it
          as 16-bit floats, so that the file can be trained further or exported again. Without
          ``images``, a network that has 8 bits already is copied, which needs no torch.

        From a network in 8 bits, such as the pretrained model, 32 and 16 make one that computes in
        floats: fractions differ from the run's by some 0.003 (root mean square); it is measured.
    images : str, Path or a sequence of them, optional
        Real images to compare the two on, of which 200 are drawn; by default simulated galaxies.
        8 bits need them: on up to 256 others the ranges of the numbers are measured, so they
        should be like those that will be predicted.
    seed : int
        Of the draw of the images.
    overwrite : bool
        Replace the output where it exists.
    progress : Progress

    Raises
    ------
    ArgumentError
        8 bits without images, or with fewer than 16.
    OutputError
        The ending is not ``.onnx``; the output exists; no room, no permission.
    BundleError
        ``model`` is not a run or a bundle, or its training has not finished; or several at once.
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
    bundle = single_bundle(model, "export")
    copied = _can_be_copied(bundle)
    if copied and bits == 8 and images is None:
        with writing(output) as temporary:
            _copy_network(bundle, temporary)
            size = temporary.stat().st_size
        return Exported(output, size, bits, None)
    _require_torch(can_copy=copied)
    preprocessing = bundle.manifest.preprocessing
    cutouts = export_cutouts(preprocessing, images, measure=bits == 8, seed=seed)
    with writing(output) as temporary:
        check, _ = write_network(bundle, temporary, cutouts, bits=bits, progress=progress)
        size = temporary.stat().st_size
    difference = None
    if bits != 8 and _quantised(bundle):
        difference = compare_with_run(bundle, load_bundle(output), cutouts.compared)
    return Exported(output, size, bits, check, difference)


def _quantised(bundle: Bundle) -> bool:
    """Whether a bundle's network, with a probe or without, computes in 8-bit integers."""
    return bundle.has("network") and bundle.manifest.quantisation is not None


def _can_be_copied(bundle: Bundle) -> bool:
    """Whether a bundle's network is a whole exported one already."""
    return _quantised(bundle) and not bundle.has("probe")


def _copy_network(bundle: Bundle, path: Path) -> None:
    """Copy an exported network, with the calibration that the bundle has by now.

    Raises
    ------
    MissingExtraError
        Its calibration is newer than the network, and onnx is not installed, which writes it.
    """
    calibration = bundle.read_calibration() if bundle.has("calibration") else None
    properties = exported.read_properties(bundle.network)
    if calibration == properties.get(exported.CALIBRATION_PROPERTY):
        with translated(path):
            path.write_bytes(with_checksum(bundle.network.read_bytes()))
        return
    model = require("onnx").load(bundle.network)
    state = json.loads(properties.get(exported.WEIGHTS_PROPERTY, "[]"))
    _describe(model, bundle.manifest, calibration, state)
    with translated(path):
        path.write_bytes(with_checksum(model.SerializeToString(deterministic=True)))


def _require_torch(*, can_copy: bool) -> None:
    """Import what writes a network.

    Raises
    ------
    MissingExtraError
    """
    try:
        require_installed(*EXPORT)
    except MissingExtraError as error:
        if can_copy:
            error.hint = f"{error.hint}; or `bits=8`, which copies this model's own network"
        raise


def write_network(
    bundle: Bundle,
    path: Path,
    cutouts: ExportCutouts,
    *,
    bits: Bits = 32,
    calibration: str | None = None,
    progress: Progress = silent,
) -> tuple[ExportCheck, Manifest]:
    """Write a bundle's network to a path and compare it with torch; what `export` does inside.

    Parameters
    ----------
    bundle : Bundle
    path : Path
        Overwritten; not to be used after an error.
    cutouts : ExportCutouts
        For 8 bits, with images to measure ranges on.
    calibration : str, optional
        The text of the calibration to include; by default the bundle's own.
    bits, progress
        As for `export`.

    Returns
    -------
    check : ExportCheck
    manifest : Manifest
        As it is in the file: the bundle's, with the quantisation of the file.

    Raises
    ------
    ExportError, BundleError, OutputError, MissingExtraError
        As for `export`.
    """
    require_installed(*EXPORT)
    from galaxyclass.model.export.graph import trace
    from galaxyclass.model.export.sixteen_bits import keep_weights, round_weights, store_halves
    from galaxyclass.networks.probed import ProbedNetwork
    from galaxyclass.networks.weights import load_weights

    network, manifest = load_weights(bundle), replace(bundle.manifest, quantisation=None)
    if _quantised(bundle):  # bfloat16 would be further from the run than 32-bit floats
        manifest = replace(manifest, precision="fp32")
    if isinstance(network, ProbedNetwork):
        network.drop_auxiliary()
        beneath = NetworkOutputs(
            manifest.network.task,
            preprocessing=manifest.network.preprocessing if manifest.frames else None,
        )
        manifest = replace(manifest, network_outputs=beneath)
    state = list(network.state_dict())
    if calibration is None and bundle.has("calibration"):
        calibration = bundle.read_calibration()
    halves = round_weights(network) if bits == 16 else frozenset()
    model = trace(network, manifest)
    store_halves(model, halves)
    if bits == 8:
        model = quantise(model, _measured(manifest, cutouts), progress)
        keep_weights(model, network)

    def write() -> None:
        _describe(model, manifest, calibration, state)
        with translated(path):
            path.write_bytes(with_checksum(model.SerializeToString(deterministic=True)))

    write()
    tolerance = ROUNDED if bits == 8 else EXACT
    check = compare_outputs(
        network, path, cutouts.compared, tolerance, progress, task=manifest.task
    )
    if bits == 8:
        manifest = replace(manifest, quantisation=_quantisation(cutouts, check))
        write()
    return check, manifest


def _measured(manifest: Manifest, cutouts: ExportCutouts) -> NDArray[np.uint8]:
    """The images to measure ranges on, in the views that are predicted by default."""
    assert cutouts.measured is not None, "`export_cutouts` draws them for 8 bits"
    views = make_views(
        cutouts.measured, manifest.views, mirrors=manifest.mirrors, invariant=manifest.invariant
    )
    return np.concatenate(list(views))


def _quantisation(cutouts: ExportCutouts, check: ExportCheck) -> Quantisation:
    assert cutouts.measured is not None
    return Quantisation(
        images=len(cutouts.measured),
        seed=cutouts.seed,
        compared=check.images,
        rms=float(f"{check.rms:.3g}"),
        largest=float(f"{check.difference:.3g}"),
    )


def _describe(
    model: onnx.ModelProto, manifest: Manifest, calibration: str | None, state: list[str]
) -> None:
    """Write manifest, calibration and version into the file's properties."""
    graphs = [model.graph, *(part.initialization for part in model.training_info)]
    stored_names = {stored.name for graph in graphs for stored in graph.initializer}
    properties = {
        exported.MANIFEST_PROPERTY: manifest_json(manifest),
        exported.VERSION_PROPERTY: __version__,
        exported.WEIGHTS_PROPERTY: json.dumps([name for name in state if name in stored_names]),
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
            hint=f"pass `output={str(with_ending(output, exported.ENDING, 'network'))!r}`",
        )
    require_free(output, overwrite=overwrite)
