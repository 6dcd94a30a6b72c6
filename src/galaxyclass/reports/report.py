"""`report`: what a model is worth, or what is in a folder, as one page with its numbers beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Part, public
from galaxyclass.arrays import Doubles
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.scored import read_galaxies
from galaxyclass.errors import BundleError, CatalogError, ScoreError
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
from galaxyclass.reports.agreement import agreement_section
from galaxyclass.reports.closing import (
    citing_section,
    learning_section,
    limits_section,
    training_section,
)
from galaxyclass.reports.comparison import comparison_section
from galaxyclass.reports.explained import explained_groups, explained_section
from galaxyclass.reports.kinds import sections_of
from galaxyclass.reports.opening import opening_section
from galaxyclass.reports.page import report_page
from galaxyclass.reports.parts import Gallery, ReportSection, ReportSettings
from galaxyclass.reports.predicted import PredictedFolder, extra_columns, predict_folder
from galaxyclass.reports.properties import columns_of_numbers, property_section
from galaxyclass.reports.scored import ScoredModel, in_common, scored_model
from galaxyclass.reports.strange import extreme_gallery, strange_section
from galaxyclass.short import counted, short_path, summary, verb
from galaxyclass.tasks.scores.noise import VOTES
from galaxyclass.version import __version__

_WORST, _SUREST = "The largest errors", "Those that the model is surest of"
_UNEXPLAINED = "Nothing is explained: the model predicts numbers, and no answer or class."

#: The file of all numbers, written before the page.
REPORT_NUMBERS = "report.json"


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
    purity: float = 0.9,
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
        runs=[str(source.absolute()) for model in models for source in model.sources],
        models=[model.digest for model in models],
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
    if labelled and against:
        # Read as the models were taught: their numbers or counts need not be named again.
        bundles = models[0].bundles
        columns_of_numbers(
            read_galaxies(common_task(bundles), common_auxiliary(bundles), dataset)[1], against
        )
    elif against:
        raise CatalogError(
            f"{dataset.name}: no table, and so no column {against[0]!r}",
            argument="against",
            wanted="columns of a table with what the model predicts",
        )
    with results.claim():
        if labelled:
            content = _score(
                models,
                names,
                dataset,
                folder,
                part=part,
                settings=settings,
                quote_formulas=quote_formulas,
                progress=progress,
            )
        else:
            content = _predict(
                models,
                names,
                dataset,
                folder,
                settings=settings,
                quote_formulas=quote_formulas,
                progress=progress,
            )
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


@dataclass(frozen=True)
class _Content:
    """What a page shows; `remarks` are those of the prediction, which are printed as well."""

    title: str
    source: str
    sections: Sequence[ReportSection]
    notes: Sequence[str]
    remarks: Sequence[str]


def _score(
    models: Sequence[Model],
    names: Sequence[str],
    dataset: Dataset,
    folder: Path,
    *,
    part: Part,
    settings: ReportSettings,
    quote_formulas: bool,
    progress: Progress,
) -> _Content:
    """Score models on galaxies with labels."""
    evaluations = [
        evaluate(
            model,
            dataset,
            output=folder / f"model_{number}",
            part=part,
            votes=settings.votes,
            include=extra_columns(model),
            seed=settings.seed,
            overwrite=True,
            quote_formulas=quote_formulas,
            progress=progress,
        )
        for number, model in enumerate(models, 1)
    ]
    sections, notes = scored_sections(models, names, evaluations, settings, progress)
    return _Content(
        f"How good is the model “{names[0]}”?" if len(models) == 1 else " and ".join(names),
        _source(evaluations[0]),
        sections,
        notes,
        evaluations[0].prediction.notes,
    )


def _predict(
    models: Sequence[Model],
    names: Sequence[str],
    dataset: Dataset,
    folder: Path,
    *,
    settings: ReportSettings,
    quote_formulas: bool,
    progress: Progress,
) -> _Content:
    """Predict images without labels."""
    folders = [
        predict_folder(
            name,
            model,
            dataset.catalog,
            folder / f"model_{number}.csv",
            progress,
            quote_formulas=quote_formulas,
        )
        for number, (name, model) in enumerate(zip(names, models, strict=True), 1)
    ]
    sections, notes = folder_sections(folders, settings, progress)
    return _Content(
        f"What is in {dataset.images.name or dataset.images}?",
        f"{counted(len(folders[0]), 'image')} of {dataset.images}, as the model {names[0]} sees "
        "them",
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


def scored_sections(
    models: Sequence[Model],
    names: Sequence[str],
    evaluations: Sequence[Evaluation],
    settings: ReportSettings,
    progress: Progress,
) -> tuple[list[ReportSection], list[str]]:
    """The sections of a report with labels, and notes on what was left out."""
    scored = [
        scored_model(name, model, evaluation, settings.seed)
        for name, model, evaluation in zip(names, models, evaluations, strict=True)
    ]
    if len(scored) > 1:
        scored = in_common(scored, settings.votes)
    first = scored[0]
    # Without remarks on the course of the prediction: a stopped report ends as any other.
    notes = [models[0].ensemble.note] if models[0].ensemble.note else []
    notes += [*evaluations[0].notes, *evaluations[0].prediction.warnings]
    sections: list[ReportSection | None] = [opening_section(scored)]
    if len(scored) > 1:
        sections.append(comparison_section(scored))
    sections += _of_each(scored, settings)
    measures = [(_WORST, first.losses)]
    with suppress(ScoreError):  # numbers do not say how sure the model is of them
        measures.append((_SUREST, -first.task.uncertainty(first.predictions)))
    sections.append(_galaxies_section(first, measures))
    if settings.explain:
        sections.append(_explained(first, measures, settings, notes, progress))
    strange = _strange(first)
    if strange is not None:
        # The pictures are the same for all models; what is strange to each is its own.
        sections.append(strange if len(scored) == 1 else _named(strange, first.name))
    for number, model in enumerate(scored, 1):
        by_property = property_section(model, settings.by, progress)
        if by_property is not None and len(scored) > 1:
            by_property = _named(by_property, model.name, number)
        sections.append(by_property)
    sections += [
        learning_section(scored),
        training_section(first, notes),
        limits_section(first.model),
        citing_section(first.model),
    ]
    return [section for section in sections if section is not None], notes


def _galaxies_section(model: ScoredModel, measures: Sequence[tuple[str, Doubles]]) -> ReportSection:
    """Pictures of the galaxies that are highest in each measure, first that of the errors."""
    kind = sections_of(model.task)

    def gallery(title: str, values: Doubles) -> Gallery:
        caption = kind.error_caption if title == _WORST else kind.caption
        return extreme_gallery(
            title,
            model,
            values,
            lambda index: caption(model.task, model.predictions[index], model.values[index]),
        )

    return ReportSection(
        "galaxies",
        "Galaxy by galaxy",
        (
            "Numbers hide what pictures show. Where the model is far off: is the galaxy hard, "
            "is the picture bad, or would you side with the model?",
        ),
        galleries=tuple(gallery(title, values) for title, values in measures),
    )


def _strange(model: ScoredModel | PredictedFolder) -> ReportSection | None:
    """The images that are flagged; None for a model without an out-of-distribution score."""
    scores, kind = model.strangeness, sections_of(model.task)
    if scores is None:
        return None

    def caption(index: int) -> str:
        words = kind.caption(model.task, model.predictions[index], None)
        return f"score {scores[index]:.2f}\n{words}"

    return strange_section(scores, model.catalog, model.preprocessing, caption)


def folder_sections(
    folders: Sequence[PredictedFolder], settings: ReportSettings, progress: Progress
) -> tuple[list[ReportSection], list[str]]:
    """The sections of a report without labels, and notes on what was left out."""
    first = folders[0]
    kind, strange = sections_of(first.task), _strange(first)
    # How the images differ from those of the training stands first: it says how far the rest can
    # be trusted.
    sections = [*([] if strange is None else [strange]), *kind.overview(first)]
    if len(folders) > 1:
        sections.append(agreement_section(folders, kind.caption))
    notes = [first.model.ensemble.note] if first.model.ensemble.note else []
    notes += first.summary.warnings
    if settings.explain and kind.explained is None:
        notes.append(_UNEXPLAINED)
    elif settings.explain:
        doubt = first.task.uncertainty(first.predictions)
        measures = [(_SUREST, -doubt), ("Those that it is least sure of", doubt)]
        explained = _explained(first, measures, settings, notes, progress)
        sections += [] if explained is None else [explained]
    if first.summary.failed:
        notes.append(f"Left out, since not decodable: {counted(first.summary.failed, 'image')}.")
    sections.append(
        ReportSection(
            "notes",
            "What was read, and what was not",
            (
                f"{first.summary.predicted:,} of {counted(first.summary.images, 'image')} "
                f"{verb(first.summary.predicted, 'was')} predicted.",
            ),
            points=tuple(notes),
        )
    )
    progress("draw", len(sections), len(sections), unit="sections")
    return [*sections, limits_section(first.model), citing_section(first.model)], notes


def _of_each(scored: Sequence[ScoredModel], settings: ReportSettings) -> list[ReportSection]:
    """The sections of scores: those that show all models together, and the others of each."""
    kind = sections_of(scored[0].task)
    if len(scored) == 1:
        return kind.scored(scored, settings)
    of_models = [kind.scored([model], settings) for model in scored]
    sections = []
    for together in kind.scored(scored, settings):
        if together.key in kind.together:
            sections.append(together)
            continue
        for number, (model, own) in enumerate(zip(scored, of_models, strict=True), 1):
            sections += [
                _named(section, model.name, number)
                for section in own
                if section.key == together.key and (number == 1 or not section.galleries)
            ]
    return sections


def _named(section: ReportSection, name: str, number: int = 1) -> ReportSection:
    """A section of one of several models, with its name; the tables of the first keep theirs."""
    ending = "" if number == 1 else f"_{number}"
    return replace(
        section,
        key=section.key + ending,
        title=f"{name}: {section.title}",
        tables=tuple(replace(table, name=table.name + ending) for table in section.tables),
    )


def _explained(
    model: ScoredModel | PredictedFolder,
    measures: Sequence[tuple[str, Doubles]],
    settings: ReportSettings,
    notes: list[str],
    progress: Progress,
) -> ReportSection | None:
    """The section of maps, or a note why there is none."""
    kind = sections_of(model.task)
    if kind.explained is None:
        notes.append(_UNEXPLAINED)
        return None
    groups = explained_groups(measures, settings.explain)
    return explained_section(
        model.model,
        model.catalog,
        model.predictions,
        groups,
        kind,
        seed=settings.seed,
        progress=progress,
    )


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
