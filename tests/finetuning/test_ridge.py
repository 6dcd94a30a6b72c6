"""Ridge regressions against scikit-learn, and left-out predictions against leaving galaxies out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.ridge import fit_line, line_errors, ridge_path

PENALTIES = np.array([1e-3, 0.1])


def drawn(galaxies: int, columns: int) -> tuple[Doubles, Doubles, Doubles]:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(galaxies, columns)) / np.sqrt(columns)
    targets = inputs[:, :2] + 0.1 * rng.normal(size=(galaxies, 2)) + 3
    weights = rng.uniform(0.5, 1.5, galaxies)
    return inputs, targets, weights / weights.mean()


@pytest.mark.parametrize(("galaxies", "columns"), [(12, 30), (30, 6)])
def test_path_is_that_of_scikit_learn(galaxies: int, columns: int) -> None:
    inputs, targets, weights = drawn(galaxies, columns)
    path = ridge_path(inputs, targets, weights, PENALTIES)
    for number, penalty in enumerate(PENALTIES):
        slopes, bias = path.combine(np.eye(2)[number])
        model = Ridge(alpha=penalty * galaxies).fit(inputs, targets, sample_weight=weights)
        assert np.allclose(slopes, model.coef_.T, atol=1e-6)
        assert np.allclose(bias, model.intercept_, atol=1e-6)


@pytest.mark.parametrize(("galaxies", "columns"), [(12, 30), (30, 6)])
def test_left_out_predictions_are_of_models_without_the_galaxy(galaxies: int, columns: int) -> None:
    inputs, targets, weights = drawn(galaxies, columns)
    path = ridge_path(inputs, targets, weights, PENALTIES)
    others = np.arange(galaxies) != 4
    model = Ridge(alpha=PENALTIES[1] * galaxies)
    model.fit(inputs[others], targets[others], sample_weight=weights[others])
    assert np.allclose(path.left_out[1, 4], model.predict(inputs[4:5])[0], atol=1e-6)


def test_lines_leave_galaxies_out_too() -> None:
    inputs, targets, weights = drawn(20, 3)
    line = fit_line(inputs[:, 1], targets, weights)
    others = np.arange(20) != 7
    slope, bias = np.polyfit(inputs[others, 1], targets[others, 0], 1, w=np.sqrt(weights[others]))
    assert line.left_out[7, 0] == pytest.approx(bias + slope * inputs[7, 1])
    errors = [
        weights @ ((fit_line(column, targets, weights).left_out - targets) ** 2).sum(axis=1)
        for column in inputs.T
    ]
    assert np.allclose(line_errors(inputs, targets, weights), errors)
