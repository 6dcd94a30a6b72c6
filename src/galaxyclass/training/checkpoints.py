"""Checkpoint files, written whole or not at all, and read without running code."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from galaxyclass.errors import OutputError, RunError
from galaxyclass.io.atomic import writing
from galaxyclass.short import first_line, short_value


class AtomicCheckpoints(TorchCheckpointIO):
    """Lightning's reading and writing of checkpoints, safe against kills and foreign code."""

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint, whole or not at all."""
        with writing(Path(path)) as temporary:
            try:
                torch.save(checkpoint, temporary)
            except RuntimeError as error:
                # torch hides the operating system's error when the disk fills up
                raise OutputError(
                    f"{path}: the checkpoint cannot be written",
                    got=first_line(error),
                    hint="free some space, then resume: the checkpoint before it is whole",
                ) from error

    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint; nothing in it is run."""
        return read_checkpoint(Path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint as tensors and plain data.

    Raises
    ------
    RunError
        It is missing or damaged.
    """
    try:
        _require_undamaged(path)
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch.load raises anything from UnpicklingError to KeyError on a damaged file
        raise RunError(
            f"{path}: the checkpoint cannot be read",
            got=first_line(error),
            hint=_TRAIN_AGAIN,
        ) from error
    problem = _problem(checkpoint)
    if problem:
        raise RunError(
            f"{path}: not the checkpoint of a training, or damaged", got=problem, hint=_TRAIN_AGAIN
        )
    return checkpoint


def _require_undamaged(path: Path) -> None:
    """Compare the file's parts with their CRC-32: torch writes it, and does not read it.

    Raises
    ------
    ValueError
        A part is damaged.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            if (part := file.testzip()) is not None:
                raise ValueError(f"{part}: other bytes than were written")


def does_not_fit(path: Path, error: Exception) -> RunError:
    """The error of a checkpoint whose content is not that of this run."""
    return RunError(
        f"{path}: the checkpoint does not fit the run, or is damaged",
        got=f"{type(error).__name__}: {first_line(error)}",
        hint=_TRAIN_AGAIN,
    )


_TRAIN_AGAIN = "train again, to another `output`"


def _problem(checkpoint: Any) -> str:
    """What a checkpoint lacks that this package needs itself; Lightning needs more."""
    if not isinstance(checkpoint, dict):
        return f"a {type(checkpoint).__name__}"
    epoch = checkpoint.get("epoch")
    if type(epoch) is not int or not 0 <= epoch < 10**6:
        return f"epoch {short_value(epoch)}"
    state = checkpoint.get("state_dict")
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        return "no weights in it"
    return ""
