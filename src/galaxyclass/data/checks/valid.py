"""What is left of a catalog when the galaxies with errors are left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.checks.findings import FINDING_KINDS, Finding
from galaxyclass.errors import InvalidCatalogError

#: How many findings of a kind the message of a refused training shows.
_SHOWN = 3


def sound(catalog: Catalog, findings: Sequence[Finding]) -> NDArray[np.int64]:
    """Indices of the galaxies that no error names.

    Of galaxies with one id, and of ids with one image, the first is kept.

    Parameters
    ----------
    catalog : Catalog
    findings : sequence of Finding
        What `galaxyclass.data.checks.checks.check` found in this catalog.

    Returns
    -------
    (kept,) int64
    """
    keep = np.ones(len(catalog), dtype=bool)
    keep[[f.index for f in findings if f.severity == "error" and f.index is not None]] = False
    return np.flatnonzero(keep).astype(np.int64)


def require_sound(
    catalog: Catalog, findings: Sequence[Finding], skip_invalid: bool
) -> tuple[Catalog, list[Finding]]:
    """The catalog if it has no errors, or what is left of it without the galaxies that have some.

    Parameters
    ----------
    catalog : Catalog
    findings : sequence of Finding
        What `galaxyclass.data.checks.checks.check` found in this catalog.
    skip_invalid : bool
        Leave galaxies with errors out, rather than refuse.

    Returns
    -------
    catalog : Catalog
    left_out : list of Finding
        The errors because of which galaxies, and lines that never became one, are left out.

    Raises
    ------
    InvalidCatalogError
        There are errors and ``skip_invalid`` is False; or an error concerns the table as a whole;
        or nothing is left.
    """
    errors = [one for one in findings if one.severity == "error"]
    if not errors:
        return catalog, []
    whole = [one for one in errors if one.index is None and one.row is None]
    if not skip_invalid or whole:
        raise _refusal(catalog, whole if skip_invalid else errors, skip_invalid)
    kept = sound(catalog, findings)
    if len(kept) == 0:
        raise _refusal(catalog, errors, skip_invalid)
    return catalog.take(kept), errors


def _refusal(
    catalog: Catalog, errors: Sequence[Finding], skip_invalid: bool
) -> InvalidCatalogError:
    lines: list[str] = []
    for code, kind in FINDING_KINDS.items():
        of_kind = [one for one in errors if one.code == code]
        if not of_kind:
            continue
        lines.append(f"{len(of_kind):,} {kind.title}")
        lines += [f"  {one.message}" for one in of_kind[:_SHOWN]]
        if len(of_kind) > _SHOWN:
            lines.append(f"  and {len(of_kind) - _SHOWN:,} more")
    table = "" if catalog.table is None else f", {str(catalog.table)!r}"
    see = f"`galaxyclass.validate({str(catalog.images)!r}{table})` shows them all"
    return InvalidCatalogError(
        f"{catalog.table or catalog.images}: errors that would make a training wrong",
        got="\n".join(lines),
        hint=see
        + (
            "; they concern the whole table or every galaxy: `skip_invalid=True` cannot help"
            if skip_invalid
            else "; mend them, or leave out these galaxies by `skip_invalid=True`"
        ),
    )
