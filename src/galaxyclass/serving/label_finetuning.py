"""From the labels of the page to a model: made in the background, beside the file of labels."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.labels.log import LabelLog
from galaxyclass.data.labels.table import training_table
from galaxyclass.errors import CatalogError, GalaxyclassError, StoppedError
from galaxyclass.explanation.answer_of import find_answer
from galaxyclass.io.atomic import discard_unfinished
from galaxyclass.io.temporary import TemporaryFolder
from galaxyclass.model.backends.backend import is_concurrent
from galaxyclass.model.load import open_model
from galaxyclass.model.model import Model
from galaxyclass.selection.choose import best_rows
from galaxyclass.serving.finetuning_state import FinetuningState
from galaxyclass.serving.label_model import LabelRun, label_run
from galaxyclass.serving.labelling import Labelling
from galaxyclass.serving.refusals import RefusedError
from galaxyclass.serving.served import Served
from galaxyclass.short import counted

log = logging.getLogger(__name__)

#: Galaxies that the model of the labels puts in order, the first of the order so far.
_PUT_IN_ORDER = 1_000

#: Seconds in which a finetuning ends once it is told to: it looks up between its pieces of work.
_ENDING = 10.0

#: The stages of a finetuning, in words.
_READ = "reading the labels"
_STAGES: dict[str, str] = {
    "pack": "cutting out pictures",
    "embed": "looking at pictures",
    "predict": "putting galaxies in order",
}


class LabelFinetuning:
    """Finetunes the served model on the labels, one time after the other.

    Parameters
    ----------
    served : Served
    labelling : Labelling
    id_column : str
    """

    def __init__(self, served: Served, labelling: Labelling, id_column: str) -> None:
        self._served, self._labelling, self._id_column = served, labelling, id_column
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stage, self._is_queued = "", False
        self._learnt: pa.Table | None = None
        self._error: GalaxyclassError | None = None
        self._notes: tuple[str, ...] = ()
        self._stopping = threading.Event()
        self._latest: tuple[Model, LabelRun] | None = None
        discard_unfinished(self._free_folder())  # a server was killed while it finetuned
        self._find_latest()

    @property
    def state(self) -> FinetuningState:
        """How far it is."""
        with self._lock:
            latest = None if self._latest is None else self._latest[1]
            used = self._served.label_model.run
            is_used = latest is not None and used == latest
            return FinetuningState(
                self._stage, latest, self._notes, self._error, is_used, self._is_queued
            )

    def start(self) -> bool:
        """Begin to finetune on all labels so far, or once what is being done is done.

        Returns
        -------
        bool
            Whether there is anything to do: not where all labels are being learnt already.

        Raises
        ------
        RefusedError
            There are no pictures.
        """
        folder = self._served.pictures.folder
        if folder is None:
            raise RefusedError(
                422,
                "there are no pictures to learn from",
                hint="start the server with `images`, the folder of the pictures",
            )
        with self._lock:
            if self._stage:
                self._is_queued |= self._is_new()
                return self._is_queued
            self._stage, self._error, self._learnt = _READ, None, None
        self._begin(lambda: self._finetune(folder))
        return True

    def use(self) -> None:
        """Let the page use the newest model, for what it shows and for the order of labelling.

        Raises
        ------
        RefusedError
            There is none.
        """
        with self._lock:
            latest = self._latest
            if latest is None:
                raise RefusedError(422, "there is no model of these labels yet")
            self._served.label_model.use(*latest)
            if self._stage:
                return
            self._stage = _STAGES["predict"]
        self._begin(lambda: self._put_in_order(*latest))

    def release(self) -> None:
        """Let the page use no model of the labels."""
        self._served.label_model.release()
        self._labelling.order.unfollow()

    def wait(self) -> None:
        """Wait until nothing is being done."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """End what is being done, and leave nothing of it; all labels are in their file."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_ENDING)

    def _begin(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except GalaxyclassError as error:
                self._fail(error)
            except Exception as error:
                log.exception("the finetuning failed")
                self._fail(GalaxyclassError("the finetuning failed", got=str(error)[:200]))
            finally:
                with self._lock:
                    queued = self._is_queued and not self._stopping.is_set()
                    self._is_queued = False
                    self._stage = _READ if queued else ""
                    self._learnt = None if queued else self._learnt
            folder = self._served.pictures.folder
            if queued and folder is not None:
                with self._lock:
                    self._error = None
                self._begin(lambda: self._finetune(folder))

        self._thread = threading.Thread(target=run, name="finetuning", daemon=True)
        self._thread.start()

    def _fail(self, error: GalaxyclassError) -> None:
        log.info("not finetuned: %s", error.one_line)
        with self._lock:
            self._error = error

    def _finetune(self, images: Path) -> None:
        labels = self._labelling.labels
        with self._lock:
            table = self._learnt = self._table()
        _require_two_classes(labels, table)
        model = self._served.model
        output = self._free_folder()
        is_shared = is_concurrent(model.ensemble.backend)
        turn = nullcontext() if is_shared else self._served.predictor.turn
        with turn, TemporaryFolder() as cache:
            dataset = Dataset(
                images,
                table,
                id_column=self._id_column,
                target_column="class" if labels.questions.tree is None else None,
                tree=labels.questions.tree,
                skip_invalid=True,
            )
            finetuned = model.finetune(
                dataset, output=output, network="never", cache=cache, progress=self._show
            )
        made = open_model(output, model.options)
        run = label_run(output, made)
        left_out = table.num_rows - run.galaxies
        notes = [*finetuned.notes]
        if left_out:
            galaxies = counted(left_out, "galaxy")
            notes.append(f"Not used: the labels of {galaxies} without a picture that can be read.")
        log.info("%s: a model of %s", output, run.words)
        with self._lock:
            self._latest, self._notes = (made, run), tuple(notes)
        if self._served.label_model.run is not None:  # the page uses the model before it
            self._served.label_model.use(made, run)
            self._put_in_order(made, run)

    def _is_new(self) -> bool:
        """Whether there are labels that are not being learnt."""
        if self._learnt is None:
            return self._stage != _READ  # those that the page uses were learnt long ago
        return not self._table().equals(self._learnt)

    def _table(self) -> pa.Table:
        return training_table(self._labelling.labels, self._id_column)

    def _show(self, stage: str, done: int, total: int | None, **_: object) -> None:
        if self._stopping.is_set():
            raise StoppedError("the server was stopped")
        words = _STAGES.get(stage, "learning")
        count = "" if total is None or done >= total else f", {done:,} of {total:,}"
        with self._lock:
            self._stage = f"{words}{count}" if count or stage == "predict" else "learning"

    def _put_in_order(self, model: Model, run: LabelRun) -> None:
        """Show first what the model is least certain of, or most likely what is looked for."""
        order, labels = self._labelling.order, self._labelling.labels
        if not order.is_renewed:
            return
        classes = model.task.class_names
        if order.wanted is not None and classes and order.wanted not in classes:
            return  # nobody has found one yet
        rows: list[int] = []
        paths: list[str] = []
        for row in order.rows():
            name = self._labelling.id_of(row)
            path = self._served.pictures.path(name)
            if path is not None and not labels.people_of(name):
                rows.append(row)
                paths.append(str(path))
            if len(rows) == _PUT_IN_ORDER:
                break
        if not rows:
            return
        predictions = model.predict(paths, progress=self._show)
        outputs, _ = model.task.columns(predictions.columns.id_column)
        shown = np.column_stack([predictions.table[name].to_numpy() for name in outputs])
        values = model.task.from_shown(shown.astype(np.float64))
        if order.wanted is None:
            measure = model.task.uncertainty(values)
        else:
            measure = values[:, find_answer(model.task, order.wanted)[0]]
        best = best_rows(measure, np.ones(len(measure), bool), len(measure))
        first: NDArray[np.int64] = np.asarray(rows, np.int64)[predictions.indices[best]]
        if self._served.label_model.run == run:
            order.follow(first, run.galaxies)

    def _find_latest(self) -> None:
        """Find the newest model of these labels, made before the server was started."""
        numbers = self._numbers()
        if not numbers:
            return
        folder = self._folder(max(numbers))
        try:
            model = open_model(folder, self._served.model.options)
            if not _answers(self._labelling.labels, model):
                log.info("%s: a model of other questions", folder)
                return
            self._latest = (model, label_run(folder, model))
        except (GalaxyclassError, OSError, ValueError, KeyError, TypeError) as error:
            log.info("%s: no model that can be used (%s)", folder, error)

    def _folder(self, number: int) -> Path:
        path = self._labelling.labels.path
        return path.with_name(f"{path.stem}-finetuned-{number}")

    def _free_folder(self) -> Path:
        return self._folder(max(self._numbers(), default=0) + 1)

    def _numbers(self) -> list[int]:
        path = self._labelling.labels.path
        pattern = re.compile(re.escape(f"{path.stem}-finetuned-") + r"([0-9]{1,9})")
        matches = (pattern.fullmatch(each.name) for each in path.parent.iterdir())
        return [int(match[1]) for match in matches if match]


def _require_two_classes(labels: LabelLog, table: pa.Table) -> None:
    """Refuse to learn one class alone, in the words of the page."""
    if labels.questions.tree is not None:
        return
    classes = set(table["class"].to_pylist())
    if len(classes) == 1:
        raise CatalogError(
            f"all labels say {classes.pop()!r}",
            wanted="galaxies of two classes or more",
            hint="label some that are not of it",
        )


def _answers(labels: LabelLog, model: Model) -> bool:
    """Whether a model predicts what these labels say: a file before may have had other classes."""
    questions, task = labels.questions, model.task
    if questions.tree is not None:
        return task.decision_tree == questions.tree
    return set(task.class_names) <= {choice.key for choice in questions.questions[0].choices}
