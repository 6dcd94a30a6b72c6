"""From results to the table: medians, and ratios with their spread.

    python benchmarks/table.py RESULTS.jsonl [README.md]

prints the table, or puts it between the marks of a README.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

Result = Mapping[str, Any]

OURS = "galaxyclass"
MARKS = ("<!-- results -->", "<!-- end of results -->")
TITLES = {
    "train-notebook": "Training the notebook's network (150 × 150, grey)",
    "train-resnet18": "Training resnet18 (128 × 128, colour)",
    "predict-resnet18": "Predicting with resnet18, from JPEG files to a table",
    "score-notebook": "The notebook's network: score after the same minutes",
    "score-best": "Any network: score after the same minutes",
}


def ratios(ours: Sequence[Result], peer: Sequence[Result], key: str) -> list[float]:
    """Ours over the peer's, of each repeat that both have."""
    others = {result["repeat"]: result[key] for result in peer}
    return [r[key] / others[r["repeat"]] for r in ours if r["repeat"] in others]


def spread(values: Sequence[float], form: str) -> str:
    """The median, and the smallest and largest if there are several.

    >>> spread([2.0, 1.5, 4.0], ".1f")
    '2.0 (1.5–4.0)'
    """
    middle = format(median(values), form)
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):{form}}–{max(values):{form}})"


def tables(results: Sequence[Result]) -> str:
    """A table a task, as Markdown; the first row is the one that ratios are to."""
    texts = []
    for task in dict.fromkeys(result["task"] for result in results):
        rows: dict[str, list[Result]] = {}
        for result in results:
            if result["task"] == task:
                rows.setdefault(result["row"], []).append(result)
        table = scores if task.startswith("score") else speeds
        texts.append(f"### {TITLES[task]}\n\n{table(rows)}")
    return "\n".join([*texts, made_with(results)])


def made_with(results: Sequence[Result]) -> str:
    """Machine, cores and versions."""
    versions: dict[str, set[str]] = {}
    for result in results:
        for name, number in result["versions"].items():
            versions.setdefault(name, set()).add(number)
    machines = {f"{result['machine']}, {result['cores']} cores" for result in results}
    named = [f"{name} {' and '.join(sorted(found))}" for name, found in sorted(versions.items())]
    return f"On {' and '.join(sorted(machines))}; {', '.join(named)}.\n"


def speeds(rows: Mapping[str, Sequence[Result]]) -> str:
    """Images a second, seconds of the whole process, and how many times as fast ours is."""
    ours = next(iter(rows.values()))
    lines = [
        "| | images/s | ours is faster by | whole process, s | ours is faster by | memory, MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, runs in rows.items():
        rate = ratios(ours, runs, "images_per_second")
        whole = [1 / ratio for ratio in ratios(ours, runs, "seconds")]
        is_ours = runs is ours
        cells = [
            name,
            spread([r["images_per_second"] for r in runs], ".0f"),
            "" if is_ours else spread(rate, ".2f"),
            spread([r["seconds"] for r in runs], ".0f"),
            "" if is_ours else spread(whole, ".2f"),
            format(max(r["peak_mb"] for r in runs), ".0f"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    gaps = {
        name: max(r["difference"] for r in runs)
        for name, runs in rows.items()
        if runs is not ours and all("difference" in r for r in runs)
    }
    if gaps:
        named = ", ".join(f"{name} {gap:.1g}" for name, gap in gaps.items())
        lines.append(f"\nPredictions differ from ours by (root mean square): {named}.")
    return "\n".join(lines) + "\n"


def scores(rows: Mapping[str, Sequence[Result]]) -> str:
    """RMSE with its interval, and what was trained in how long."""
    lines = [
        "| | RMSE | 95 % interval | images seen | seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, runs in rows.items():
        values = sorted(runs, key=lambda r: r["rmse"][0])[len(runs) // 2]
        cells = [
            name,
            spread([r["rmse"][0] for r in runs], ".4f"),
            f"{values['rmse'][1]:.4f}–{values['rmse'][2]:.4f}",
            f"{median(r['trained_images'] for r in runs):,.0f}",
            spread([r["trained_seconds"] for r in runs], ".0f"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def fill(text: str, table: str) -> str:
    """Put a table between the marks of a document.

    >>> fill("<!-- results -->old<!-- end of results -->", "new")
    '<!-- results -->\\n\\nnew\\n<!-- end of results -->'
    """
    before, _, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise ValueError(f"the document lacks {MARKS[0]} or {MARKS[1]}")
    return f"{before}{MARKS[0]}\n\n{table}\n{MARKS[1]}{after}"


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text().splitlines()
    made = tables([json.loads(line) for line in lines])
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(fill(Path(sys.argv[2]).read_text(), made))
    else:
        print(made)
