"""``galaxyclass explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from galaxyclass.arguments import ExplanationMethod
from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.io.result_files import plain_json

if TYPE_CHECKING:
    from galaxyclass.explanation.explain import Explanation
    from galaxyclass.model.options import InferenceOptions

EPILOG = """\b
Examples:
  galaxyclass explain --images a.jpg b.jpg --answer 4.1 --output spiral.png
  galaxyclass explain runs/first --images sky/images --answer "3.1 bar" --count 20 --output bar.png
  galaxyclass explain runs/first --images sky/images --answer 8.1 --method cam --output ring.png

Beside the figure are its numbers: spiral.csv (how faithful each map is), spiral_curves.csv and
spiral_maps.npz (the maps)."""


@click.command(cls=ManyValues, epilog=EPILOG)
@click.argument("models", metavar="[MODEL…]", nargs=-1, type=click.Path(path_type=Path))
@options.images
@click.option(
    "--answer",
    help="What to explain: the code (4.1), the column or the name of an answer; or a class. "
    "Without it, those that there are are listed.",
)
@options.output("the figure: a file that ends in .png")
@click.option(
    "--method",
    type=click.Choice(get_args(ExplanationMethod)),
    default="occlusion",
    show_default=True,
    help="occlusion: hide squares and watch the answer fall. gradients, cam: integrated gradients, "
    "class activation maps (both need torch and captum).",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    help="Galaxies to explain at most; of more images so many are drawn at random.",
)
@options.inference
@options.seed
@options.overwrite
@options.quote_formulas_option
@options.as_json
def command(
    *,
    models: tuple[Path, ...],
    images: tuple[Path, ...],
    answer: str | None,
    output: Path,
    method: ExplanationMethod,
    count: int,
    inference: InferenceOptions,
    seed: int,
    overwrite: bool,
    quote_formulas: bool,
    as_json: bool,
) -> None:
    """Map the parts of an image that an answer rests on, and say whether the map can be believed.

    Without MODEL the pretrained model is explained. A map is averaged over orientations, and
    tested: the galaxy is hidden bit by bit in the order of the map, at random, and from the centre
    outwards. A map that does no better than the other two says nothing, and the output says so.
    """
    from galaxyclass.explanation.answer_of import require_answer
    from galaxyclass.explanation.explain import explain
    from galaxyclass.model.load import open_model

    if answer is None:
        answer = require_answer(open_model(models or "pretrained", inference).task, answer)
    with bars() as progress:
        explanation = explain(
            models or "pretrained",
            images[0] if len(images) == 1 else list(images),
            answer=answer,
            output=output,
            method=method,
            count=count,
            options=inference,
            seed=seed,
            overwrite=overwrite,
            quote_formulas=quote_formulas,
            progress=progress,
        )
    if as_json:
        echo(_json(explanation))
        return
    echo_notes(explanation.notes)
    plain, *numbers = explanation.verdict
    echo(plain)
    better = sum(galaxy.faithfulness.is_better for galaxy in explanation.galaxies)
    echo(
        f"maps of {explanation.answer} better than random maps and than a central blob: {better} "
        f"of {len(explanation.galaxies)}"
    )
    for sentence in numbers:
        echo(sentence)
    echo(f"the maps are in {output}")


def _json(explanation: Explanation) -> str:
    from dataclasses import asdict

    data = {
        "answer": explanation.answer,
        "method": explanation.method,
        "output": str(explanation.output),
        "above_random": asdict(explanation.above_random),
        "above_central": asdict(explanation.above_central),
        "sanity": explanation.sanity,
        "verdict": list(explanation.verdict),
        "galaxies": [
            {
                "id": galaxy.id,
                "predicted": galaxy.share,
                "faithfulness": galaxy.faithfulness.map.score,
                "random": galaxy.faithfulness.random.score,
                "central": galaxy.faithfulness.central.score,
            }
            for galaxy in explanation.galaxies
        ],
        "notes": list(explanation.notes),
    }
    return plain_json(data)
