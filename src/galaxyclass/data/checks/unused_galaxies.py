"""What of a catalog has no use: files and columns as it was read, and galaxies with errors."""

from __future__ import annotations

from collections.abc import Sequence

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.checks.findings import FINDING_KINDS, Finding
from galaxyclass.data.unused import Unused, UnusedKind
from galaxyclass.short import first_few


def unused_of(catalog: Catalog, findings: Sequence[Finding] = ()) -> tuple[Unused, ...]:
    """What of files, columns and rows a training would not use.

    Parameters
    ----------
    catalog : Catalog
    findings : sequence of Finding
        Errors of rows and galaxies: they are left out, or refuse the training.
    """
    unused = list(catalog.unused)
    if catalog.unlisted:
        names = first_few([path.rsplit("/", 1)[-1] for path in catalog.unlisted])
        unused.append(Unused("files", len(catalog.unlisted), names, "images without a row"))
    for code, kind in FINDING_KINDS.items():
        of_kind = [each for each in findings if each.code == code and each.severity == "error"]
        rows = [each for each in of_kind if each.index is not None or each.row is not None]
        if not rows:
            continue
        names = first_few(
            [str(each.id) if each.id is not None else f"line {each.row}" for each in rows]
        )
        entries: UnusedKind = "files" if catalog.table is None else "rows"
        unused.append(Unused(entries, len(rows), names, kind.title))
    return (*unused, *_unlabelled(catalog))


def _unlabelled(catalog: Catalog) -> tuple[Unused, ...]:
    """Galaxies of which nothing is known; not those of a test part, which may be unpublished."""
    unknown = ~catalog.known
    if catalog.parts is not None:
        unknown &= catalog.parts != "test"
    if not unknown.any() or unknown.all():
        return ()
    names = catalog.ids.values[unknown] if catalog.table else catalog.paths[unknown]
    entries: UnusedKind = "files" if catalog.table is None else "rows"
    shown = first_few([str(name).rsplit("/", 1)[-1] for name in names[:10].tolist()])
    return (Unused(entries, int(unknown.sum()), shown, "without a label"),)
