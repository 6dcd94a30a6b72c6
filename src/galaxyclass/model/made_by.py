"""The model that made predictions, found by what their file says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxyclass.errors import BundleError
from galaxyclass.model.load import ModelSource, open_model
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.pretrained import PRETRAINED


class ModelGoneError(BundleError):
    """The model that made predictions is not there any more."""


def model_that_made(
    provenance: Mapping[str, Any],
    name: str,
    model: ModelSource | None = None,
    *,
    beside: Path | None = None,
    options: InferenceOptions | None = None,
) -> Model:
    """The model that made predictions; another one is refused.

    Parameters
    ----------
    provenance : mapping
        Of the predictions, as far as it is known.
    name : str
        Of the predictions, for messages.
    model : str, Path, Model or a sequence of them, optional
        The model. Otherwise it is looked for where the predictions say that it was, and beside
        their file; where they say nothing, it is the pretrained one.
    beside : Path, optional
        The folder of the predictions.
    options : InferenceOptions, optional
        How it is run. By default, with the views with which the predictions were made.

    Raises
    ------
    ModelGoneError
        It is not there any more.
    BundleError
        It is another model than that which made the predictions, or damaged.
    """
    if options is None:
        views = provenance.get("views")
        options = InferenceOptions(views=views if isinstance(views, int) else None)
    if model is None:
        model = _found(provenance, name, beside)
    model = open_model(model, options)
    if provenance.get("digest", model.digest) != model.digest:
        raise BundleError(
            f"{name}: made by another model than {model.name}",
            argument="model",
            wanted=f"the model {provenance.get('model')}",
            got=model.name,
            hint="name that model, or predict again",
        )
    return model


def _found(provenance: Mapping[str, Any], name: str, beside: Path | None) -> Sequence[str | Path]:
    """Where the model that made predictions is now."""
    sources = provenance.get("sources")
    if not isinstance(sources, list) or not sources:
        return [PRETRAINED]
    models: list[str | Path] = []
    for source in map(str, sources):
        folders = [Path(source), *([] if beside is None else [beside / source])]
        existing = next((folder for folder in folders if folder.exists()), None)
        if source != PRETRAINED and existing is None:
            raise ModelGoneError(
                f"{name}: the model that made it is not there any more",
                argument="model",
                wanted=f"the model {provenance.get('model')}, which was {source}",
                got="no such file or folder",
                hint="name that model",
            )
        models.append(source if existing is None or source == PRETRAINED else existing)
    return models
