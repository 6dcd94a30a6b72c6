"""A calibration as one thing: fitted, written, read again, and refused where it is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from galaxyclass.calibration.calibration import Calibration, fit_calibration
from galaxyclass.calibration.files import calibration_json, parse_calibration
from galaxyclass.errors import BundleError, ScoreError
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask

from .conftest import TREE, draw

VOTES = VoteTask(TREE, TREE.layout("challenge"), (True,) * 37, (0.1,) * 37)
CLASSES = ClassTask("class", ("disc", "star"), (0.5, 0.5))


def described(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 24)), rng.normal(size=(count, 5))


def fit(count: int = 300, outputs: VoteTask = VOTES) -> Calibration:
    predicted, truth = draw(count, 1)
    features, statistics = described(count)
    return fit_calibration(outputs, predicted, features, truth, statistics, notes=("A note.",))


@pytest.fixture(scope="module")
def whole() -> Calibration:
    return fit()


def test_it_is_the_same_when_read_again(whole: Calibration) -> None:
    text = calibration_json(whole)
    again = parse_calibration(text, "calibration.json")
    assert calibration_json(again) == text
    assert (again.galaxies, again.notes, again.coverage) == (300, whole.notes, whole.coverage)
    predicted, _ = draw(50, 2)
    np.testing.assert_array_equal(again.bounds(predicted), whole.bounds(predicted))
    features, statistics = described(50, 2)
    score, flag = again.score_images(features, statistics)
    np.testing.assert_allclose(score, whole.score_images(features, statistics)[0], rtol=1e-5)
    np.testing.assert_array_equal(flag, score > 1)


def test_it_says_what_it_assumes(whole: Calibration) -> None:
    assert whole.notes[0] == "A note."
    assert (
        "images of the same kind, votes gathered and corrected in the same way" in (whole.notes[1])
    )
    assert "in each region of the predicted fraction, for the 37 answers" in whole.notes[2]
    assert "About 1% of galaxies like these 300 are flagged" in whole.notes[3]
    assert whole.coverage is not None
    assert whole.coverage.overall == pytest.approx(0.9, abs=0.03)


def test_questions_with_few_votes_are_named() -> None:
    predicted, truth = draw(150, 1)
    truth[20:, TREE.slices[8]] = np.nan
    truth[:, TREE.slices[9]] = np.nan
    truth[60:, TREE.slices[10]] = np.nan
    features, statistics = described(150)
    notes = fit_calibration(VOTES, predicted, features, truth, statistics).notes
    assert any("Fewer than 40 galaxies have votes for question 9" in note for note in notes)
    assert any("No votes for question 10:" in note for note in notes)
    assert any("6 answers have votes of few galaxies" in note for note in notes)


def test_answers_that_the_model_does_not_know_are_not_fitted() -> None:
    known = np.ones(37, bool)
    known[TREE.slices[3]] = False
    calibration = fit(200, VoteTask(TREE, VOTES.layout, tuple(known.tolist()), VOTES.mean))
    assert any("No votes for question 4:" in note for note in calibration.notes)


def test_a_model_of_classes_has_an_out_of_distribution_score_alone() -> None:
    features, statistics = described(200)
    calibration = fit_calibration(CLASSES, np.full((200, 2), 0.5), features, None, statistics)
    assert calibration.intervals is None
    assert parse_calibration(calibration_json(calibration), "x").out_of_distribution is not None
    with pytest.raises(BundleError, match=r"has no intervals(?s:.*)calibrate"):
        calibration.bounds(np.full((1, 2), 0.5))


def test_a_model_without_features_has_intervals_alone() -> None:
    predicted, truth = draw(200, 1)
    _, statistics = described(200)
    calibration = fit_calibration(VOTES, predicted, np.zeros((200, 0)), truth, statistics)
    assert calibration.out_of_distribution is None
    with pytest.raises(BundleError, match=r"has no out-of-distribution score(?s:.*)no features"):
        calibration.score_images(np.zeros((1, 0)), statistics[:1])


def test_galaxies_without_votes_are_enough_for_an_out_of_distribution_score() -> None:
    predicted, truth = draw(200, 1)
    features, statistics = described(200)
    truth[30:] = np.nan
    calibration = fit_calibration(VOTES, predicted, features, truth, statistics)
    assert calibration.intervals is None
    assert calibration.coverage is None
    assert any("No intervals: too few galaxies" in note for note in calibration.notes)
    assert any("only images beyond all of them" in note for note in fit(60).notes)


def test_too_few_galaxies_for_either() -> None:
    predicted, truth = draw(10, 1)
    features, statistics = described(10)
    with pytest.raises(ScoreError, match=r"nothing could be calibrated(?s:.*)too few"):
        fit_calibration(VOTES, predicted, features, truth, statistics)


def test_small_enough_for_a_bundle() -> None:
    predicted, truth = draw(300, 1)
    rng = np.random.default_rng(0)
    many = rng.normal(size=(300, 512))
    calibration = fit_calibration(VOTES, predicted, many, truth, rng.normal(size=(300, 30)))
    assert len(calibration_json(calibration)) < 64_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("notes"), "notes: Field required"),
        (lambda data: data.update(more=1), "more: Extra inputs"),
        (
            lambda data: data["intervals"]["stretches"].pop(),
            "37 sizes, 37 lists of edges and 36 of stretches",
        ),
        (lambda data: data["intervals"]["stretches"].__setitem__(0, [-1.0, 1.0]), "some below 0"),
        (lambda data: data["intervals"]["edges"].__setitem__(0, [0.1, 0.1]), "2 edges and 2 "),
        (lambda data: data["intervals"]["sizes"][3].pop(), "has not 6 terms"),
        (lambda data: data["intervals"].update(level=2), "level"),
        (lambda data: data["strangeness"]["mean"].update(base64="?"), "not base64"),
        (lambda data: data["strangeness"]["mean"].update(shape=[3]), "reshape"),
        (lambda data: data["strangeness"].update(scale=data["strangeness"]["centre"]), "shapes"),
    ],
)
def test_damage_is_named(whole: Calibration, change: Callable[[Any], None], message: str) -> None:
    data = json.loads(calibration_json(whole))
    change(data)
    with pytest.raises(
        BundleError, match=rf"some.json: the calibration is damaged(?s:.*){message}"
    ):
        parse_calibration(json.dumps(data), "some.json")


@pytest.mark.parametrize("text", ["", "[1]", '"calibration"', "{"])
def test_what_is_no_calibration(text: str) -> None:
    with pytest.raises(BundleError, match=r"some.json: (not a calibration|the calibration is dam)"):
        parse_calibration(text, "some.json")


def test_a_newer_one() -> None:
    text = json.dumps({"format": 9, "version": "7.0"})
    with pytest.raises(BundleError, match=r"newer version(?s:.*)galaxyclass 7.0"):
        parse_calibration(text, "some.json")
