"""`serve`: the page and the API on the user's machine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.errors import ArgumentError, BundleError, CatalogError
from galaxyclass.extras import require
from galaxyclass.io.temporary import TemporaryFolder
from galaxyclass.model.load import open_model
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.provenance import provenance_of
from galaxyclass.progress import Progress, silent
from galaxyclass.selection.select import select
from galaxyclass.serving.batches import Predictor
from galaxyclass.serving.earlier_labels import take_earlier_labels
from galaxyclass.serving.hosts import is_loopback
from galaxyclass.serving.label_plan import LabelPlan
from galaxyclass.serving.labelling import Labelling
from galaxyclass.serving.labels import LabelFile
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.order import MOST_ORDERED, LabelOrder
from galaxyclass.serving.pictures import Pictures, files_by_id, rendering_of
from galaxyclass.serving.rows import PredictionRows
from galaxyclass.serving.served import Served
from galaxyclass.serving.why import Why
from galaxyclass.similarity.conditions import rows_that_meet
from galaxyclass.similarity.embeddings import open_predictions
from galaxyclass.similarity.index import open_index

#: Extra columns that are served where the model has them.
_INCLUDED = ("uncertainty", "strangeness", "embedding")


@public
def serve(
    model: str | Path | Model,
    *,
    predictions: str | Path | None = None,
    images: str | Path | None = None,
    labels: LabelPlan | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    quote_formulas: bool = False,
    options: InferenceOptions | None = None,
    progress: Progress = silent,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a page to look at galaxies, predict them and label them, and an API for programs.

    Returns when it is stopped by Ctrl-C.

    Parameters
    ----------
    model : str, Path or Model
        The model that predicts; ``"pretrained"`` for the pretrained one.
    predictions : str or Path, optional
        A file of predictions to look at. Similar galaxies, and labelling, need its embedding
        (``include=["embedding"]``).
    images : str or Path, optional
        The folder of the pictures of these galaxies, named after their ids.
    labels : LabelPlan, optional
        What these galaxies are labelled as, in which order, and where the labels are kept.
    host : str
        What the server listens on. By default only this machine reaches it; otherwise a token is
        needed, which is part of the address that ``ready`` gets.
    port : int
        0: any that is free.
    quote_formulas : bool
        As for `galaxyclass.predict`, in what is downloaded as CSV.
    options : InferenceOptions, optional
        How the model is run.
    progress : Progress
        Of making the index.
    ready : callable, optional
        Called with the address once requests are answered.

    Raises
    ------
    ArgumentError
        Classes that cannot be labelled; labels without predictions; a port that is taken.
    CatalogError
        A file cannot be read; no embedding to label by; a file of other labels.
    OutputError
        The file of labels cannot be written.
    MissingExtraError
        What ``galaxyclass[serve]`` brings is not installed.
    """
    require("fastapi", "jinja2", "python_multipart", "uvicorn")
    from galaxyclass.serving.app import make_app
    from galaxyclass.serving.listen import listen

    TemporaryFolder().remove()  # and what servers left that were killed
    if images is not None and predictions is None:
        raise ArgumentError(
            "`images` are those of galaxies of `predictions`, which are not given",
            argument="images",
            wanted="`predictions` beside them",
            got=str(images),
            hint="predict them first, with `include=['embedding']`; or leave `images` out: the "
            "page predicts what is dropped on it",
        )
    if labels is not None and predictions is None:
        raise ArgumentError(
            "which galaxies are labelled?",
            argument="predictions",
            wanted="a file of predictions with the embedding",
            hint="predict them first, with `include=['embedding', 'uncertainty']`",
        )
    questions = None if labels is None else labels.questions()
    served = open_served(
        open_model(model, options),
        predictions=None if predictions is None else Path(predictions),
        images=None if images is None else Path(images),
        quote_formulas=quote_formulas,
        progress=progress,
    )
    file = None
    try:
        if labels is not None and questions is not None:
            file = LabelFile(Path(labels.label), questions)
            labelling = open_labelling(
                served,
                file,
                labelled=labels.labelled,
                by=labels.by,
                answer=labels.answer,
                where=labels.where,
                every=labels.renew_every,
                repeat=labels.repeat,
            )
            served = replace(served, labelling=labelling)
        token = None if is_loopback(host) else secrets.token_urlsafe(24)
        listen(make_app(served, host=host, token=token), host, port, token=token, ready=ready)
    finally:
        served.at_end.close()
        served.predictor.close()
        if file is not None:
            file.close()


