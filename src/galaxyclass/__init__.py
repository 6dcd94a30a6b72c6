"""Predict how Galaxy Zoo volunteers would classify galaxy images.

The public functions, and the classes that they take and return. Each is imported when it is first
used, so that ``import galaxyclass`` costs nothing. A wrong argument is refused before anything is
done: a wrong value by an `ArgumentError` (a `ValueError` too), a wrong type by an
`ArgumentTypeError` (a `TypeError` too).
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from galaxyclass.version import __version__

if TYPE_CHECKING:
    from galaxyclass.arguments import ChosenPrecision, Device, Part, Settings
    from galaxyclass.calibration.calibration import Calibration
    from galaxyclass.data.catalog.catalog import Catalog
    from galaxyclass.data.catalog.guess_tree import GuessedTree, guess_tree
    from galaxyclass.data.catalog.read import read_catalog
    from galaxyclass.data.checks.report import ValidationReport
    from galaxyclass.data.checks.validate import validate
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.errors import (
        ArgumentError,
        ArgumentTypeError,
        BundleError,
        CatalogError,
        DeviceError,
        ExportError,
        GalaxyclassError,
        ImageError,
        InvalidCatalogError,
        MissingExtraError,
        OutputError,
        PackError,
        PredictionInterruptedError,
        RecipeError,
        RunError,
        ScoreError,
        StoppedError,
        SurveyError,
        SurveyStoppedError,
        TrainingInterruptedError,
        TreeError,
        WorkerError,
    )
    from galaxyclass.evaluation.baselines.baseline import baseline
    from galaxyclass.evaluation.baselines.scores import Baselines
    from galaxyclass.evaluation.calibrate import calibrate
    from galaxyclass.evaluation.calibrated import Calibrated
    from galaxyclass.evaluation.evaluate import evaluate
    from galaxyclass.evaluation.evaluation import Evaluation
    from galaxyclass.evaluation.score_predictions import TableScores, score_predictions
    from galaxyclass.explanation.explain import Explanation, explain
    from galaxyclass.exploration.explore import Exploration, explore
    from galaxyclass.finetuning.finetune import finetune
    from galaxyclass.finetuning.finetuned import Finetuned
    from galaxyclass.finetuning.suspects import Suspect, Suspects, suspects
    from galaxyclass.images.packs.read import Pack, open_pack
    from galaxyclass.images.packs.write import pack
    from galaxyclass.model.backends.backend import Backend
    from galaxyclass.model.bundle.load import Bundle, ExportedBundle, load_bundle
    from galaxyclass.model.carry import TableJoin
    from galaxyclass.model.export.export import Exported, export
    from galaxyclass.model.job import PredictionSummary
    from galaxyclass.model.load import load_model
    from galaxyclass.model.model import Model
    from galaxyclass.model.options import InferenceOptions
    from galaxyclass.model.predict import predict
    from galaxyclass.model.predictions import Prediction, Predictions
    from galaxyclass.progress import Progress
    from galaxyclass.recipes.preprocessing import Preprocessing
    from galaxyclass.recipes.read import load_recipe
    from galaxyclass.recipes.recipe import Recipe
    from galaxyclass.reports.report import Report, report
    from galaxyclass.selection.select import Selection, select
    from galaxyclass.serving.label_plan import LabelPlan
    from galaxyclass.serving.start import serve
    from galaxyclass.similarity.map_galaxies import GalaxyMap, map_galaxies
    from galaxyclass.similarity.similar import Neighbours, similar
    from galaxyclass.simulation.contest import SimulatedContest, simulate_hundred
    from galaxyclass.simulation.folders import SimulatedFolder, simulate
    from galaxyclass.study.benchmark.benchmark import benchmark
    from galaxyclass.study.benchmark.results import Benchmark
    from galaxyclass.study.compare.compare import Comparison, compare
    from galaxyclass.study.tune.tune import Tuned, tune
    from galaxyclass.survey.drive import SurveyRun
    from galaxyclass.survey.merge import MergedSurvey
    from galaxyclass.survey.plan import PlannedSurvey, plan_survey
    from galaxyclass.survey.status import SurveyStatus
    from galaxyclass.survey.survey import Survey, open_survey
    from galaxyclass.tasks.scores.votes import rmse
    from galaxyclass.tiles.open_tiles import open_tiles
    from galaxyclass.tiles.tile_cutouts import TileCutouts
    from galaxyclass.tiles.write_cutouts import CutoutSummary, cutouts
    from galaxyclass.training.combine import Combined, combine
    from galaxyclass.training.folds import TrainedFolds, train_folds
    from galaxyclass.training.train import Trained, resume, train
    from galaxyclass.trees.read import load_tree
    from galaxyclass.trees.tree import Tree
    from galaxyclass.zooniverse.export_subjects import ExportedSubjects, export_subjects
    from galaxyclass.zooniverse.import_classifications import (
        ImportedVotes,
        import_classifications,
    )

# A program that sets up no logging sees none of this package, not even warnings.
logging.getLogger(__name__).addHandler(logging.NullHandler())

#: Public name -> the module that defines it.
_MODULES: dict[str, str] = {
    "ArgumentError": "errors",
    "ArgumentTypeError": "errors",
    "Backend": "model.backends.backend",
    "Baselines": "evaluation.baselines.scores",
    "Benchmark": "study.benchmark.results",
    "Bundle": "model.bundle.load",
    "BundleError": "errors",
    "Calibrated": "evaluation.calibrated",
    "Calibration": "calibration.calibration",
    "Catalog": "data.catalog.catalog",
    "CatalogError": "errors",
    "ChosenPrecision": "arguments",
    "Combined": "training.combine",
    "Comparison": "study.compare.compare",
    "CutoutSummary": "tiles.write_cutouts",
    "Dataset": "data.dataset.dataset",
    "Device": "arguments",
    "DeviceError": "errors",
    "Evaluation": "evaluation.evaluation",
    "Explanation": "explanation.explain",
    "Exploration": "exploration.explore",
    "ExportError": "errors",
    "Exported": "model.export.export",
    "ExportedBundle": "model.bundle.load",
    "Finetuned": "finetuning.finetuned",
    "GalaxyMap": "similarity.map_galaxies",
    "GalaxyclassError": "errors",
    "ExportedSubjects": "zooniverse.export_subjects",
    "ImportedVotes": "zooniverse.import_classifications",
    "export_subjects": "zooniverse.export_subjects",
    "import_classifications": "zooniverse.import_classifications",
    "GuessedTree": "data.catalog.guess_tree",
    "ImageError": "errors",
    "InferenceOptions": "model.options",
    "InvalidCatalogError": "errors",
    "LabelPlan": "serving.label_plan",
    "MergedSurvey": "survey.merge",
    "MissingExtraError": "errors",
    "Model": "model.model",
    "Neighbours": "similarity.similar",
    "OutputError": "errors",
    "Pack": "images.packs.read",
    "PackError": "errors",
    "Part": "arguments",
    "PlannedSurvey": "survey.plan",
    "Prediction": "model.predictions",
    "PredictionInterruptedError": "errors",
    "PredictionSummary": "model.job",
    "Predictions": "model.predictions",
    "Preprocessing": "recipes.preprocessing",
    "Progress": "progress",
    "Recipe": "recipes.recipe",
    "RecipeError": "errors",
    "Report": "reports.report",
    "RunError": "errors",
    "ScoreError": "errors",
    "Selection": "selection.select",
    "Settings": "arguments",
    "SimulatedContest": "simulation.contest",
    "SimulatedFolder": "simulation.folders",
    "StoppedError": "errors",
    "Suspect": "finetuning.suspects",
    "Suspects": "finetuning.suspects",
    "Survey": "survey.survey",
    "SurveyError": "errors",
    "SurveyRun": "survey.drive",
    "SurveyStatus": "survey.status",
    "SurveyStoppedError": "errors",
    "TableJoin": "model.carry",
    "TableScores": "evaluation.score_predictions",
    "TileCutouts": "tiles.tile_cutouts",
    "Trained": "training.train",
    "TrainedFolds": "training.folds",
    "TrainingInterruptedError": "errors",
    "Tree": "trees.tree",
    "TreeError": "errors",
    "ValidationReport": "data.checks.report",
    "WorkerError": "errors",
    "baseline": "evaluation.baselines.baseline",
    "benchmark": "study.benchmark.benchmark",
    "calibrate": "evaluation.calibrate",
    "combine": "training.combine",
    "compare": "study.compare.compare",
    "cutouts": "tiles.write_cutouts",
    "evaluate": "evaluation.evaluate",
    "explain": "explanation.explain",
    "explore": "exploration.explore",
    "export": "model.export.export",
    "guess_tree": "data.catalog.guess_tree",
    "finetune": "finetuning.finetune",
    "load_bundle": "model.bundle.load",
    "load_model": "model.load",
    "load_recipe": "recipes.read",
    "load_tree": "trees.read",
    "map_galaxies": "similarity.map_galaxies",
    "open_pack": "images.packs.read",
    "open_survey": "survey.survey",
    "open_tiles": "tiles.open_tiles",
    "pack": "images.packs.write",
    "plan_survey": "survey.plan",
    "predict": "model.predict",
    "read_catalog": "data.catalog.read",
    "report": "reports.report",
    "resume": "training.train",
    "rmse": "tasks.scores.votes",
    "score_predictions": "evaluation.score_predictions",
    "select": "selection.select",
    "serve": "serving.start",
    "similar": "similarity.similar",
    "simulate": "simulation.folders",
    "simulate_hundred": "simulation.contest",
    "suspects": "finetuning.suspects",
    "train": "training.train",
    "train_folds": "training.folds",
    "Tuned": "study.tune.tune",
    "tune": "study.tune.tune",
    "validate": "data.checks.validate",
}

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "Backend",
    "Baselines",
    "Benchmark",
    "Bundle",
    "BundleError",
    "Calibrated",
    "Calibration",
    "Catalog",
    "CatalogError",
    "ChosenPrecision",
    "Combined",
    "Comparison",
    "CutoutSummary",
    "Dataset",
    "Device",
    "DeviceError",
    "Evaluation",
    "Explanation",
    "Exploration",
    "ExportError",
    "Exported",
    "ExportedBundle",
    "ExportedSubjects",
    "Finetuned",
    "GalaxyMap",
    "GalaxyclassError",
    "GuessedTree",
    "ImageError",
    "ImportedVotes",
    "InferenceOptions",
    "InvalidCatalogError",
    "LabelPlan",
    "MergedSurvey",
    "MissingExtraError",
    "Model",
    "Neighbours",
    "OutputError",
    "Pack",
    "PackError",
    "Part",
    "PlannedSurvey",
    "Prediction",
    "PredictionInterruptedError",
    "PredictionSummary",
    "Predictions",
    "Preprocessing",
    "Progress",
    "Recipe",
    "RecipeError",
    "Report",
    "RunError",
    "ScoreError",
    "Selection",
    "Settings",
    "SimulatedContest",
    "SimulatedFolder",
    "StoppedError",
    "Survey",
    "SurveyError",
    "SurveyRun",
    "SurveyStatus",
    "SurveyStoppedError",
    "Suspect",
    "Suspects",
    "TableJoin",
    "TableScores",
    "TileCutouts",
    "Trained",
    "TrainedFolds",
    "TrainingInterruptedError",
    "Tree",
    "TreeError",
    "Tuned",
    "ValidationReport",
    "WorkerError",
    "__version__",
    "baseline",
    "benchmark",
    "calibrate",
    "combine",
    "compare",
    "cutouts",
    "evaluate",
    "explain",
    "explore",
    "export",
    "export_subjects",
    "finetune",
    "guess_tree",
    "import_classifications",
    "load_bundle",
    "load_model",
    "load_recipe",
    "load_tree",
    "map_galaxies",
    "open_pack",
    "open_survey",
    "open_tiles",
    "pack",
    "plan_survey",
    "predict",
    "read_catalog",
    "report",
    "resume",
    "rmse",
    "score_predictions",
    "select",
    "serve",
    "similar",
    "simulate",
    "simulate_hundred",
    "suspects",
    "train",
    "train_folds",
    "tune",
    "validate",
]

_NEEDS_TRAIN = frozenset(
    {
        *("Benchmark", "Combined", "Trained", "TrainedFolds"),
        *("benchmark", "combine", "resume", "train", "train_folds"),
    }
)


def __getattr__(name: str) -> Any:
    """Import a public name from its module."""
    if name not in _MODULES:
        raise AttributeError(f"module 'galaxyclass' has no attribute {name!r}")
    if name in _NEEDS_TRAIN:
        from galaxyclass.extras import TRAINING, require_installed

        require_installed(*TRAINING)
    value = getattr(importlib.import_module(f"galaxyclass.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
