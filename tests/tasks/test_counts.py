"""Counts of votes as a task: likelihoods against scipy, beliefs against draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import betabinom, dirichlet_multinomial

from galaxyclass.errors import BundleError, ScoreError
from galaxyclass.networks.heads import activation, joint_fractions
from galaxyclass.networks.losses import masked
from galaxyclass.tasks.counts.posterior import draw_fractions, expected_votes, fraction_spreads
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.counts.task import CountTask
from galaxyclass.tasks.kinds import task_from_json
from galaxyclass.tasks.scores.counts import (
    coverage_of_counts,
    expected_fractions,
    log_likelihoods,
    score_counts,
)
from galaxyclass.tasks.scores.noise import fractions_from_counts
from galaxyclass.trees.algebra import conditional_from_joint
from galaxyclass.trees.read import load_tree

TREE = load_tree("galaxy_zoo_2")
LAYOUT = next(each for each in TREE.published if each.name == "hart16_count")
NAN = float("nan")


def draw(galaxies: int, seed: int, people: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Concentrations, and votes of as many people as are led to each question."""
    rng = np.random.default_rng(seed)
    concentrations = rng.gamma(2, 2, (galaxies, len(TREE.answers))) + 0.1
    counts = np.zeros(concentrations.shape)
    for index in TREE.order:
        where, parents = TREE.slices[index], TREE.parents[index]
        asked = counts[:, parents].sum(axis=1) if parents.any() else np.full(galaxies, people)
        for row in range(galaxies):
            share = rng.dirichlet(concentrations[row, where])
            counts[row, where] = rng.multinomial(int(asked[row]), share)
    return concentrations, counts


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    return draw(400, 1)


@pytest.fixture(scope="module")
def task(drawn: tuple[np.ndarray, np.ndarray]) -> CountTask:
    counts = drawn[1].astype(np.float32)
    counts[:, TREE.slices[9]] = NAN  # a table without question 10
    targets = CountTargets(TREE, LAYOUT, counts, np.asarray(~np.isnan(counts).all(axis=0)))
    return CountTask.fit(targets, np.arange(400))


def test_likelihoods_are_those_of_scipy(drawn) -> None:  # type: ignore[no-untyped-def]
    concentrations, counts = drawn
    values = log_likelihoods(TREE.slices, concentrations, counts)
    for question, where in enumerate(TREE.slices):
        votes = counts[0, where].astype(int)
        if votes.sum():
            wanted = dirichlet_multinomial.logpmf(votes, concentrations[0, where], votes.sum())
            assert values[0, question] == pytest.approx(wanted)
        else:
            assert np.isnan(values[0, question])


def test_the_loss_is_the_mean_likelihood_and_leaves_out_what_is_unknown(drawn) -> None:  # type: ignore[no-untyped-def]
    concentrations, counts = drawn
    counts = np.where(np.arange(37) == 4, NAN, counts)  # question 2 is not whole
    values = log_likelihoods(TREE.slices, concentrations, counts)
    assert np.isnan(values[:, 1]).all()
    a = torch.tensor(concentrations, dtype=torch.float32, requires_grad=True)
    loss = masked.dirichlet_multinomial(a, torch.tensor(counts).float(), TREE.slices)
    assert loss.item() == pytest.approx(-np.nanmean(values), rel=1e-4)
    loss.backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()
    assert not a.grad[:, 3:5].any()


def test_true_beliefs_hold_as_many_votes_as_they_say(drawn) -> None:  # type: ignore[no-untyped-def]
    concentrations, counts = drawn
    assert coverage_of_counts(TREE.slices, concentrations, counts) == pytest.approx(0.9, abs=0.01)
    assert coverage_of_counts(TREE.slices, 9 * concentrations, counts) < 0.85  # too sure
    a = np.array([[2.0, 3.0]])
    by_hand = []
    for k in (0, 1, 4):
        below, mass = betabinom.cdf(k - 1, 4, 2, 3), betabinom.pmf(k, 4, 2, 3)
        inside = np.clip(below + mass, 0.05, 0.95) - np.clip(below, 0.05, 0.95)
        by_hand.append(inside / mass)
    single = [coverage_of_counts([slice(0, 2)], a, np.array([[k, 4 - k]])) for k in (0, 1, 4)]
    np.testing.assert_allclose(single, by_hand, rtol=1e-6)  # both answers have the same


def test_spreads_and_votes_are_those_of_draws() -> None:
    concentrations, _ = draw(3, 2)
    draws = draw_fractions(TREE, concentrations, 20_000)
    np.testing.assert_allclose(draws.mean(axis=1), expected_fractions(TREE, concentrations),
                               atol=0.006)  # fmt: skip
    spreads = fraction_spreads(TREE, concentrations)
    np.testing.assert_allclose(draws.std(axis=1), spreads, atol=0.005)
    votes, spread = expected_votes(TREE, concentrations, 40)
    sampled = np.random.default_rng(0).binomial(40, np.clip(draws, 0, 1))
    np.testing.assert_allclose(sampled.mean(axis=1), votes, atol=0.25)
    np.testing.assert_allclose(sampled.std(axis=1), spread, atol=0.2)
    again = draw_fractions(TREE, concentrations[1:], 20)
    np.testing.assert_array_equal(again, draw_fractions(TREE, concentrations, 20)[1:])


