"""Where galaxies lie on a map, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import MapMethod
from galaxyclass.similarity.galaxy_table import GalaxyTable

#: Columns of a map: where a galaxy lies on it.
AXES = ("x", "y")


@dataclass(frozen=True, repr=False, eq=False)
class MappedGalaxies(GalaxyTable):
    """Where galaxies lie on a map.

    Attributes
    ----------
    predictions : Path or None
        The file; None of predictions in memory.
    table : pyarrow.Table
        The id, ``x``, ``y``, and the column that the map is coloured by.
    method : {"pca", "umap"}
    colour : str or None
        The column that the map is coloured by.
    galaxies : int
        How many could have been mapped.
    variance : float or None
        The share of the variance that the two axes hold; None of umap, whose axes mean nothing.
    kept : float
        Of the ten galaxies nearest on the map, the share that are among the ten most alike by the
        embedding; among 1,000 galaxies, where there are more. NaN of fewer than twelve.
    cutout : mapping
        How pictures became the model's input, as far as the predictions say so.
    """

    method: MapMethod
    colour: str | None
    galaxies: int
    variance: float | None
    kept: float
    cutout: dict[str, Any]

    @property
    def coordinates(self) -> NDArray[np.float32]:
        """(galaxies, 2) float32."""
        return np.column_stack([np.asarray(self.table[name], np.float32) for name in AXES])

    @property
    def colour_title(self) -> str:
        """The column that the map is coloured by, with what it is, where the predictions say so."""
        if self.colour is None:
            return ""
        words = (self.table.schema.field(self.colour).metadata or {}).get(b"description", b"")
        return f"{self.colour}: {words.decode()}" if words else self.colour

    @property
    def notes(self) -> list[str]:
        """What the map leaves out, and how far it can be believed."""
        notes = [f"{self.colour_title}."] if self.colour_title != (self.colour or "") else []
        if len(self) < self.galaxies:
            notes.append(f"{len(self):,} of {self.galaxies:,} galaxies, drawn at random.")
        if self.variance is not None:
            notes.append(f"The two axes hold {self.variance:.0%} of the variance.")
        else:
            notes.append(
                "Groups mean something, but the distances between them and the axes do not."
            )
        if not math.isnan(self.kept):
            notes.append(
                f"Of the ten galaxies nearest on the map, {self.kept:.0%} are among the ten that "
                "look most alike to the model; a search for similar galaxies finds all ten."
            )
        return notes
