"""The scores of the benchmarks, by hand, and the same as the package's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    """Class1.3 is not known of every galaxy."""
    path = tmp_path / "val.csv"
    path.write_text("GalaxyID,Class1.1,Class1.2,Class1.3\n1,0.5,0.5,0.1\n2,1.0,0.0,\n")
    return path


def test_rmse_is_over_the_answers_that_all_galaxies_know(
    load: Callable[[str], ModuleType], votes: Path, tmp_path: Path
) -> None:
    predictions = tmp_path / "predictions.csv"
    # Another order of galaxies and of columns, and a galaxy that nobody asked for.
    predictions.write_text(
        "GalaxyID,Class1.2,Class1.3,Class1.1\n9,0,0,0\n2,0.2,0.9,1.0\n1,0.5,0.9,0.1\n"
    )
    rmse, low, high = load("scoring").score(votes, predictions)
    assert rmse == pytest.approx(np.sqrt((0.4**2 + 0.2**2) / 4))
    # Of two galaxies, samples hold one of them twice or both.
    assert low == pytest.approx(np.sqrt(0.2**2 / 2))
    assert high == pytest.approx(np.sqrt(0.4**2 / 2))


def test_a_galaxy_without_a_prediction_is_refused(
    load: Callable[[str], ModuleType], votes: Path, tmp_path: Path
) -> None:
    predictions = tmp_path / "predictions.csv"
    predictions.write_text("GalaxyID,Class1.1,Class1.2,Class1.3\n1,0.5,0.5,0\n")
    with pytest.raises(ValueError, match="1 galaxies without predictions"):
        load("scoring").score(votes, predictions)
    predictions.write_text("GalaxyID,Class1.1,Class1.2,Class1.3\n1,0.5,0.5,0\n2,,0.5,0\n")
    with pytest.raises(ValueError, match="empty cells"):
        load("scoring").score(votes, predictions)


def test_two_tables_of_predictions_differ_by_a_root_mean_square(
    load: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("GalaxyID,a,b\n1,0.1,\n2,0.2,\n")
    second.write_text("GalaxyID,b,a\n2,0.5,0.2\n1,0.5,0.4\n")
    assert load("scoring").difference(first, second) == pytest.approx(np.sqrt(0.09 / 2))
    second.write_text("GalaxyID,a,b\n2,0.5,0.2\n")
    with pytest.raises(ValueError, match="not about the same galaxies"):
        load("scoring").difference(first, second)
