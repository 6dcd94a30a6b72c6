"""How far a finetuning on the labels of the page is."""

from __future__ import annotations

from dataclasses import dataclass

from galaxyclass.errors import GalaxyclassError
from galaxyclass.serving.label_model import LabelRun


@dataclass(frozen=True)
class FinetuningState:
    """How far a finetuning is.

    Attributes
    ----------
    stage : str
        What is being done; empty where nothing is.
    latest : LabelRun or None
        The newest model of these labels.
    notes : tuple of str
        What was not used for it.
    error : GalaxyclassError or None
        Why the last finetuning failed.
    is_used : bool
        Whether the page uses the newest model.
    is_queued : bool
        Whether one begins once this is done.
    """

    stage: str
    latest: LabelRun | None
    notes: tuple[str, ...]
    error: GalaxyclassError | None
    is_used: bool
    is_queued: bool

    @property
    def words(self) -> str:
        """What is being done, and what comes then; empty where nothing is."""
        if not self.stage:
            return ""
        following = ". Then the labels given meanwhile are learnt" if self.is_queued else ""
        return f"{self.stage[0].upper()}{self.stage[1:]}{following} …"

    @property
    def is_running(self) -> bool:
        """Whether one is running."""
        return bool(self.stage)
