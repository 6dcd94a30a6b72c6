"""Training: from a recipe, images and a table to a run with a bundle. Lightning only here."""

from galaxyclass.training.combine import Combined, combine
from galaxyclass.training.finish import Trained
from galaxyclass.training.run import RunInfo, read_run
from galaxyclass.training.train import resume, train

__all__ = ["Combined", "RunInfo", "Trained", "combine", "read_run", "resume", "train"]