def test_joint_fractions_of_torch_are_those_of_numpy(drawn) -> None:  # type: ignore[no-untyped-def]
    counts = drawn[1].copy()
    counts[:5, 0] = NAN
    counts[5, 1:3] = 0  # nobody sees features
    counts[5, TREE.slices[1]] = 0
    ours = joint_fractions(TREE, torch.tensor(counts)).numpy()
    np.testing.assert_allclose(ours, fractions_from_counts(TREE, counts), atol=1e-6)


def test_a_table_of_predictions_holds_the_concentrations(task: CountTask, drawn) -> None:  # type: ignore[no-untyped-def]
    predictions = drawn[0].astype(np.float32)
    names, label = task.columns("id")
    shown = task.shown(predictions)
    assert label is None
    assert len(names) == 37 + 11 == shown.shape[1]
    assert names[37] == "smooth_or_features_concentration"
    np.testing.assert_allclose(task.from_shown(shown.astype(np.float64)), predictions, rtol=1e-5)
    for include, columns in task.posterior_names.items():
        values = task.posterior(include, predictions[:2])
        assert values.shape == (2, len(columns))
        assert np.isfinite(values).all()


def test_the_mean_vector_is_the_mean_of_the_training_galaxies(task: CountTask, drawn) -> None:  # type: ignore[no-untyped-def]
    fractions = fractions_from_counts(TREE, drawn[1])
    expected = expected_fractions(TREE, task.simplest(1))[0]
    np.testing.assert_allclose(expected[:5], fractions[:, :5].mean(axis=0), atol=1e-3)
    assert task.known_mask[TREE.slices[0]].all()
    assert not task.known_mask[TREE.slices[9]].any()
    assert task.people == 30


def test_better_beliefs_have_better_scores(task: CountTask, drawn) -> None:  # type: ignore[no-untyped-def]
    concentrations, counts = drawn
    values = counts.copy()
    values[:, TREE.slices[9]] = NAN
    scores = task.score(concentrations, values, seed=0)
    simplest = task.score(task.simplest(400), values, seed=0)
    assert scores.log_likelihood.value > simplest.log_likelihood.high
    assert scores.main.value < simplest.main.low
    assert scores.main.value == pytest.approx(task.main_value(concentrations, values))
    assert sum(each.galaxies for each in scores.by_votes) == 400
    report = task.evaluate(
        concentrations,
        CountTargets(TREE, LAYOUT, values.astype(np.float32), np.ones(37, dtype=bool)),
        seed=0,
    )
    printed = task.print_report(report)
    assert "log-likelihood" in printed.table.header
    rows = task.report_rows(report)
    assert len({len(row) for row in rows}) == 1
    assert task.report_figures(report)["count_coverage"]["value"] == pytest.approx(0.9, abs=0.02)
    with pytest.raises(ScoreError, match="nobody voted"):
        score_counts(TREE, concentrations, np.full(counts.shape, NAN))


def test_its_json_is_read_back(task: CountTask) -> None:
    again = task_from_json(task.to_json(), "test")
    assert again.to_json() == task.to_json()
    data = {**task.to_json(), "totals": [1.0]}
    with pytest.raises(BundleError, match="damaged"):
        task_from_json(data, "test")


def test_votes_of_several_tables_are_added(task: CountTask) -> None:
    counts = np.array([[3, 1, 0], [NAN, NAN, NAN]], np.float32)
    targets = CountTargets(TREE, LAYOUT, counts, np.ones(3, dtype=bool))
    other = np.array([[1, 1, 1], [2, 0, 2]], np.float32)
    combined = targets.combine(counts.copy(), [(np.array([0, 1]), other)])
    np.testing.assert_array_equal(combined, [[4, 2, 1], [2, 0, 2]])


def test_a_head_gives_shares_of_a_softmax(task: CountTask) -> None:
    raw = torch.randn(5, 37, generator=torch.Generator().manual_seed(0))
    values = activation("dirichlet", task)(raw)
    assert (values > 0).all()
    share = values[:, :3] / values[:, :3].sum(dim=1, keepdim=True)
    torch.testing.assert_close(share, raw[:, :3].softmax(dim=1))
    conditional = conditional_from_joint(TREE, joint_fractions(TREE, values).numpy())
    np.testing.assert_allclose(conditional[:, :3], share.numpy(), rtol=1e-5)


def test_a_probe_learns_what_the_head_gives(task: CountTask, drawn) -> None:  # type: ignore[no-untyped-def]
    counts = drawn[1].copy()
    counts[:, TREE.slices[9]] = NAN
    targets = task.linear_targets(counts)
    concentrations = task.from_linear(targets)
    head = activation(task.linear_head, task)(torch.tensor(targets)).numpy()
    np.testing.assert_allclose(head, concentrations, rtol=1e-5)
    total = concentrations[:, TREE.slices[0]].sum(axis=1)
    np.testing.assert_allclose(total, task.totals[0])
    sure = task.uncertainty(10 * drawn[0])
    assert (sure < task.uncertainty(drawn[0])).all()
    assert task.doubt(drawn[0], counts).score.shape == (400,)


def test_a_probe_is_as_sure_as_the_votes_allow(task: CountTask, drawn) -> None:  # type: ignore[no-untyped-def]
    concentrations, counts = drawn
    unsure = concentrations.copy()
    unsure[:, TREE.slices[0]] /= 5  # the same shares, believed less
    scale, offsets = task.fit_link(np.log(unsure), counts)
    assert scale == 1
    first, second = TREE.slices[0], TREE.slices[1]
    np.testing.assert_allclose(np.exp(offsets[first]), 5, rtol=0.25)
    np.testing.assert_allclose(np.exp(offsets[second]), 1, rtol=0.25)
