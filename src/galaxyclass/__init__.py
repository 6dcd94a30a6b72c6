"""Say of pictures of galaxies what people would say of them.

The public functions, one for each command, and what they give. Each is imported when it is first
used, so that ``import galaxyclass`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from galaxyclass.version import __version__

if TYPE_CHECKING:
    # Some by their modules: mypy trips over the rooms' names in this cycle.
    from galaxyclass.baselines.baseline import Baselines, baseline
    from galaxyclass.benchmarking.benchmark import benchmark
    from galaxyclass.benchmarking.results import Benchmark
    from galaxyclass.bundles import Bundle, load_bundle
    from galaxyclass.catalogs import Catalog, read_catalog
    from galaxyclass.comparison.compare import Comparison, compare
    from galaxyclass.errors import GalaxyclassError
    from galaxyclass.evaluation import Calibrated, Evaluation, calibrate, evaluate
    from galaxyclass.exploration.explore import Exploration, explore
    from galaxyclass.exporting.export import Exported, export
    from galaxyclass.packs import Pack, open_pack, pack
    from galaxyclass.prediction import PredictionSummary, predict
    from galaxyclass.recipes import Recipe, load_recipe
    from galaxyclass.scores import rmse, score_predictions
    from galaxyclass.simulation import simulate, simulate_hundred
    from galaxyclass.training.combine import Combined, combine
    from galaxyclass.training.finish import Trained
    from galaxyclass.training.train import resume, train
    from galaxyclass.trees import Tree, load_tree
    from galaxyclass.uncertainty import Calibration
    from galaxyclass.validation import Report, validate

#: Public name -> the room that it comes from.
_ROOMS: dict[str, str] = {
    "Baselines": "baselines",
    "Benchmark": "benchmarking",
    "Bundle": "bundles",
    "Calibrated": "evaluation",
    "Calibration": "uncertainty",
    "Catalog": "catalogs",
    "Combined": "training",
    "Comparison": "comparison",
    "Evaluation": "evaluation",
    "Exploration": "exploration",
    "Exported": "exporting",
    "GalaxyclassError": "errors",
    "Pack": "packs",
    "PredictionSummary": "prediction",
    "Recipe": "recipes",
    "Report": "validation",
    "Trained": "training",
    "Tree": "trees",
    "baseline": "baselines",
    "benchmark": "benchmarking",
    "calibrate": "evaluation",
    "combine": "training",
    "compare": "comparison",
    "evaluate": "evaluation",
    "explore": "exploration",
    "export": "exporting",
    "load_bundle": "bundles",
    "load_recipe": "recipes",
    "load_tree": "trees",
    "open_pack": "packs",
    "pack": "packs",
    "predict": "prediction",
    "read_catalog": "catalogs",
    "resume": "training",
    "rmse": "scores",
    "score_predictions": "scores",
    "simulate": "simulation",
    "simulate_hundred": "simulation",
    "train": "training",
    "validate": "validation",
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
    "Evaluation",
    "Exploration",
    "Exported",
    "GalaxyclassError",
    "Pack",
    "PredictionSummary",
    "Recipe",
    "Report",
    "Trained",
    "Tree",
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
