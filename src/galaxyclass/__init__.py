"""Say of pictures of galaxies what people would say of them.

The public functions, one for each command, and what they give. Each is imported when it is first
used, so that ``import galaxyclass`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from galaxyclass.version import __version__

if TYPE_CHECKING:
    from galaxyclass.calibration.calibration import Calibration
    from galaxyclass.data.catalog.catalog import Catalog
    from galaxyclass.data.catalog.read import read_catalog
    from galaxyclass.data.checks.validate import ValidationReport, validate
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.errors import GalaxyclassError
    from galaxyclass.evaluation.baselines.baseline import Baselines, baseline
    from galaxyclass.evaluation.calibrate import Calibrated, calibrate
    from galaxyclass.evaluation.evaluate import Evaluation, evaluate
    from galaxyclass.evaluation.score_predictions import score_predictions
    from galaxyclass.exploration.explore import Exploration, explore
    from galaxyclass.images.packs.read import Pack, open_pack
    from galaxyclass.images.packs.write import pack
    from galaxyclass.model.bundle.load import Bundle, load_bundle
    from galaxyclass.model.export.export import Exported, export
    from galaxyclass.model.job import PredictionSummary
    from galaxyclass.model.model import Model, load_model
    from galaxyclass.model.options import InferenceOptions
    from galaxyclass.model.predict import predict
    from galaxyclass.model.predictions import Prediction, Predictions
    from galaxyclass.recipes.read import load_recipe
    from galaxyclass.recipes.recipe import Recipe
    from galaxyclass.simulation.contest import simulate_hundred
    from galaxyclass.simulation.folders import simulate
    from galaxyclass.study.benchmark.benchmark import benchmark
    from galaxyclass.study.benchmark.results import Benchmark
    from galaxyclass.study.compare.compare import Comparison, compare
    from galaxyclass.tasks.scores.votes import rmse
    from galaxyclass.training.combine import Combined, combine
    from galaxyclass.training.train import Trained, resume, train
    from galaxyclass.trees.read import load_tree
    from galaxyclass.trees.tree import Tree

#: Public name -> the room that it comes from.
_ROOMS: dict[str, str] = {
    "Baselines": "evaluation.baselines.baseline",
    "Benchmark": "study.benchmark.results",
    "Bundle": "model.bundle.load",
    "Calibrated": "evaluation.calibrate",
    "Calibration": "calibration.calibration",
    "Catalog": "data.catalog.catalog",
    "Combined": "training.combine",
    "Comparison": "study.compare.compare",
    "Dataset": "data.dataset.dataset",
    "Evaluation": "evaluation.evaluate",
    "Exploration": "exploration.explore",
    "Exported": "model.export.export",
    "GalaxyclassError": "errors",
    "InferenceOptions": "model.options",
    "Model": "model.model",
    "Pack": "images.packs.read",
    "Prediction": "model.predictions",
    "PredictionSummary": "model.job",
    "Predictions": "model.predictions",
    "Recipe": "recipes.recipe",
    "ValidationReport": "data.checks.validate",
    "Trained": "training.train",
    "Tree": "trees.tree",
    "baseline": "evaluation.baselines.baseline",
    "benchmark": "study.benchmark.benchmark",
    "calibrate": "evaluation.calibrate",
    "combine": "training.combine",
    "compare": "study.compare.compare",
    "evaluate": "evaluation.evaluate",
    "explore": "exploration.explore",
    "export": "model.export.export",
    "load_bundle": "model.bundle.load",
    "load_model": "model.model",
    "load_recipe": "recipes.read",
    "load_tree": "trees.read",
    "open_pack": "images.packs.read",
    "pack": "images.packs.write",
    "predict": "model.predict",
    "read_catalog": "data.catalog.read",
    "resume": "training.train",
    "rmse": "tasks.scores.votes",
    "score_predictions": "evaluation.score_predictions",
    "simulate": "simulation.folders",
    "simulate_hundred": "simulation.contest",
    "train": "training.train",
    "validate": "data.checks.validate",
}

__all__ = [
    "Baselines",
    "Benchmark",
    "Bundle",
    "Calibrated",
    "Calibration",
    "Catalog",
    "Combined",
    "Comparison",
    "Dataset",
    "Evaluation",
    "Exploration",
    "Exported",
    "GalaxyclassError",
    "InferenceOptions",
    "Model",
    "Pack",
    "Prediction",
    "PredictionSummary",
    "Predictions",
    "Recipe",
    "Trained",
    "Tree",
    "ValidationReport",
    "__version__",
    "baseline",
    "benchmark",
    "calibrate",
    "combine",
    "compare",
    "evaluate",
    "explore",
    "export",
    "load_bundle",
    "load_model",
    "load_recipe",
    "load_tree",
    "open_pack",
    "pack",
    "predict",
    "read_catalog",
    "resume",
    "rmse",
    "score_predictions",
    "simulate",
    "simulate_hundred",
    "train",
    "validate",
]

_NEEDS_TRAIN = frozenset(
    {"Benchmark", "Combined", "Trained", "benchmark", "combine", "resume", "train"}
)
_NEEDS_EXPORT = frozenset({"Exported", "export"})


def __getattr__(name: str) -> Any:
    """Import a public name from its room."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'galaxyclass' has no attribute {name!r}")
    if name in _NEEDS_TRAIN:
        from galaxyclass.extras import require

        require("torch", "timm", "lightning", "safetensors", "matplotlib", "tensorboard")
    if name in _NEEDS_EXPORT:
        from galaxyclass.extras import require

        require("onnxscript", "onnx", "torch", "timm", "safetensors")
    value = getattr(importlib.import_module(f"galaxyclass.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
