"""The page of an exploration: one HTML file without scripts, readable offline."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from string import Template

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.exploration.classes import ClassSummary
from galaxyclass.exploration.examples import Example
from galaxyclass.exploration.figures import Chart
from galaxyclass.exploration.numbers import NumberSummary
from galaxyclass.exploration.tables import Rows
from galaxyclass.exploration.votes import VoteSummary
from galaxyclass.images.channels import to_three
from galaxyclass.short import counted
from galaxyclass.version import __version__

#: JPEG quality of the images on the page, 0..100: at 90 no difference is visible.
_QUALITY = 90

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --faint: light-dark(#666, #999); --line: light-dark(#ddd, #444); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem;
  padding: 1.5rem 1rem 4rem; background: light-dark(#fff, #16181c); color: light-dark(#222, #ddd); }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem; }
p { margin: .3rem 0 1rem; } a { color: inherit; } .faint { color: var(--faint); }
svg { width: 100%; height: auto; max-width: 76rem; display: block; margin: auto; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.2rem; }
figure { margin: 0; } figcaption { line-height: 1.3; margin-top: .3rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.pair img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #000; }
.none { aspect-ratio: 2; display: grid; place-items: center; border: 1px solid var(--line);
  color: var(--faint); }
</style>
</head>
<body>
<h1>$title</h1>
<p class="faint">$source</p>
$notes
$sections
<p class="faint">galaxyclass $version</p>
</body>
</html>
""")


@dataclass(frozen=True)
class Contents:
    """What is shown of a kind of target: statistics, captioned examples, charts, CSV."""

    summary: VoteSummary | ClassSummary | NumberSummary
    examples: list[Example]
    caption: str
    name: str
    columns: int | None
    charts: list[Chart]
    tables: dict[str, Rows]


def page(
    catalog: Catalog,
    contents: Contents,
    *,
    example_figures: Sequence[Chart],
    recipe: str,
    notes: Sequence[str],
    inline: Callable[..., str],
) -> str:
    """Write the page.

    Parameters
    ----------
    catalog : Catalog
    contents : Contents
        Its examples are shown in pairs: the image, and the input of the model.
    example_figures : sequence of Chart
        The figures of the examples, as links.
    recipe : str
        The name of the recipe of the cutouts.
    notes : sequence of str
    inline : callable
        From a figure to an SVG element (`inline_svg`).

    Returns
    -------
    str
        HTML.
    """
    title = f"{counted(len(catalog), 'galaxy')}{contents.summary.title}"
    source = f"{catalog.table or 'a folder for each class'}; images: {catalog.images}"
    caption = f"{example_figures[0].text} Left the image, right the input of the recipe {recipe}."
    sections = [
        _section(
            example_figures[0].text.rstrip("."), caption, example_figures, _grid(contents.examples)
        ),
        *(
            _section(_heading(chart), chart.text, [chart], inline(chart.figure))
            for chart in contents.charts
        ),
    ]
    return _PAGE.substitute(
        title=escape(title),
        source=escape(source),
        notes="\n".join(f"<p>{escape(note)}</p>" for note in notes),
        sections="\n".join(sections),
        version=escape(__version__),
    )


def _section(heading: str, text: str, charts: Sequence[Chart], body: str) -> str:
    links = ", ".join(
        f'<a href="{chart.name}.{suffix}">{chart.name}.{suffix}</a>'
        for chart in charts
        for suffix in ("png", "svg")
    )
    return (
        f"<section><h2>{escape(heading)}</h2>\n"
        f'<p>{escape(text)} <span class="faint">{links}</span></p>\n{body}\n</section>'
    )


def _heading(chart: Chart) -> str:
    words = chart.name.replace("_", " ")
    return words[0].upper() + words[1:]


def _grid(examples: Sequence[Example]) -> str:
    return '<div class="grid">\n' + "\n".join(_figure(example) for example in examples) + "\n</div>"


def _figure(example: Example) -> str:
    if example.image is None or example.model_input is None:
        body = f'<div class="none">{escape(example.note)}</div>'
        return f"<figure>{body}<figcaption>{escape(example.label)}</figcaption></figure>"
    pair = _image(example.image, "image") + _image(example.model_input, "input of the model")
    faint = f"{example.note} · {example.id}" if example.note else example.id
    return (
        f'<figure><div class="pair">{pair}</div><figcaption>{escape(example.label)} '
        f'<span class="faint">{escape(faint)}</span></figcaption></figure>'
    )


def _image(pixels: NDArray[np.uint8], caption: str) -> str:
    pixels = to_three(pixels)
    space = "GRAY" if pixels.shape[2] == 1 else "RGB"
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), _QUALITY, space)
    encoded = base64.b64encode(data).decode("ascii")
    return f'<img alt="{caption}" src="data:image/jpeg;base64,{encoded}">'
