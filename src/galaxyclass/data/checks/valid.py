"""Valid galaxies: a catalog without the galaxies that have errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.checks.findings import FINDING_KINDS, Finding
from galaxyclass.errors import InvalidCatalogError

#: How many findings of a kind the message of a refused training shows.
_SHOWN = 3


def valid_galaxies(catalog: Catalog, findings: Sequence[Finding]) -> NDArray[np.int64]:
    """Indices of the galaxies without errors.

    Of galaxies with one id, and of ids with one image, the first is kept.

    Parameters
    ----------
    catalog : Catalog
    findings : sequence of Finding
        What `galaxyclass.data.checks.checks.check` found in this catalog.

    Returns
    -------
    (valid galaxies,) int64
    """
    valid = np.ones(len(catalog), dtype=bool)
    errors = [finding for finding in findings if finding.severity == "error"]
    valid[[error.index for error in errors if error.index is not None]] = False
    return np.flatnonzero(valid).astype(np.int64)


def require_valid(
    catalog: Catalog, findings: Sequence[Finding], skip_invalid: bool
) -> tuple[Catalog, list[Finding]]:
    """The catalog if it has no errors; otherwise its valid galaxies, or an exception.

    Parameters
    ----------
    catalog : Catalog
    findings : sequence of Finding
        What `galaxyclass.data.checks.checks.check` found in this catalog.
    skip_invalid : bool
        Leave out galaxies with errors instead of refusing the catalog.

    Returns
    -------
    catalog : Catalog
    left_out : list of Finding
        The errors of the galaxies, and of lines that are not galaxies, that are left out.

    Raises
    ------
    InvalidCatalogError
        There are errors and ``skip_invalid`` is False; or an error concerns the table as a whole;
        or nothing is left.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return catalog, []
    of_table = [error for error in errors if error.index is None and error.row is None]
    if not skip_invalid or of_table:
        raise _refusal(catalog, of_table if skip_invalid else errors, skip_invalid)
    valid = valid_galaxies(catalog, findings)
    if len(valid) == 0:
        raise _refusal(catalog, errors, skip_invalid)
    return catalog.take(valid), errors


def _refusal(
    catalog: Catalog, errors: Sequence[Finding], skip_invalid: bool
) -> InvalidCatalogError:
    lines: list[str] = []
    for code, kind in FINDING_KINDS.items():
        of_kind = [error for error in errors if error.code == code]
        if not of_kind:
            continue
        of_table = all(error.index is None and error.row is None for error in of_kind)
        lines.append(f"{kind.title}: {kind.hint}" if of_table else f"{len(of_kind):,} {kind.title}")
        lines += [f"  {error.message}" for error in of_kind[:_SHOWN]]
        if len(of_kind) > _SHOWN:
            lines.append(f"  and {len(of_kind) - _SHOWN:,} more")
    valid = len(valid_galaxies(catalog, errors))
    table = "" if catalog.table is None else f", {str(catalog.table)!r}"
    known = {} if catalog.targets is None else catalog.targets.arguments
    more = "".join(f", {name}={value!r}" for name, value in known.items())
    hint = f"`galaxyclass.validate({str(catalog.images)!r}{table}{more})` shows them all"
    return InvalidCatalogError(
        f"{catalog.table or catalog.images}: errors that would make a training wrong",
        got="\n".join(lines),
        hint=hint
        + (
            "; they concern the whole table or every galaxy: `skip_invalid=True` cannot help"
            if skip_invalid
            else "; correct them, or leave out these galaxies by `skip_invalid=True`, which keeps "
            f"{valid:,} of {len(catalog):,}"
            if valid and not any(error.index is None and error.row is None for error in errors)
            else "; correct them: they concern the whole table or every galaxy"
        ),
    )
