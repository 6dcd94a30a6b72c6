"""Checkpoint files, written whole or not at all, and read without running code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from galaxyclass.errors import OutputError, RunError
from galaxyclass.io.atomic import writing


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
                    got=str(error).splitlines()[0],
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
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch.load raises anything from UnpicklingError to KeyError on a damaged file
        raise RunError(
            f"{path}: the checkpoint cannot be read",
            got=f"{type(error).__name__}: {str(error).splitlines()[0][:200]}",
            hint="train again, to another `output`",
        ) from error
    return checkpoint
