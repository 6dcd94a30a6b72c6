"""Checking a folder of images and a table before anything is trained on them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxyclass.arguments import public
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.findings import FINDING_KINDS, Finding
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.images.inspect import inspect_images
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary


@dataclass(frozen=True)
class ValidationReport:
    """What was read, and everything that was found."""

    catalog: Catalog
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        found = f"{len(self.errors):,} errors, {len(self.notes):,} notes"
        return summary(f"ValidationReport of {short_path(self.catalog.images)}: {found}")

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that would make a training wrong."""
        return tuple(one for one in self.findings if one.severity == "error")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Findings that are worth knowing."""
        return tuple(one for one in self.findings if one.severity == "note")

    @property
    def ok(self) -> bool:
        """Whether there are no errors."""
        return not self.errors

    @property
    def counts(self) -> dict[str, int]:
        """Code -> number of findings, in the order of `FINDING_KINDS`."""
        counted = Counter(one.code for one in self.findings)
        return {code: counted[code] for code in FINDING_KINDS if code in counted}

    def target(self) -> dict[str, Any]:
        """What the table is read as, as plain data; ``kind`` is ``none`` without targets."""
        targets = self.catalog.targets
        return {"kind": "none"} if targets is None else targets.summary()

    def to_json(self) -> str:
        """The report for machines: what was read, counts by kind, every finding."""
        catalog = self.catalog
        data = {
            "images": str(catalog.images),
            "table": None if catalog.table is None else str(catalog.table),
            "id_column": catalog.ids.column,
            "galaxies": len(catalog),
            "galaxies_with_image": int((catalog.paths != "").sum()),
            "parts": None if catalog.parts is None else Counter(catalog.parts.tolist()),
            "target": self.target(),
            "ok": self.ok,
            "counts": self.counts,
            "findings": [asdict(one) for one in self.findings],
        }
        return json.dumps(data, indent=2, ensure_ascii=False)


@public
def validate(
    images: Dataset | str | Path,
    table: Any = None,
    *,
    workers: int | None = None,
    progress: Progress = silent,
) -> ValidationReport:
    r"""Read images and a table, decode every image, and report everything that is found.

    Parameters
    ----------
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: what is known of its images (see `Dataset`).
    workers : int, optional
        Images that are decoded at once; all cores unless told otherwise.
    progress : Progress

    Raises
    ------
    CatalogError
        The folder or the table cannot be understood at all.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number in range(2):
    ...     Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    >>> _ = (folder / "2.jpg").write_text("not an image")
    >>> rows = ["id,class", "0,spiral", "1,smooth", "2,smooth"]
    >>> _ = (folder / "labels.csv").write_text("\n".join(rows))
    >>> report = validate(folder, folder / "labels.csv")
    >>> report.ok, [(one.code, one.row, one.id) for one in report.errors]
    (False, [('image_undecodable', 4, '2')])
    """
    catalog = as_dataset(images, table).as_read
    facts = inspect_images(catalog.files()[0], workers=workers, progress=progress)
    return ValidationReport(catalog, tuple(check(catalog, facts)))
