"""Probes of planted labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.cross_validation import LabelledGalaxies, cross_validate, label_curve
from galaxyclass.finetuning.finetuned import describe_curve
from galaxyclass.finetuning.fit_probe import fit_best_answer, fit_network_probe
from galaxyclass.finetuning.probe_inputs import ProbeInputs
from galaxyclass.model.probe import probe_columns
from galaxyclass.tasks.classes.task import ClassTask

TASK = ClassTask("kind", ("no", "yes"), (0.5, 0.5))


def drawn(galaxies: int, seed: int = 0) -> tuple[ProbeInputs, Doubles]:
    """Twenty features and four answers of which the third decides, with noise."""
    rng = np.random.default_rng(seed)
    answers = rng.uniform(0.05, 0.95, (galaxies, 4))
    features, profile = rng.normal(size=(galaxies, 20)), rng.normal(size=(galaxies, 6))
    letters = tuple("abcd")
    inputs = ProbeInputs(features, probe_columns(answers), profile, letters, letters)
    return inputs, answers[:, 2] + rng.normal(0, 0.1, galaxies)


def test_finds_the_answer_that_decides() -> None:
    inputs, score = drawn(60)
    targets = TASK.linear_targets((score > 0.5).astype(int))
    fitted = fit_network_probe(inputs, targets)
    assert fitted.shares["one answer"] + fitted.shares["answers"] > 0.5
    best = fit_best_answer(inputs, targets)
    assert best is not None
    assert best.name == "c"


def test_probe_is_the_mean_of_regressions_in_the_units_of_its_inputs() -> None:
    inputs, score = drawn(80)
    fitted = fit_network_probe(inputs, score[:, None])
    probe = fitted.probe
    raw = probe.outputs_of_columns(inputs.features, inputs.answers, inputs.profile)
    assert np.corrcoef(raw[:, 0], score)[0, 1] > 0.9
    assert abs(float((raw[:, 0] - score).mean())) < 0.01
    # Left out, a galaxy is predicted a little worse.
    inside, outside = ((each - score) ** 2 for each in (raw[:, 0], fitted.left_out[:, 0]))
    assert inside.mean() < outside.mean() < 2 * inside.mean()


def test_unknown_targets_do_not_count() -> None:
    inputs, score = drawn(60)
    targets = np.column_stack([score, score, np.full(60, np.nan)])
    targets[40:, 1] = np.nan
    fitted = fit_network_probe(inputs, targets)
    alone = fit_network_probe(inputs.take(np.arange(40)), score[:40, None])
    assert np.isnan(fitted.left_out[40:, 1]).all()
    assert not fitted.probe.features[:, 2].any()
    assert np.corrcoef(fitted.left_out[:40, 1], alone.left_out[:, 0])[0, 1] > 0.98


def test_cross_validation_of_noise_is_no_better_than_chance_and_more_labels_do_not_help() -> None:
    inputs, _ = drawn(100)
    values = np.random.default_rng(5).integers(0, 2, 100)
    labels = LabelledGalaxies(inputs, values, values, TASK)
    out_of_fold = cross_validate(labels, seed=0)
    assert out_of_fold.score(0).low < 0.5
    curve = label_curve(labels, out_of_fold, seed=0)
    assert curve is not None
    assert curve.galaxies == (12, 25, 50, 80)
    assert curve.with_twice.low < 0.55
    words = describe_curve(curve, TASK.metric, 100)
    assert f"with all 100: {curve.with_all.value:.3f}; with twice as many (200): " in words


def test_few_galaxies_of_many_columns_are_predicted() -> None:
    inputs, score = drawn(200)
    values = (score > 0.5).astype(int)
    few = LabelledGalaxies(inputs, values, values, TASK).take(np.arange(50))
    rest = LabelledGalaxies(inputs, values, values, TASK).take(np.arange(50, 200))
    assert TASK.main_value(rest.predict(few.fit()), rest.values) > 0.85


def test_balanced_classes_count_alike() -> None:
    inputs, score = drawn(120)
    values = (score > 0.8).astype(int)
    plain = LabelledGalaxies(inputs, values, values, TASK)
    balanced = LabelledGalaxies(inputs, values, values, TASK, balanced=True)
    assert np.bincount(values, balanced.weights).round(6).tolist() == [60, 60]
    shares = [labels.predict(labels.fit())[:, 1].mean() for labels in (plain, balanced)]
    assert shares[0] < shares[1]


def test_what_is_not_linear_is_learnt_where_labels_are_many() -> None:
    inputs, _ = drawn(400)
    score = inputs.profile[:, 0] ** 2
    fitted = fit_network_probe(inputs, score[:, None])
    assert fitted.shares["smooth"] > 0.9
    raw = fitted.probe.outputs_of_columns(inputs.features, inputs.answers, inputs.profile)
    assert np.corrcoef(raw[:, 0], score)[0, 1] > 0.9


def test_an_answer_of_the_name_of_the_labels_comes_first() -> None:
    inputs, _ = drawn(30)
    noise = np.random.default_rng(1).normal(size=(30, 1))
    assert inputs.named_like(["Has_B", "no"]).tolist() == [1]
    plain, named = (
        fit_network_probe(inputs, noise, label_names=names).shares["one answer"]
        for names in ((), ("Has_B",))
    )
    assert named > plain


def test_answers_that_the_network_has_not_learnt_do_not_count_in_prediction() -> None:
    inputs, _ = drawn(300)
    answers = np.where([True, True, True, False] * 2, inputs.answers, [0.5] * 4 + [0.0] * 4)
    score = np.abs(inputs.features[:, 0])  # not linear
    probe = fit_network_probe(replace(inputs, answers=answers), score[:, None]).probe
    assert probe.bumps is not None
    wanted = probe.outputs_of_columns(inputs.features, answers, inputs.profile)
    found = probe.outputs_of_columns(inputs.features, inputs.answers, inputs.profile)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
