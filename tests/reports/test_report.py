"""Reports: the numbers against plain numpy, and a page that is safe, whole and offline."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from galaxyclass import Report, load_model, report
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, BundleError, CatalogError, OutputError
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.read import read_image
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.reports.binned import bin_truth
from galaxyclass.reports.numbers import number_sections
from galaxyclass.reports.parts import ReportSettings
from galaxyclass.reports.purity import purity_curve
from galaxyclass.tasks.task import Task
from tests.support import fake

HOSTILE = "<script>alert('x')</script>"


class Tags(HTMLParser):
    """All tags of a page, and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def require_safe(page: Path) -> str:
    """Refuse a page with scripts, or with anything from elsewhere; its text."""
    text = page.read_text(encoding="utf-8")
    parser = Tags()
    parser.feed(text)
    assert not parser.tags & {"script", "link", "iframe", "object", "form"}
    assert all(each.startswith(("#", "data:image/jpeg;base64,")) for each in parser.references)
    assert len(text) < 5_000_000
    return text


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_votes(path: Path, ids: list[str], votes: Any, **more: Any) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["GalaxyID", *fake.TREE.layout("challenge").columns, *more])
        for number, (name, row) in enumerate(zip(ids, votes, strict=True)):
            cells = (column[number] for column in more.values())
            writer.writerow([name, *map(repr, row.tolist()), *cells])
    return path


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    folder = tmp_path_factory.mktemp("reported")
    fake.save_run(folder / "run" / "bundle")
    (folder / "run" / "split.csv").write_text("id,part,digest\n")
    paths = fake.save_images(folder / "images", 60)
    settings = Preprocessing(cutout="centre", frame=24, size=12)
    cutouts = np.stack([make_cutout(read_image(path), settings) for path in paths])
    predicted = fake.TreeBackend().values(cutouts).astype(np.float64)
    votes = 0.7 * predicted + 0.3 * np.roll(predicted, 1, axis=0)
    ids = [path.stem for path in paths]
    table = write_votes(folder / "votes.csv", ids, votes, redshift=np.linspace(0, 0.1, 60))
    return folder, table, predicted, votes


@pytest.fixture(scope="module")
def reported(sky: tuple[Any, ...]) -> Report:
    folder, table, *_ = sky
    return report(
        load_model(folder / "run", backend=fake.TreeBackend()),
        folder / "images",
        table,
        output=folder / "votes.html",
    )


def test_the_numbers_are_those_of_plain_numpy(sky: tuple[Any, ...], reported: Report) -> None:
    _, _, predicted, votes = sky
    errors = predicted - votes
    scores = read_rows(reported.folder / "scores.csv")[0]
    assert float(scores["score"]) == pytest.approx(np.sqrt(np.mean(errors**2)), abs=1e-5)
    floor = np.sqrt(np.mean(votes * (1 - votes) / 39))
    assert float(scores["noise_floor"]) == pytest.approx(floor, abs=1e-5)
    questions = read_rows(reported.folder / "questions.csv")
    where = fake.TREE.slices[3]
    assert float(questions[3]["rmse"]) == pytest.approx(
        np.sqrt(np.mean(errors[:, where] ** 2)), abs=1e-5
    )
    first = predicted[:, fake.TREE.slices[0]]
    inside = (first >= 0.3) & (first < 0.5)
    row = next(
        row
        for row in read_rows(reported.folder / "reliability.csv")
        if (row["question"], row["from"]) == ("1", "0.3")
    )
    assert int(row["entries"]) == inside.sum()
    if inside.sum() >= 10:
        expected = votes[:, fake.TREE.slices[0]][inside].mean()
        assert float(row["mean_true"]) == pytest.approx(expected, abs=1e-5)
    properties = {row["property"] for row in read_rows(reported.folder / "properties.csv")}
    assert properties == {"brightness", "redshift"}  # images of one colour have no size
    numbers = json.loads((reported.folder / "report.json").read_text())
    assert set(numbers["sections"]) >= {"score", "questions", "reliability", "training"}
    assert (reported.folder / "model_1" / "metrics.json").is_file()


