"""`suspects`: galaxies whose label is probably wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.unused import Unused
from galaxyclass.finetuning.beginning import open_beginning
from galaxyclass.finetuning.cross_validation import LabelledGalaxies, cross_validate
from galaxyclass.finetuning.embed import embed_galaxies
from galaxyclass.finetuning.labels import read_labels
from galaxyclass.finetuning.mirror_images import mirror_notes
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.writers import require_output, write_table
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, summary, verb
from galaxyclass.tasks.names import free_name
from galaxyclass.tasks.scores.noise import VOTES

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, repr=False)
class Suspect:
    """A galaxy, and how little its label is believable.

    Attributes
    ----------
    id : str
    label : str
    suggestion : str
        What models that have not learnt the galaxy predict.
    score : float
        Larger is less believable: of classes, the logarithm of how many times more probable the
        suggested class is; of votes and numbers, standard deviations.
    probable : bool
        Whether the label is probably wrong.
    path : str
        Of the image.
    """

    id: str
    label: str
    suggestion: str
    score: float
    probable: bool
    path: str

    def __repr__(self) -> str:
        return summary(f"Suspect {self.id}: {self.label}, or {self.suggestion}? {self.score:.2f}")


@dataclass(frozen=True)
class Suspects:
    """All galaxies with labels, the least believable label first.

    Attributes
    ----------
    table : pyarrow.Table
        A row for each galaxy: id, label, suggestion, score, probable, path.
    probable : int
        How many labels are probably wrong.
    notes : tuple of str
    unused : tuple of Unused
        What of files, columns and rows was not used, and why.
    """

    table: pa.Table
    probable: int
    notes: tuple[str, ...]
    unused: tuple[Unused, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Suspect]:
        return (Suspect(*row.values()) for row in self.table.to_pylist())

    def __repr__(self) -> str:
        return summary(
            f"Suspects: {self.probable:,} of {counted(len(self), 'label')} "
            f"{verb(self.probable, 'is')} probably wrong"
        )


@public
def suspects(
    model: str | Path | Model,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path | None = None,
    votes: float = VOTES,
    options: InferenceOptions | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    overwrite: bool = False,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Suspects:
    """Rank galaxies by how little their label is believable.

    Each galaxy is predicted by probes (`finetune`) that have not learnt it. Classes are compared
    with predictions by confident learning; votes and numbers in units of their noise.

    Parameters
    ----------
    model, images, table, options, seed, cache, progress
        As for `finetune`.
    output : str or Path, optional
        A table to write, in any format of `galaxyclass.predict`.
    votes : float
        Volunteers of a galaxy, whose votes are noisy.
    overwrite : bool
        Replace the output where it exists.
    quote_formulas : bool
        As for `galaxyclass.predict`.

    Returns
    -------
    Suspects

    Raises
    ------
    OutputError
        The output exists, or has an unknown ending; no room, no permission.
    CatalogError, InvalidCatalogError, BundleError, MissingExtraError, DeviceError
        As for `finetune`.
    """
    if output is not None:
        require_output(Path(output), overwrite=overwrite, quote_formulas=quote_formulas)
    with open_beginning(model, options) as beginning:
        sample, notes = read_labels(
            as_dataset(images, table),
            beginning.preprocessing,
            cache=cache,
            workers=beginning.model.options.workers,
            progress=progress,
        )
        embedded = embed_galaxies(beginning, sample, progress)
        labels, more_notes = LabelledGalaxies.of(embedded.inputs, sample)
        out_of_fold = cross_validate(labels, seed)
        mirrors = mirror_notes(out_of_fold, beginning, sample)
    doubt = labels.task.doubt(out_of_fold.mean, labels.values, votes)
    catalog, order = sample.catalog, np.argsort(-doubt.score, kind="stable")
    ranked = suspects_table(
        catalog.ids.column,
        {
            "id": catalog.ids.values,
            "label": doubt.labels,
            "suggestion": doubt.suggestions,
            "score": doubt.score,
            "probable": doubt.probable,
            "path": catalog.paths,
        },
        order,
    )
    if output is not None:
        write_table(Path(output), ranked, quote_formulas=quote_formulas)
    all_notes = (*notes, *more_notes, *mirrors)
    return Suspects(ranked, int(doubt.probable.sum()), all_notes, sample.unused)


def suspects_table(id_column: str, columns: dict[str, Any], order: NDArray[np.int64]) -> pa.Table:
    """Columns in an order of their rows; the ids are called by their column of the labels."""
    import pyarrow as pa

    others = columns.keys() - {"id"}
    named = {
        free_name(id_column, others, "_of_galaxy") if name == "id" else name: column
        for name, column in columns.items()
    }
    return pa.table(
        {name: pa.array([column[index] for index in order]) for name, column in named.items()}
    )
