"""Join a fair sample of galaxies and chosen ones into one table to calibrate on.

    python experiments/calibration_table.py FAIR CHOSEN --output calibration.csv

FAIR is a CSV table of galaxies that were drawn at random. Some of CHOSEN were chosen for how they
look, and more is known of those. An answer that not all of CHOSEN have is therefore known of no
fair sample: its cells are left empty. The answers that all of them have are kept. Both tables have
the same columns, the id first.
"""

from __future__ import annotations

import csv
from pathlib import Path

import click


def joined(
    fair: list[dict[str, str]], chosen: list[dict[str, str]]
) -> tuple[list[dict[str, str]], list[str]]:
    """All rows, and the columns that were emptied in the chosen ones."""
    emptied = [name for name in fair[0] if not all(row[name] for row in chosen)]
    return [*fair, *({**row, **dict.fromkeys(emptied, "")} for row in chosen)], emptied


@click.command()
@click.argument("fair", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("chosen", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True)
def command(fair: Path, chosen: Path, output: Path) -> None:
    """Join FAIR and CHOSEN."""
    if output.exists():
        raise click.ClickException(f"{output}: is there already; name another, or remove it")
    tables = []
    for path in (fair, chosen):
        with path.open(newline="", encoding="utf-8") as file:
            tables.append(list(csv.DictReader(file)))
        if not tables[-1]:
            raise click.ClickException(f"{path}: wanted a table with galaxies; got no rows")
    if tables[0][0].keys() != tables[1][0].keys():
        raise click.ClickException(f"{fair} and {chosen}: wanted the same columns in both")
    rows, emptied = joined(*tables)
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    click.echo(f"{len(rows):,} galaxies; of {len(tables[1]):,} without {', '.join(emptied)}")


if __name__ == "__main__":
    command()