def open_served(
    model: Model,
    *,
    predictions: Path | None = None,
    images: Path | None = None,
    limits: Limits | None = None,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Served:
    """What is served, without labels; loads the networks.

    Raises
    ------
    CatalogError
        A file cannot be read, or the folder has no pictures.
    """
    limits = limits or Limits()
    rows = index = None
    is_own = False
    if predictions is not None:
        rows = PredictionRows(predictions)
        if any(name.startswith("embedding_") for name in rows.schema.names):
            index = open_index(open_predictions(predictions), progress=progress)
        is_own = provenance_of(rows.schema).get("digest") == model.digest
    rendering = rendering_of(model)
    files = {} if images is None else files_by_id(images, model)
    if rows is not None and files:
        _require_pictures(rows, files, images)
    included = [name for name in _INCLUDED if _gives(model, name)]
    predictor = Predictor(model, included, limits)
    return Served(
        predictor=predictor,
        rendering=rendering,
        limits=limits,
        rows=rows,
        index=index,
        is_own=is_own,
        pictures=Pictures(images, files, rendering, limits.pixels),
        labelling=None,
        why=Why(predictor),
        quote_formulas=quote_formulas,
    )


def open_labelling(
    served: Served,
    labels: LabelFile,
    *,
    labelled: Any = None,
    by: str = "uncertain",
    answer: str | None = None,
    where: Sequence[str] = (),
    every: int = 10,
    repeat: float = 0.1,
) -> Labelling:
    """A labelling of the galaxies of a file of predictions.

    Raises
    ------
    CatalogError
        The file has no embedding; as for `take_earlier_labels`.
    ArgumentError
        As for `select`; as for `take_earlier_labels`.
    """
    assert served.rows is not None
    path = served.rows.path
    file = open_predictions(path)
    index = served.index or open_index(file)
    allowed = rows_that_meet(file.others, where)
    choices = [choice.key for choice in labels.questions.questions[0].choices]
    wanted = answer if by == "likely" and answer in choices else None
    known = {answer, f"Class{answer}"} & set(file.other_names)
    # Nothing is known of a class before the first labels.
    at_first = "random" if wanted is not None and not known else by
    chosen = select(
        path,
        by=at_first,
        answer=answer if at_first == "likely" else None,
        where=where,
        count=min(file.rows, MOST_ORDERED),
        model=served.model if at_first == "uncertain" else None,
    )
    first = np.array([file.row_of[str(name)] for name in chosen.ids], np.int64)
    renewed = by == "uncertain" or wanted is not None
    order = LabelOrder(index, first, allowed, wanted=wanted, every=every if renewed else 0)
    if labelled is not None:
        take_earlier_labels(labels, labelled, file.ids)
    return Labelling(labels, order, file.ids, repeat)


def _gives(model: Model, name: str) -> bool:
    """Whether a model gives an extra column; predicts a black picture, and so loads its networks.

    Raises
    ------
    MissingExtraError, DeviceError
        As for `Model.predict`.
    """
    try:
        model.predict(np.zeros((1, 16, 16, 3), np.uint8), include=[name])
    except BundleError:
        return False
    return True


def _require_pictures(rows: PredictionRows, files: object, images: Path | None) -> None:
    """Refuse a folder that has no picture of the first galaxies.

    Raises
    ------
    CatalogError
    """
    head: NDArray[np.int64] = np.arange(min(len(rows), 1000))
    names = list(map(str, rows.read(head, [rows.id_column])[0].to_pylist()))
    if not any(name in files for name in names):  # type: ignore[operator]
        raise CatalogError(
            f"{images}: no picture of the galaxies of {rows.path}",
            argument="images",
            wanted=f"files named after their ids, such as {names[0]}.jpg",
        )
