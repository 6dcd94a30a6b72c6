"""Training: from a recipe, images and a table to a run with a bundle. Lightning only here."""

from galaxyclass.training.finish import Trained
from galaxyclass.training.run import RunInfo, read_run
from galaxyclass.training.train import resume, train

__all__ = ["RunInfo", "Trained", "read_run", "resume", "train"]
