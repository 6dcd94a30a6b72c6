"""One model of several runs: networks that are alike in all but their weights, and their mean."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galaxyclass.arguments import public
from galaxyclass.errors import BundleError, RunError
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import require_new, write_text, writing_folder
from galaxyclass.io.run_folder import run_file
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.ensemble import common_task
from galaxyclass.model.model import Model, open_model
from galaxyclass.model.pretrained import is_pretrained
from galaxyclass.networks.network import EnsembleNetwork
from galaxyclass.networks.weights import load_weights, write_weights
from galaxyclass.short import short_path, summary


@dataclass(frozen=True)
class Combined:
    """A model that was made of several.

    Attributes
    ----------
    folder : Path
        It can be named wherever a run can.
    bundle : Bundle
    split : bool
        Whether it knows which galaxies its members were trained on: not where one does not say.
    """

    folder: Path
    bundle: Bundle
    split: bool

    def __repr__(self) -> str:
        members = self.bundle.manifest.members
        return summary(f"Combined {members} networks in {short_path(self.folder)}")


@public
def combine(runs: Sequence[str | Path | Model], *, output: str | Path) -> Combined:
    """Make one model of several runs, which predicts the mean of what they predict.

    What `predict` and `evaluate` do with several runs at once, as one model that can be calibrated
    and exported. The runs are of one recipe: other seeds, galaxies, epochs or rates, but the same
    cutouts and the same network. Its embedding is that of the first.

    Parameters
    ----------
    runs : sequence of str, Path or Model
        Two or more folders of runs, bundles, or exported networks and ``"pretrained"`` (of which
        nobody knows what they were trained on); those that were combined already count as many.
    output : str or Path
        The folder to make: a bundle, the recipe of the first run, and ``split.csv``, where a galaxy
        that any of them was trained on is one that was trained on.

    Raises
    ------
    RunError
        Fewer than two.
    BundleError
        A run is none, or has not finished; they do not predict the same, or their cutouts or
        networks differ.
    OutputError
        The folder holds something already; no room, no permission.
    MissingExtraError
        torch is not installed, or onnx, which reads exported networks.

    Examples
    --------
    >>> combine(["runs/a"], output="runs/mean")
    Traceback (most recent call last):
    galaxyclass.errors.RunError: nothing to combine
      wanted: two runs or more
      got:    1
    """
    folder = Path(output)
    if len(runs) < 2:
        raise RunError("nothing to combine", wanted="two runs or more", got=str(len(runs)))
    model = open_model(runs)
    bundles = model.bundles
    _require_alike(bundles)
    require_new(folder)
    networks = [network for one in bundles for network in load_weights(one).networks]
    manifest = replace(
        bundles[0].manifest,
        task=common_task(bundles),
        precision="bf16" if any(one.manifest.precision == "bf16" for one in bundles) else "fp32",
        members=len(networks),
        views=max(one.manifest.views for one in bundles),
        weights_digest="",
        network_digest="",
        calibration_digest="",
    )
    split = None if any(map(is_pretrained, model.sources)) else _split(model.sources)
    first = model.sources[0]
    recipe = None if is_pretrained(first) else run_file(first, run_folder.RECIPE)
    with writing_folder(folder) as temporary:
        if split is not None:
            write_text(temporary / run_folder.SPLIT, split)
        if recipe is not None:
            write_text(temporary / run_folder.RECIPE, recipe.read_text(encoding="utf-8"))
        bundle = save_bundle(
            temporary / run_folder.BUNDLE,
            manifest,
            {"weights": lambda path: write_weights(EnsembleNetwork(networks), path)},
        )
    bundle = replace(bundle, folder=folder / run_folder.BUNDLE)
    return Combined(folder, bundle, split is not None)


def _require_alike(bundles: Sequence[Bundle]) -> None:
    """Refuse networks that are not built alike."""
    first, *others = (one.manifest for one in bundles)
    for bundle, other in zip(bundles[1:], others, strict=True):
        for name in ("preprocessing", "model", "auxiliary", "mirrors"):
            mine, theirs = getattr(first, name), getattr(other, name)
            if name == "auxiliary":
                mine, theirs = ([table.class_names for table in one] for one in (mine, theirs))
            if mine != theirs:
                raise BundleError(
                    f"{bundles[0].folder} and {bundle.folder} cannot be combined: they are not "
                    "alike",
                    wanted=f"the same {name}: {mine}",
                    got=str(theirs),
                    hint="predict with both: `galaxyclass.predict(['RUN', 'RUN'], …)`",
                )
        if not np.array_equal(first.task.known_mask, other.task.known_mask):
            raise BundleError(
                f"{bundles[0].folder} and {bundle.folder} cannot be combined: they know other "
                "answers",
                hint="predict with both: `galaxyclass.predict(['RUN', 'RUN'], …)`",
            )


def _split(runs: Sequence[Path]) -> str | None:
    """The galaxies of all runs and their parts, each line once; None where one does not say."""
    found = [run_file(run, run_folder.SPLIT) for run in runs]
    tables = []
    for file in found:
        if file is None:
            return None
        with file.open(encoding="utf-8", newline="") as stream:
            tables.append(list(csv.DictReader(stream)))
    columns = list(dict.fromkeys(name for rows in tables for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    lines = (tuple(row.get(name, "") for name in columns) for rows in tables for row in rows)
    writer.writerows(dict.fromkeys(lines))
    return text.getvalue()
