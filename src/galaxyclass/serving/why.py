"""Why an answer is predicted: the map of one galaxy, made when somebody asks."""

from __future__ import annotations

import io
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from galaxyclass.errors import ImageError
from galaxyclass.explanation.answer_of import find_answer
from galaxyclass.explanation.explain import Explainer
from galaxyclass.explanation.grid import enlarged, overlay
from galaxyclass.io.temporary import TemporaryFolder
from galaxyclass.model.backends.backend import is_concurrent
from galaxyclass.model.cutouts import Cutouts
from galaxyclass.model.model import Model
from galaxyclass.serving.batches import Predictor
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.remembered import Remembered

#: Maps that are remembered, and people who may wait for one.
_REMEMBERED, _WAITING = 64, 4


@dataclass(frozen=True)
class Explained:
    """Why an answer is predicted of a galaxy.

    Attributes
    ----------
    answer : str
        In words.
    share : float
        The predicted share of the answer, or probability of the class.
    is_better : bool
        Whether the map is more faithful than a random one and than a central blob.
    score, random, central : float
        How faithful these are.
    seen, map : bytes
        PNGs: what the model sees, and the map over it.
    """

    answer: str
    share: float
    is_better: bool
    score: float
    random: float
    central: float
    seen: bytes
    map: bytes


class Why:
    """Explains the answers of a model, one galaxy at a time.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._explained = Remembered[Explained](_REMEMBERED)
        self._lock, self._places = threading.Lock(), threading.BoundedSemaphore(_WAITING)
        self.is_possible = len(predictor.model.ensemble.preprocessings) == 1

    def __bool__(self) -> bool:
        return self.is_possible

    def explain(self, key: str, cutout: NDArray[np.uint8], answer: str) -> Explained:
        """Why an answer is predicted; takes seconds.

        Parameters
        ----------
        key : str
            What the cutout is called, so that its map is made once.
        cutout : (side, side, channels) uint8
        answer : str
            As for `galaxyclass.explain`.

        Raises
        ------
        ArgumentError
            The model has no such answer.
        RefusedError
            503: others are waiting for theirs.
        """
        model = self._predictor.model
        index, words = find_answer(model.task, answer)
        return self._explained.get(f"{index} {key}", lambda: self._make(index, words, cutout))

    def _make(self, index: int, words: str, cutout: NDArray[np.uint8]) -> Explained:
        if not self._places.acquire(blocking=False):
            raise RefusedError(
                503,
                "others are waiting for an explanation",
                hint="ask again in a few seconds",
                retry_seconds=5,
            )
        try:
            model = self._predictor.model
            alone = nullcontext() if is_concurrent(model.ensemble.backend) else self._predictor.turn
            with self._lock, alone:
                galaxy = Explainer(model, index, "occlusion", 0).explain("", cutout)
        finally:
            self._places.release()
        tested = galaxy.faithfulness
        return Explained(
            words,
            galaxy.share,
            tested.is_better,
            tested.map.score,
            tested.random.score,
            tested.central.score,
            _png(enlarged(cutout)),
            _png(overlay(galaxy)),
        )


def cutout_of(model: Model, path: Path) -> NDArray[np.uint8]:
    """What the model sees of a picture: (side, side, channels) uint8.

    Raises
    ------
    ImageError
        It cannot be decoded.
    """
    cutouts = Cutouts([str(path)], 0, model.ensemble.preprocessings[:1])
    cutouts.read()
    if cutouts.errors:
        raise ImageError(cutouts.errors[0])
    array: NDArray[np.uint8] = cutouts.arrays[0][0]
    return array


def cutout_of_upload(model: Model, data: bytes) -> NDArray[np.uint8]:
    """What the model sees of a picture that was sent.

    Raises
    ------
    ImageError
    """
    with TemporaryFolder() as folder:
        path = folder / "picture.img"
        path.write_bytes(data)
        return cutout_of(model, path)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
