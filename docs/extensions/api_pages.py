"""The reference of Python: every public name on a page of its group, by its docstring."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import galaxyclass
from extensions.made import write_pages

log = logging.getLogger(__name__)

#: Page -> its title, what it is about, and the names on it.
GROUPS: dict[str, tuple[str, str, list[str]]] = {
    "predicting": (
        "Predicting",
        "A model, and what it gives.",
        [
            *("load_model", "Model", "predict", "Predictions", "Prediction", "PredictionSummary"),
            *("InferenceOptions", "TableJoin", "Device", "ChosenPrecision", "combine", "Combined"),
            *("export", "Exported", "load_bundle", "Bundle", "ExportedBundle", "Backend"),
        ],
    ),
    "data": (
        "Data",
        "Images, a table about them, and how it is read.",
        [
            *("Dataset", "Part", "read_catalog", "Catalog", "validate", "ValidationReport"),
            *("explore", "Exploration", "simulate", "SimulatedFolder"),
            *("simulate_hundred", "SimulatedContest", "pack", "open_pack", "Pack"),
        ],
    ),
    "training": (
        "Training",
        "From a data set and a recipe to a model.",
        [
            *("finetune", "Finetuned", "train", "Trained", "resume", "train_folds", "TrainedFolds"),
            *("compare", "Comparison", "tune", "Tuned", "benchmark", "Benchmark"),
            *("load_recipe", "Recipe", "Preprocessing", "Settings"),
        ],
    ),
    "scores": (
        "Scores and trust",
        "How good a model is, and how far it can be trusted.",
        [
            *("evaluate", "Evaluation", "score_predictions", "TableScores", "rmse"),
            *("baseline", "Baselines", "calibrate", "Calibrated", "Calibration"),
        ],
    ),
    "looking": (
        "Looking and choosing",
        "Reports, maps, neighbours, and which galaxies to label.",
        [
            *("report", "Report", "explain", "Explanation", "similar", "Neighbours"),
            *("map_galaxies", "GalaxyMap"),
            *("select", "Selection", "suspects", "Suspects", "Suspect", "serve", "LabelPlan"),
        ],
    ),
    "trees": (
        "Trees and Zooniverse",
        "Decision trees, subjects out and classifications in.",
        [
            *("load_tree", "Tree", "guess_tree", "GuessedTree", "export_subjects"),
            *("ExportedSubjects", "import_classifications", "ImportedVotes"),
        ],
    ),
    "surveys": (
        "Tiles and surveys",
        "Sources of large images, and more pictures than one machine holds.",
        [
            *("open_tiles", "TileCutouts", "cutouts", "CutoutSummary"),
            *("plan_survey", "PlannedSurvey", "open_survey", "Survey", "SurveyRun"),
            *("SurveyStatus", "MergedSurvey"),
        ],
    ),
    "errors": (
        "Progress and errors",
        "What long functions call now and then, and what they raise.",
        ["Progress"],
    ),
}


def names_by_page() -> dict[str, list[str]]:
    """The names of each page; errors are found by their kind, the root first."""
    names = {page: list(listed) for page, (_, _, listed) in GROUPS.items()}
    errors = [name for name in galaxyclass.__all__ if _is_error(name)]
    names["errors"] += sorted(errors, key=lambda name: (name != "GalaxyclassError", name))
    return names


def _is_error(name: str) -> bool:
    value = getattr(galaxyclass, name)
    return inspect.isclass(value) and issubclass(value, Exception)


def make_pages(_app: Sphinx, _config: Any) -> None:
    """Write a page for each group.

    Raises
    ------
    ValueError
        A public name is on no page, or on two.
    """
    listed = [name for names in names_by_page().values() for name in names]
    public = [name for name in galaxyclass.__all__ if name != "__version__"]
    if sorted(listed) != sorted(public):
        wrong = sorted(set(listed) ^ set(public)) or sorted(
            {n for n in listed if listed.count(n) > 1}
        )
        raise ValueError(f"GROUPS in {__file__}: each public name on one page, but for {wrong}")
    pages = {"index.rst": _index()}
    for page, names in names_by_page().items():
        title, about, _ = GROUPS[page]
        parts = [_heading(title, "="), about, ".. currentmodule:: galaxyclass", _contents(names)]
        parts += [_entry(name) for name in names]
        pages[f"{page}.rst"] = "\n\n".join(parts) + "\n"
    write_pages("api", pages)


def _index() -> str:
    parts = [
        _heading("The Python API", "="),
        "Every public name, by its docstring. :doc:`/python` is the way in. A wrong argument is "
        "refused before anything is done, by an :class:`~galaxyclass.ArgumentError` or an "
        ":class:`~galaxyclass.ArgumentTypeError`.",
        ".. currentmodule:: galaxyclass",
    ]
    for page, names in names_by_page().items():
        title, about, _ = GROUPS[page]
        parts += [_heading(title, "-"), f":doc:`{title} <{page}>`: {about}", _contents(names)]
    return "\n\n".join([*parts, ".. toctree::\n   :hidden:\n\n   " + "\n   ".join(GROUPS)]) + "\n"


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}"


def _contents(names: list[str]) -> str:
    rows = [f"   * - :py:obj:`{name}`\n     - {_first_line(name)}" for name in names]
    return "\n".join([".. list-table::", "   :widths: 30 70", "   :class: names", "", *rows])


def _first_line(name: str) -> str:
    value = getattr(galaxyclass, name)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return "What an argument of that name may be."
    return (inspect.getdoc(value) or "").partition("\n")[0]


def _entry(name: str) -> str:
    value = getattr(galaxyclass, name)
    if inspect.isclass(value):
        kind = "exception" if issubclass(value, Exception) else "class"
        options = "   :show-inheritance:\n" if kind == "exception" else "   :members:\n"
        return f".. auto{kind}:: {name}\n{options}"
    if inspect.isfunction(value):
        return f".. autofunction:: {name}"
    choices = f"``{value}``".replace("typing.", "").replace("collections.abc.", "")
    return f".. py:data:: {name}\n\n   {choices}"


def plain_where_undocumented(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Node | None:
    """A name in backticks that has no entry stays code, if there is such a name.

    ``galaxyclass.…`` and ``Class.…`` are looked up; what is not there is a warning of Sphinx's.
    Others are arguments, columns, files and settings.
    """
    if node.get("refdomain") != "py" or node.get("reftype") != "obj":
        return None
    target = node["reftarget"]
    named = target.startswith("galaxyclass.") or (target[:1].isupper() and "." in target)
    return content if not named or _exists(target) else None


def _exists(target: str) -> bool:
    parts = target.removeprefix("galaxyclass.").removesuffix("()").split(".")
    if parts[0][:1].isupper() and not hasattr(galaxyclass, parts[0]):
        loaded = [module for name, module in sys.modules.items() if name.startswith("galaxyclass.")]
        owner = next((module for module in loaded if hasattr(module, parts[0])), None)
        return owner is not None and _has(owner, parts)
    for count in range(len(parts), -1, -1):
        try:
            value: Any = importlib.import_module(".".join(["galaxyclass", *parts[:count]]))
        except ImportError:
            continue
        return _has(value, parts[count:])
    return False


def _has(value: Any, parts: list[str]) -> bool:
    """Whether an object has that attribute of an attribute, fields of dataclasses included."""
    for part in parts:
        fields = getattr(value, "__annotations__", {})
        if not hasattr(value, part) and part not in fields:
            return False
        value = getattr(value, part, fields.get(part))
    return True


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", make_pages, priority=100)
    app.connect("missing-reference", plain_where_undocumented)
    return {"parallel_read_safe": True}
