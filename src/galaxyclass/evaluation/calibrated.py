"""`Calibrated`: a calibration and the bundle that holds it, as an object."""

from __future__ import annotations

from dataclasses import dataclass

from galaxyclass.calibration.calibration import Calibration
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.short import short_path, summary


@dataclass(frozen=True)
class Calibrated:
    """The result of `calibrate`.

    Attributes
    ----------
    calibration : Calibration
    bundle : Bundle
        The bundle that now holds it.
    galaxies_by_part : dict of str to int
        The part of the training that its galaxies were in, as in an `Evaluation`.
    notes : tuple of str
        Which galaxies were left out.
    """

    calibration: Calibration
    bundle: Bundle
    galaxies_by_part: dict[str, int]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(f"Calibrated {short_path(self.bundle.folder)}: {self.calibration.words}")
