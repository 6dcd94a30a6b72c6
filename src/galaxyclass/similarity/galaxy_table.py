"""Galaxies of a table of predictions, with what was found out about each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.arguments import public, replaced_input
from galaxyclass.data.tables.in_memory import to_astropy, to_pandas
from galaxyclass.errors import OutputError
from galaxyclass.model.writers import require_output, write_table
from galaxyclass.short import short_path


@dataclass(frozen=True, repr=False, eq=False)
class GalaxyTable:
    """Some galaxies of a table of predictions: what `similar`, `select`, `map_galaxies` give.

    Attributes
    ----------
    predictions : Path or None
        The file; None of predictions in memory.
    table : pyarrow.Table
        The id, and what was found out.
    """

    predictions: Path | None
    table: pa.Table

    @property
    def ids(self) -> list[Any]:
        """The ids, as in the predictions."""
        ids: list[Any] = self.table[0].to_pylist()
        return ids

    def to_pandas(self) -> Any:
        """As a pandas DataFrame; `MissingExtraError` where pandas is not installed."""
        return to_pandas(self.table)

    def to_astropy(self) -> Any:
        """As an astropy Table; `MissingExtraError` where astropy is not installed."""
        return to_astropy(self.table)

    @public
    def write(
        self, path: str | Path, *, overwrite: bool = False, quote_formulas: bool = False
    ) -> Path:
        """Write the table into a ``.csv``, ``.parquet``, ``.fits``, ``.vot`` or ``.ecsv`` file.

        Parameters
        ----------
        path : str or Path
        overwrite : bool
            Replace the file where it exists.
        quote_formulas : bool
            As for `Model.predict_to_file`.

        Raises
        ------
        ArgumentError
            Formulas are to be quoted, and the ending is not ``.csv``.
        OutputError
            The ending is none of these; the file exists, or is that of the predictions; no room, no
            permission.
        """
        path = Path(path)
        if replaced_input(path, {"predictions": self.predictions}):
            raise OutputError(
                f"{path}: the predictions themselves, which would be lost",
                wanted="another file",
                hint="write to another path",
            )
        require_output(path, overwrite=overwrite, quote_formulas=quote_formulas)
        write_table(path, self.table, quote_formulas=quote_formulas)
        return path

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def _place(self) -> str:
        """Where the predictions are, in a line."""
        return "memory" if self.predictions is None else short_path(self.predictions)
