"""``galaxyclass validate``: check images and a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import Command
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import show_unused
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.data.checks.report import ValidationReport
    from galaxyclass.data.dataset.dataset import Dataset

EPILOG = """\b
Example:
  galaxyclass validate --images sky/images --table sky/votes.csv"""

_SHOWN = 5
_COLOURS = {"error": "red", "note": "yellow"}


@click.command(cls=Command, epilog=EPILOG)
@options.dataset()
@options.workers
@click.option(
    "--all", "show_all", is_flag=True, help="Show every finding, not only five of each kind."
)
@options.as_json
def command(
    *,
    dataset: Dataset,
    workers: int | None,
    show_all: bool,
    as_json: bool,
) -> int:
    """Check images and a table before training on them.

    Every image is decoded and every cell is read, and all findings are shown. Errors, which
    would spoil a training, give exit code 1; notes do not.
    """
    from galaxyclass.cli.notes import show_notes
    from galaxyclass.data.checks.validate import validate

    show_notes()
    with bars() as progress:
        report = validate(
            dataset,
            workers=workers,
            progress=progress,
        )
    if as_json:
        echo(report.to_json())
    else:
        _show(report, None if show_all else _SHOWN)
    return 0 if report.ok else 1


def _show(report: ValidationReport, limit: int | None) -> None:
    """Print images and table, the findings by kind, a table of the kinds, and the verdict."""
    from galaxyclass.data.checks.findings import FINDING_KINDS

    catalog = report.catalog
    with_image = int((catalog.paths != "").sum())
    in_table = len(set(catalog.paths.tolist()) - {""})
    echo(f"images  {catalog.images}: {in_table + len(catalog.unlisted):,}")
    if catalog.table is not None:
        echo(
            f"table   {catalog.table}: {counted(len(catalog), 'galaxy')}, {with_image:,} with image"
        )
        echo(f"id      {catalog.ids.column}, for instance {catalog.ids.values[0]}")
    if catalog.parts is not None:
        counts = Counter(catalog.parts.tolist())
        parts = ", ".join(f"{count:,} {part}" for part, count in counts.items())
        echo(f"parts   {parts}")
    targets = report.catalog.targets
    echo(f"target  {'none' if targets is None else targets.describe()}")
    for code, count in report.counts.items():
        kind = FINDING_KINDS[code]
        echo()
        echo(f": {kind.title}", before=kind.severity, colour=_COLOURS[kind.severity])
        findings = [finding for finding in report.findings if finding.code == code]
        for finding in findings[:limit]:
            echo(f"  {in_options(finding.message)}")
        if limit is not None and count > limit:
            echo(f"  and {count - limit:,} more (--all shows them)")
    echo()
    if report.findings:
        _summary(report)
    show_unused(report.unused)
    echo(_verdict(report))


def _summary(report: ValidationReport) -> None:
    """Print a row per kind: severity, count, description and remedy."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from galaxyclass.cli.tables import console
    from galaxyclass.data.checks.findings import FINDING_KINDS

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("what")
    table.add_column("what to do")
    for code, count in report.counts.items():
        kind = FINDING_KINDS[code]
        style = _COLOURS[kind.severity]
        table.add_row(Text(kind.severity, style), f"{count:,}", kind.title, in_options(kind.hint))
    console().print(table)


def _verdict(report: ValidationReport) -> str:
    from galaxyclass.data.checks.target_checks import FEW_GALAXIES, FEWEST_GALAXIES

    errors, notes = len(report.errors), len(report.notes)
    counts = f"{counted(errors, 'error')}, {counted(notes, 'note')}"
    if errors:
        return f"{counts}: not ready for training"
    if report.catalog.targets is None:
        return f"{counts}: the images are valid"
    if len(report.catalog) < FEWEST_GALAXIES:
        return (
            f"{counts}: too few galaxies for a training; label {FEWEST_GALAXIES} at the least, "
            "better 50, and use `galaxyclass finetune`"
        )
    if len(report.catalog) < FEW_GALAXIES:
        return (
            f"{counts}: ready for `galaxyclass finetune`; for `galaxyclass train` better "
            f"{FEW_GALAXIES} galaxies or more"
        )
    return f"{counts}: ready for training"
