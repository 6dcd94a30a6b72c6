"""The sections of a report, in the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from galaxyclass.arrays import Doubles
from galaxyclass.errors import ScoreError
from galaxyclass.evaluation.evaluation import Evaluation
from galaxyclass.model.model import Model
from galaxyclass.progress import Progress
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
from galaxyclass.reports.parts import Gallery, ReportSection, ReportSettings
from galaxyclass.reports.predicted import PredictedFolder
from galaxyclass.reports.properties import property_section
from galaxyclass.reports.scored import ScoredModel, in_common, scored_model
from galaxyclass.reports.strange import extreme_gallery, strange_section
from galaxyclass.short import counted, verb

_WORST = "The largest errors"

_SUREST = "Those that the model is surest of"

_UNEXPLAINED = "Nothing is explained: the model predicts numbers, and no answer or class."


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
    measures = [(_WORST, sections_of(first.task).errors(first))]
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
        for number, (model, sections_of_model) in enumerate(zip(scored, of_models, strict=True), 1):
            sections += [
                _named(section, model.name, number)
                for section in sections_of_model
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