def test_the_page_is_whole_and_needs_nothing_else(reported: Report) -> None:
    text = require_safe(reported.page)
    assert text.count("<svg") == 15
    assert text.count("data:image/jpeg") == 24  # those shown, and no others
    for words in ("noise floor", "Words to cite", "What it must not be used for", "Willett"):
        assert words in text


def test_two_models_have_paired_intervals(sky: tuple[Any, ...], tmp_path: Path) -> None:
    folder, table, *_ = sky
    first = load_model(folder / "run", backend=fake.TreeBackend())
    second = load_model(folder / "run" / "bundle", backend=fake.TreeBackend(seed=2))
    result = report(
        [first, second],
        folder / "images",
        table,
        output=tmp_path / "two.html",
    )
    row = read_rows(result.folder / "comparison.csv")[0]
    assert row["of"] == "all"
    assert float(row["low"]) < float(row["difference"]) < float(row["high"])
    difference = float(row["score"]) - float(row["reference_score"])
    assert float(row["difference"]) == pytest.approx(difference, abs=1e-5)
    assert len({row["model"], row["reference"]}) == 2
    text = require_safe(result.page)
    # What is not shown side by side stands there for each model.
    of_each = [read_rows(result.folder / f"reliability{end}.csv") for end in ("", "_2")]
    assert of_each[0] != of_each[1]
    keys = [section.key for section in result.sections]
    assert len(keys) == len(set(keys))
    assert {"reliability_2", "properties_2"} <= set(keys)
    assert f"{row['model']}: Predicted against true fractions" in text


def test_explained_galaxies_with_their_faithfulness(sky: tuple[Any, ...], tmp_path: Path) -> None:
    folder, table, *_ = sky
    model = load_model(folder / "run", backend=fake.TreeBackend())
    result = model.report(folder / "images", table, output=tmp_path / "why.html", explain=3)
    rows = read_rows(result.folder / "explained.csv")
    assert [row["group"] for row in rows] == [
        "The largest errors",
        "The largest errors",
        "Those that the model is surest of",
    ]
    assert len({row["id"] for row in rows}) == 3
    text = require_safe(result.page)
    assert "central blob" in text
    page = report(model, folder / "images", output=tmp_path / "folder.html", explain=2)
    groups = {row["group"] for row in read_rows(page.folder / "explained.csv")}
    assert groups == {"Those that the model is surest of", "Those that it is least sure of"}


def test_resampled_scores_are_those_of_drawn_galaxies() -> None:
    rng = np.random.default_rng(0)
    votes = fake.vote_outputs()
    predictions, values = rng.random((2, 9, 37))
    values[0, 5:] = np.nan
    fast = votes.resampled(predictions, values, resamples=20, seed=3)
    np.testing.assert_allclose(
        fast, Task.resampled(votes, predictions, values, resamples=20, seed=3)
    )
    classes, labels = fake.class_outputs("a", "b"), np.array([0, 1, 1, 0, 0, 1, 0, 1, 1])
    fast = classes.resampled(predictions[:, :2], labels, resamples=20, seed=3)
    np.testing.assert_allclose(
        fast, Task.resampled(classes, predictions[:, :2], labels, resamples=20, seed=3)
    )


