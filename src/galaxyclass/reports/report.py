"""`report`: what a model is worth, or what is in a folder, as one page with its numbers beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Part, public
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.scored import read_galaxies
from galaxyclass.errors import ArgumentError, BundleError, CatalogError
from galaxyclass.evaluation.evaluate import evaluate
from galaxyclass.evaluation.evaluation import Evaluation
from galaxyclass.extras import require
from galaxyclass.io.atomic import write_text
from galaxyclass.io.csv_text import csv_text
from galaxyclass.io.journal import job_key
from galaxyclass.io.output import UNFINISHED, FolderOutput, require_free, require_page
from galaxyclass.io.result_files import metrics_json
from galaxyclass.model.chunks import forget_predictions
from galaxyclass.model.ensemble import common_auxiliary, common_task
from galaxyclass.model.load import ModelSource, open_model
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.pretrained import is_pretrained
from galaxyclass.progress import Progress, silent
from galaxyclass.reports.page import report_page
from galaxyclass.reports.parts import ReportSection, ReportSettings
from galaxyclass.reports.predicted import extra_columns, predict_folder
from galaxyclass.reports.properties import columns_of_numbers
from galaxyclass.reports.sections import folder_sections, scored_sections
from galaxyclass.short import counted, short_path, summary
from galaxyclass.tasks.scores.noise import VOTES
from galaxyclass.version import __version__

#: The file of all numbers, written before the page.
REPORT_NUMBERS = "report.json"
#: The wanted purity of a sample of a class, by default.
PURITY = 0.9


@dataclass(frozen=True)
class Report:
    """The result of `report`.

    Attributes
    ----------
    page : Path
        The HTML file.
    folder : Path
        The folder of its numbers.
    sections : tuple of ReportSection
    notes : tuple of str
        What was left out, and how images were read.
    """

    page: Path
    folder: Path
    sections: tuple[ReportSection, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(
            f"Report: {counted(len(self.sections), 'section')}, on {short_path(self.page)}"
        )


@public
def report(
    model: ModelSource,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    part: Part = "unseen",
    votes: float = VOTES,
    against: Sequence[str] = (),
    purity: float = PURITY,
    explain: int = 0,
    options: InferenceOptions | None = None,
    seed: int = 0,
    overwrite: bool = False,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Report:
    """Write a page on a model, or several side by side, and its numbers as CSV and JSON.

    With labels (votes, classes) it shows how good the model is, where it is weak, and how far it
    can be trusted. Without labels it shows what is in the folder: the predicted answers, a gallery
    of each, and images unlike those that the model knows.

    The page is one file that opens offline. Its numbers are in a folder beside it,
    ``report_numbers`` for ``report.html``: ``report.json``, a CSV file for each table, and the
    predictions. When it is stopped, the same call goes on.

    Parameters
    ----------
    model : str, Path, Model or a sequence of them
        The folder of a run, a bundle, an exported network, or ``"pretrained"``. Several are shown
        side by side, the first in detail; they predict the same. (For the mean of several,
        give ``load_model([A, B])``.)
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: what is known of its images (see `Dataset`).
    output : str or Path
        The page, a file that ends in ``.html``.
    part : {"unseen", "train", "validation", "test", "all"}
        Which galaxies are scored, as for `galaxyclass.evaluate`.
    votes : float
        Volunteers of a galaxy, from which the noise floor is computed.
    against : sequence of str
        Columns of numbers in the table that the score is plotted against. Size and brightness are
        measured in the images; numbers of votes, magnitudes, radii and redshifts are found by the
        names that surveys give them.
    purity : float
        Classes: the share of a sample that should belong to the class; the threshold for it is
        looked for.
    explain : int
        So many galaxies are explained by occlusion, as `galaxyclass.explain` does it, each map
        beside its faithfulness: those with the largest errors, and those that the model is surest
        of; without labels, those that it is surest and least sure of. Takes seconds a galaxy.
    options, progress
        As for `galaxyclass.predict`.
    seed : int
        Of the bootstrap intervals, and of what is drawn at random.
    overwrite : bool
        Replace the page and its numbers where they exist.
    quote_formulas : bool
        As for `galaxyclass.predict`, of every CSV that is written.

    Returns
    -------
    Report

    Raises
    ------
    OutputError
        The page or its numbers exist already, or cannot be written; it is not called ``.html``.
    BundleError
        The models predict different things.
    CatalogError
        The table has no column of ``against``; or as for `galaxyclass.evaluate`.
    MissingExtraError
        jinja2 is not installed; or as for `galaxyclass.predict`.
    ArgumentError, InvalidCatalogError, RunError, ScoreError, DeviceError
        As for `galaxyclass.evaluate`.
    """
    require("jinja2")
    dataset, page = as_dataset(images, table), require_page(output)
    sources = [model] if isinstance(model, str | Path | Model) else list(model)
    models = [open_model(source, options) for source in sources]
    require_same_outputs(models)
    names = unique_names(models)
    settings = ReportSettings(votes, tuple(against), purity, seed, explain)
    key = job_key(
        "report",
        models=[str(source.absolute()) for model in models for source in model.sources],
        digests=[model.digest for model in models],
        dataset=dataset.identity,
        part=part,
        settings=settings,
        views=[model.views for model in models],
        labelling=[model.options.labelling for model in models],
        quote_formulas=quote_formulas,
    )
    folder = numbers_folder(page)
    results = FolderOutput(folder, (REPORT_NUMBERS,), key, overwrite)
    results.require_free()
    # The page is written last: where a job was stopped, the same job may have written it.
    require_free(page, overwrite=overwrite or (folder / UNFINISHED).is_file())
    labelled = has_labels(models[0], dataset)
    if against:
        _require_columns(models[0], dataset, against, labelled=labelled)
    if not labelled:
        _require_nothing_of_labels(dataset, part, purity)
    job = _Job(models, names, dataset, folder, settings, quote_formulas, progress)
    with results.claim():
        content = _score(job, part) if labelled else _predict(job)
        finished = write_report(
            content.title,
            [content.source],
            content.sections,
            content.notes,
            page,
            quote_formulas=quote_formulas,
        )
        for number in range(1, len(models) + 1):
            forget_predictions(folder / f"model_{number}.csv")
    return replace(finished, notes=tuple(dict.fromkeys((*content.remarks, *finished.notes))))


def _require_nothing_of_labels(dataset: Dataset, part: Part, purity: float) -> None:
    """Refuse arguments that do nothing without labels.

    Raises
    ------
    ArgumentError
    """
    for name, is_stated in (("part", part not in ("unseen", "all")), ("purity", purity != PURITY)):
        if is_stated:
            raise ArgumentError(
                f"{dataset.name}: no table with what the model predicts, and so `{name}` does "
                "nothing",
                argument=name,
                wanted="a `table` with labels",
                hint=f"leave `{name}` out",
            )


def _require_columns(
    model: Model, dataset: Dataset, against: Sequence[str], *, labelled: bool
) -> None:
    """Refuse columns that the table does not have.

    Raises
    ------
    CatalogError
    """
    if not labelled:
        raise CatalogError(
            f"{dataset.name}: no table, and so no column {against[0]!r}",
            argument="against",
            wanted="columns of a table with what the model predicts",
        )
    # Read as the models were taught: their numbers or counts need not be named again.
    task, auxiliary = common_task(model.bundles), common_auxiliary(model.bundles)
    columns_of_numbers(read_galaxies(task, auxiliary, dataset)[1], against)


@dataclass(frozen=True)
class _Job:
    """What is reported on, and how; `folder` is that of the numbers."""

    models: Sequence[Model]
    names: Sequence[str]
    dataset: Dataset
    folder: Path
    settings: ReportSettings
    quote_formulas: bool
    progress: Progress


@dataclass(frozen=True)
class _Content:
    """What a page shows; `remarks` are those of the prediction, which are printed as well."""

    title: str
    source: str
    sections: Sequence[ReportSection]
    notes: Sequence[str]
    remarks: Sequence[str]


def _score(job: _Job, part: Part) -> _Content:
    """Score models on galaxies with labels."""
    evaluations = [
        evaluate(
            model,
            job.dataset,
            output=job.folder / f"model_{number}",
            part=part,
            votes=job.settings.votes,
            include=extra_columns(model),
            seed=job.settings.seed,
            overwrite=True,
            quote_formulas=job.quote_formulas,
            progress=job.progress,
        )
        for number, model in enumerate(job.models, 1)
    ]
    sections, notes = scored_sections(
        job.models, job.names, evaluations, job.settings, job.progress
    )
    return _Content(
        f"How good is the model “{job.names[0]}”?"
        if len(job.models) == 1
        else " and ".join(job.names),
        _source(evaluations[0]),
        sections,
        notes,
        evaluations[0].prediction.notes,
    )


def _predict(job: _Job) -> _Content:
    """Predict images without labels."""
    images = job.dataset.images
    folders = [
        predict_folder(
            name,
            model,
            job.dataset.catalog,
            job.folder / f"model_{number}.csv",
            job.progress,
            quote_formulas=job.quote_formulas,
        )
        for number, (name, model) in enumerate(zip(job.names, job.models, strict=True), 1)
    ]
    sections, notes = folder_sections(folders, job.settings, job.progress)
    return _Content(
        f"What is in {images.name or images}?",
        f"{counted(len(folders[0]), 'image')} of {images}, as the model {job.names[0]} sees them",
        sections,
        notes,
        folders[0].summary.notes,
    )


def prepare_report(model: Model, output: Path, *, overwrite: bool) -> tuple[str, ...]:
    """Refuse a page that could not be written, and give the extra columns that it needs.

    Raises
    ------
    OutputError
        The page or its numbers exist already; it is not called ``.html``.
    MissingExtraError
        jinja2 is not installed.
    """
    require("jinja2")
    page = require_page(output)
    require_free(page, overwrite=overwrite)
    FolderOutput(numbers_folder(page), (REPORT_NUMBERS,), "", overwrite).require_free()
    return extra_columns(model)


def report_evaluation(
    model: Model,
    evaluation: Evaluation,
    *,
    output: Path,
    settings: ReportSettings,
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Report:
    """Write the page of an evaluation that was made a moment ago.

    Parameters
    ----------
    model : Model
    evaluation : Evaluation
        Of that model, with its `extra_columns`.
    output : Path
        The page, which was found to be free (`prepare_report`).
    settings : ReportSettings
    quote_formulas : bool
    progress : Progress
    """
    name = unique_names([model])[0]
    sections, notes = scored_sections([model], [name], [evaluation], settings, progress)
    title = f"How good is the model “{name}”?"
    source = [_source(evaluation)]
    return write_report(title, source, sections, notes, output, quote_formulas=quote_formulas)


def _source(evaluation: Evaluation) -> str:
    dataset, galaxies = evaluation.dataset, counted(evaluation.scores.galaxies, "galaxy")
    return f"{galaxies} of {dataset.name}; images: {dataset.images}"


def write_report(
    title: str,
    source: Sequence[str],
    sections: Sequence[ReportSection],
    notes: Sequence[str],
    page: Path,
    *,
    quote_formulas: bool,
) -> Report:
    """Write the numbers of all sections, and then the page."""
    folder = numbers_folder(page)
    for section in sections:
        for table in section.tables:
            text = csv_text(table.csv_rows(), quote_formulas=quote_formulas)
            write_text(folder / f"{table.name}.csv", text)
    numbers = {
        "version": __version__,
        "title": title,
        "about": list(source),
        "notes": list(notes),
        "sections": {section.key: dict(section.numbers) for section in sections if section.numbers},
    }
    text = report_page(title, source, sections, folder.name)
    write_text(folder / REPORT_NUMBERS, metrics_json(numbers))
    write_text(page, text)
    return Report(page, folder, tuple(sections), tuple(notes))


def numbers_folder(page: Path) -> Path:
    """The folder of a page's numbers.

    Examples
    --------
    >>> str(numbers_folder(Path("a/report.html")))
    'a/report_numbers'
    """
    return page.with_name(f"{page.stem}_numbers")


def has_labels(model: Model, dataset: Dataset) -> bool:
    """Whether galaxies can be scored: there is a table, or folders of the model's classes."""
    if dataset.table is not None or dataset.classes is not None:
        return True
    targets = dataset.catalog.targets
    tasks = [model.task, *(task for bundle in model.bundles for task in bundle.manifest.auxiliary)]
    return targets is not None and any(task.overlaps(targets) for task in tasks)


def require_same_outputs(models: Sequence[Model]) -> None:
    """Refuse models that predict different things.

    Raises
    ------
    BundleError
    """
    first = models[0]
    for model in models[1:]:
        if not first.task.has_outputs_of(model.task):
            raise BundleError(
                "the models predict different things, and cannot stand side by side",
                wanted=f"models of {first.task.describe(model.task)}",
                got=f"{model.name}: {model.task.describe(first.task)}",
                hint="write a report of each",
            )


def unique_names(models: Sequence[Model]) -> list[str]:
    """A name for each model, unlike that of any other.

    Two runs of one name get that of the folder above, and otherwise a number.
    """
    names = [model.name for model in models]
    counts = Counter(names)
    longer = [
        f"{model.sources[0].resolve().parent.name}/{name}"
        if counts[name] > 1 and not is_pretrained(model.sources[0])
        else name
        for name, model in zip(names, models, strict=True)
    ]
    counts = Counter(longer)
    return [
        f"{name} ({number})" if counts[name] > 1 else name for number, name in enumerate(longer, 1)
    ]
