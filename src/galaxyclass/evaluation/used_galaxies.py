"""Which galaxies a model was trained on, as far as its runs say."""

from __future__ import annotations

from galaxyclass.arguments import Part
from galaxyclass.data.leakage import UsedGalaxies, require_used_galaxies
from galaxyclass.errors import RunError
from galaxyclass.model.model import Model
from galaxyclass.model.pretrained import CARD, is_pretrained, pretrained_folder


def used_galaxies(model: Model, part: Part) -> UsedGalaxies | None:
    """The galaxies that a model's runs used; None where they do not say and ``part`` is all.

    The pretrained model does not say: its split is not part of the package.

    Raises
    ------
    RunError
        A run does not say which galaxies it was trained on, and ``part`` asks for it.
    """
    if not any(map(is_pretrained, model.sources)):
        return require_used_galaxies(model.sources, part)
    if part != "all":
        raise RunError(
            "the pretrained model does not say which galaxies it was trained on",
            argument="part",
            wanted="galaxies that are not among them: those of the Galaxy Challenge and of Galaxy "
            f"Zoo 2, as {pretrained_folder() / CARD} describes",
            hint="if none of yours are, pass `part='all'` to score all of them",
        )
    return None