def test_classes_with_hostile_names(sky: tuple[Any, ...], tmp_path: Path) -> None:
    """Names of classes, files and cells are shown as text, and nothing of them runs."""
    folder, *_ = sky
    names = [HOSTILE, "b&b", '"c"']
    fake.save_run(tmp_path / "run" / "bundle", fake.class_outputs(*names), id_integer=False)
    (tmp_path / "run" / "split.csv").write_text("id,part,digest\n")
    images = tmp_path / "<img src=x onerror=alert(1)>"
    images.mkdir()
    ids = []
    for number, path in enumerate(sorted((folder / "images").iterdir())[:45]):
        ids.append(f"<b onload=alert(1)>{number}")
        (images / f"{ids[-1]}.jpg").write_bytes(path.read_bytes())
    table = tmp_path / "classes.csv"
    with table.open("w", newline="") as file:
        rows = [(name, names[number % 3]) for number, name in enumerate(ids)]
        csv.writer(file).writerows([("name", "class"), *rows])
    result = report(
        load_model(tmp_path / "run", backend=fake.ClassBackend(3)),
        images,
        table,
        output=tmp_path / "classes.html",
        purity=0.5,
    )
    text = require_safe(result.page)
    assert "&lt;script&gt;" in text
    assert "onload=alert(1)&gt;" in text
    confusion = read_rows(result.folder / "confusion.csv")
    counts = np.array([[int(row[f"called {name}"]) for name in names] for row in confusion])
    # The surest of the wrong ones comes first, although all of them are just wrong.
    errors = text.split("The largest errors")[1].split("surest of")[0]
    called = [float(value) for value in re.findall(r"<figcaption>.*?\((0\.\d+)\)\n", errors)]
    predicted = read_rows(result.folder / "model_1" / "predictions.csv")
    true_names = dict(rows)
    wrong = [row for row in predicted if row["class"] != true_names[next(iter(row.values()))]]
    assert len(wrong) >= len(called) > 5
    surest = min(wrong, key=lambda row: float(row[true_names[next(iter(row.values()))]]))
    assert called[0] == pytest.approx(max(float(surest[name]) for name in names), abs=0.006)
    assert counts.sum(axis=1).tolist() == [15, 15, 15]
    scores = read_rows(result.folder / "classes.csv")
    assert float(scores[0]["recall"]) == pytest.approx(counts[0, 0] / 15, abs=1e-5)
    assert float(read_rows(result.folder / "scores.csv")[0]["score"]) == pytest.approx(
        np.trace(counts) / 45, abs=1e-5
    )


def test_a_folder_without_labels(sky: tuple[Any, ...], tmp_path: Path) -> None:
    folder, _, predicted, _ = sky
    images = tmp_path / "images"
    images.mkdir()
    for path in sorted((folder / "images").iterdir()):
        (images / path.name).write_bytes(path.read_bytes())
    (images / "1.jpg").write_text("not an image")
    result = report(
        load_model(folder / "run", backend=fake.TreeBackend()),
        images,
        output=tmp_path / "folder.html",
    )
    text = require_safe(result.page)
    assert "since not decodable: 1 image." in text
    row = read_rows(result.folder / "answers.csv")[0]
    assert float(row["mean"]) == pytest.approx(predicted[:, 0].mean(), abs=1e-5)
    assert int(row["majority"]) == (predicted[:, 0] >= 0.5).sum()
    assert (
        sorted(path.name for path in result.folder.iterdir())
        == [
            "answers.csv",
            "model_1.csv",
            "model_1_failed.csv",
            "report.json",
        ]
        or (result.folder / "model_1_provenance.json").is_file()
    )


def test_two_models_on_a_folder_say_how_far_they_agree(
    sky: tuple[Any, ...], tmp_path: Path
) -> None:
    folder, _, predicted, _ = sky
    result = report(
        [
            load_model(folder / "run", backend=fake.TreeBackend()),
            load_model(folder / "run" / "bundle", backend=fake.TreeBackend(seed=2)),
        ],
        folder / "images",
        output=tmp_path / "agree.html",
    )
    rows = read_rows(result.folder / "agreement.csv")
    assert len(rows) == 38
    assert float(rows[1]["reference_mean"]) == pytest.approx(predicted[:, 0].mean(), abs=1e-5)
    assert float(rows[0]["difference"]) > 0.01
    assert "disagree most" in require_safe(result.page)


