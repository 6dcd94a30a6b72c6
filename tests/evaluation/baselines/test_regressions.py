"""Regressions, against numpy's least squares and scikit-learn itself."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from galaxyclass.evaluation.baselines.regressions import LinearColours, LogisticColours


def test_each_answer_is_fitted_on_the_galaxies_that_know_it() -> None:
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (200, 3), dtype=np.uint8)
    targets = generator.uniform(0.3, 0.7, (200, 6)).astype(np.float32)
    targets[:150, 2:4] = np.nan
    targets[::3, 4] = np.nan
    targets[:, 5] = np.nan
    others = generator.integers(0, 256, (50, 3), dtype=np.uint8)
    got = LinearColours(colours, targets).predict(others)
    design = np.column_stack([np.ones(200), colours])
    for answer in range(5):
        known = ~np.isnan(targets[:, answer])
        line, *_ = np.linalg.lstsq(design[known], targets[known, answer].astype(float), rcond=None)
        expected = np.column_stack([np.ones(50), others]) @ line
        np.testing.assert_allclose(got[:, answer], expected, atol=1e-9)
    assert np.isnan(got[:, 5]).all()


def test_predictions_are_clipped() -> None:
    line = LinearColours(np.array([[0, 0, 0], [100, 0, 0]]), np.array([[0.0], [1.0]]))
    got = line.predict(np.array([[255, 0, 0], [50, 0, 0], [-3, 0, 0]]))
    np.testing.assert_allclose(got, [[1.0], [0.5], [0.0]])


def test_classes_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 3, 300)
    colours = generator.normal(size=(300, 3)) + labels[:, None] * [1.0, -0.5, 0.2]
    with_unknown = np.where(np.arange(300) % 7 == 0, -1, labels)
    known = with_unknown >= 0
    scaler = StandardScaler().fit(colours[known])
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(colours[known]), labels[known])
    expected = model.predict(scaler.transform(colours))
    np.testing.assert_array_equal(LogisticColours(colours, with_unknown).predict(colours), expected)
    assert (expected == labels).mean() > 0.5


def test_training_galaxies_of_one_class_teach_only_that() -> None:
    fitted = LogisticColours(np.zeros((2, 3)), np.array([2, 2]))
    assert fitted.predict(np.ones((3, 3))).tolist() == [2, 2, 2]
