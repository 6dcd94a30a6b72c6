"""`ValidationReport`: the findings of a validation, in Python and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.checks.findings import FINDING_KINDS, Finding
from galaxyclass.data.checks.unused_galaxies import unused_of
from galaxyclass.data.unused import Unused
from galaxyclass.short import counted, short_path, summary


@dataclass(frozen=True)
class ValidationReport:
    """The catalog that was read, and all findings."""

    catalog: Catalog
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        counts = f"{counted(len(self.errors), 'error')}, {counted(len(self.notes), 'note')}"
        return summary(f"ValidationReport of {short_path(self.catalog.images)}: {counts}")

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that would make a training wrong."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Findings for information."""
        return tuple(finding for finding in self.findings if finding.severity == "note")

    @property
    def ok(self) -> bool:
        """Whether there are no errors."""
        return not self.errors

    @property
    def counts(self) -> dict[str, int]:
        """Code -> number of findings, in the order of `FINDING_KINDS`."""
        counted = Counter(finding.code for finding in self.findings)
        return {code: counted[code] for code in FINDING_KINDS if code in counted}

    @property
    def unused(self) -> tuple[Unused, ...]:
        """What of files, columns and rows a training would not use, and why."""
        return unused_of(self.catalog, self.findings)

    def target(self) -> dict[str, Any]:
        """The targets of the table, as plain data; ``kind`` is ``none`` without targets."""
        targets = self.catalog.targets
        return {"kind": "none"} if targets is None else targets.summary()

    def to_json(self) -> str:
        """The report as JSON: what was read, counts by kind, every finding."""
        catalog = self.catalog
        data = {
            "images": str(catalog.images),
            "table": None if catalog.table is None else str(catalog.table),
            "id_column": catalog.ids.column,
            "galaxies": len(catalog),
            "galaxies_with_image": int((catalog.paths != "").sum()),
            "parts": None if catalog.parts is None else Counter(catalog.parts.tolist()),
            "target": self.target(),
            "unused": [asdict(unused) for unused in self.unused],
            "ok": self.ok,
            "counts": self.counts,
            "findings": [asdict(finding) for finding in self.findings],
        }
        return json.dumps(data, indent=2, ensure_ascii=False)