def test_wrong_calls(sky: tuple[Any, ...], reported: Report, tmp_path: Path) -> None:
    folder, table, *_ = sky
    run, images = folder / "run", folder / "images"
    with pytest.raises(OutputError, match=r"ends in \.html"):
        report(run, images, table, output=tmp_path / "report.pdf")
    with pytest.raises(OutputError, match="exist"):
        report(run, images, table, output=reported.page)
    with pytest.raises(CatalogError, match="'mass'") as caught:
        report(run, images, table, output=tmp_path / "a.html", against=["mass"])
    assert caught.value.wanted == "some of redshift"
    nothings: list[dict[str, Any]] = [{"part": "test"}, {"purity": 0.5}]
    for nothing in nothings:
        with pytest.raises(ArgumentError, match=r"so `(part|purity)` does nothing"):
            report(run, images, output=tmp_path / "a.html", **nothing)
    with pytest.raises(CatalogError, match="no table"):
        report(run, images, output=tmp_path / "a.html", against=["mass"])
    fake.save_run(tmp_path / "classes" / "bundle", fake.class_outputs("a", "b"))
    with pytest.raises(BundleError, match="predict different things"):
        report([run, tmp_path / "classes"], images, table, output=tmp_path / "a.html")
    assert not list(tmp_path.glob("a*"))


def test_without_enough_for_a_bin_nothing_is_said() -> None:
    binned = bin_truth(np.full((5, 1), 0.2), np.full((5, 1), 0.9), (0.0, 0.5, 1.0))
    assert np.isnan(binned.true).all()
    assert binned.entries == (5, 0)


@pytest.mark.slow
def test_evaluate_writes_a_report_too(sky: tuple[Any, ...], tmp_path: Path) -> None:
    """By the pretrained model, as its user would: with intervals and strange images."""
    folder, table, *_ = sky
    arguments = ["evaluate", "pretrained", "--part", "all", "--images", str(folder / "images")]
    arguments += ["--table", str(table), "--output", str(tmp_path / "scores"), "--views", "1"]
    page = tmp_path / "page.html"
    assert main([*arguments, "--report", str(page)]) == 0
    text = require_safe(page)
    assert "Are the intervals wide enough?" in text
    assert "Pictures unlike those that the model knows" in text
    assert load_model().digest[:16] in text


def test_the_command(sky: tuple[Any, ...], capsys: pytest.CaptureFixture[str]) -> None:
    folder, table, *_ = sky
    arguments = ["report", str(folder / "run"), "--images", str(folder / "images")]
    assert main([*arguments, "--table", str(table), "--output", "report.txt"]) == 1
    assert "write to report.html" in capsys.readouterr().err


def test_numbers_are_shown_against_the_truth() -> None:
    random = np.random.default_rng(0)
    true = random.normal(3, 2, (90, 2))
    predicted = true + random.normal(0.5, 1, (90, 2))
    true[:5, 1] = np.nan
    model: Any = SimpleNamespace(
        task=SimpleNamespace(names=("T", "<size>")),
        predictions=predicted,
        values=true,
        evaluation=SimpleNamespace(coverage=None),
    )
    (section,) = number_sections([model], ReportSettings())
    assert [figure.title for figure in section.figures] == ["T", "<size>"]
    assert "<size>" not in section.figures[1].svg
    errors = (predicted - true)[:, 1][5:]
    found = section.numbers["<size>"]
    assert found["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert found["bias"] == pytest.approx(errors.mean())
    assert sum(found["entries"]) == 85
    assert "T is off by" in section.text[1]
    assert "too large by" in section.text[1]


def test_a_purity_of_few_galaxies_is_no_threshold() -> None:
    probabilities = np.linspace(0.99, 0.01, 100)
    is_class = np.arange(100) % 2 == 0
    is_class[:12] = True
    assert purity_curve("disc", probabilities, is_class, 0.9).at_above == 15
    is_class[2:12] = False
    assert purity_curve("disc", probabilities, is_class, 0.9).threshold is None
