"""The layout of a contest: folders of images, and a table for each part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.errors import CatalogError

PARTS = ["train", "train", "validation", "test"]


@pytest.fixture
def contest(tmp_path: Path) -> Callable[..., Any]:
    """Write a contest; `files` are images below its folder, `tables` the lines of each table."""

    def make(files: list[str], **tables: Any) -> Path:
        folder = tmp_path / "contest"
        for name in files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for name, lines in tables.items():
            (folder / f"{name}.csv").write_text("".join(f"{line}\n" for line in lines))
        return folder

    return make


FILES = ["train/1.png", "train/2.png", "val/3.png", "test/4.png"]
TRAIN, VAL = ["image,class", "1.png,10", "2.png,9"], ["image,class", "3.png,9"]


@pytest.mark.parametrize(
    ("test", "labels"),
    [
        (["image,class", "4.png,10"], [1, 0, 0, 1]),
        (["image,class", "4.png,"], [1, 0, 0, -1]),
        (["image", "4.png"], [1, 0, 0, -1]),
    ],
)
def test_parts_classes_and_files(
    contest: Callable[..., Any], test: list[str], labels: list[int]
) -> None:
    folder = contest(FILES, train=TRAIN, val=VAL, test=test)
    catalog = read_catalog(folder, folder)
    assert catalog.parts.tolist() == PARTS
    assert catalog.ids.values.tolist() == ["1.png", "2.png", "3.png", "4.png"]
    assert catalog.paths.tolist() == [str(folder / name) for name in FILES]
    assert catalog.targets.classes == ("9", "10")  # in the order of numbers
    assert catalog.targets.labels.tolist() == labels
    assert catalog.rows.tolist() == [2, 3, 2, 2]
    errors = [finding for finding in check(catalog) if finding.severity == "error"]
    assert errors == []
    secret = [finding.message for finding in check(catalog) if finding.code == "test_without_class"]
    assert ["1 of 1" in message for message in secret] == [True] * (labels[-1] < 0)


def test_without_a_test_table(contest: Callable[..., Any]) -> None:
    folder = contest(FILES, train=TRAIN, val=VAL)
    catalog = read_catalog(folder, folder)
    assert catalog.parts.tolist() == PARTS[:3]
    assert catalog.unlisted == (str(folder / "test/4.png"),)


@pytest.mark.parametrize("ending", [".png", ""])
def test_names_that_begin_anew_in_each_folder(contest: Callable[..., Any], ending: str) -> None:
    files = ["train/1.png", "train/2.png", "val/1.png", "test/1.png", "test/2.png"]
    folder = contest(
        files,
        train=["image,class", f"1{ending},a", f"2{ending},b"],
        val=["image,class", f"1{ending},b"],
        test=["image", f"2{ending}", f"1{ending}"],
    )
    catalog = read_catalog(folder, folder)
    names = ["train/1", "train/2", "val/1", "test/2", "test/1"]
    assert catalog.paths.tolist() == [str(folder / f"{name}.png") for name in names]
    assert catalog.ids.values.tolist() == [name + ending for name in names]
    assert [finding for finding in check(catalog) if finding.severity == "error"] == []


def test_an_unlisted_test_folder_does_not_confuse_the_others(contest: Callable[..., Any]) -> None:
    files = ["train/1.png", "train/2.png", "val/3.png", "test/1.png"]
    folder = contest(files, train=TRAIN, val=VAL)
    catalog = read_catalog(folder, folder)
    assert catalog.paths.tolist() == [str(folder / name) for name in files[:3]]
    assert [finding for finding in check(catalog) if finding.severity == "error"] == []


@pytest.mark.parametrize("start", ["", "./", "images/", "/somewhere/else/images/"])
def test_paths_relative_to_the_tables_or_to_the_images(
    contest: Callable[..., Any], start: str
) -> None:
    files = [f"images/{name}" for name in FILES]
    lines = {
        part: ["image,class", *(f"{start}{name},{i % 2}" for i, name in names)]
        for part, names in {
            "train": list(enumerate(FILES[:2])),
            "val": [(1, FILES[2])],
            "test": [(0, FILES[3])],
        }.items()
    }
    folder = contest(files, **lines)
    for images in (folder, folder / "images"):
        catalog = read_catalog(images, folder)
        assert catalog.paths.tolist() == [str(folder / name) for name in files]


def test_all_images_in_one_folder_elsewhere(
    contest: Callable[..., Any], images: Callable[..., Path]
) -> None:
    folder = contest([])
    folder.mkdir()
    (folder / "train.csv").write_text("\n".join(TRAIN))
    (folder / "val.csv").write_text("\n".join(VAL))
    elsewhere = images("1.png", "2.png", "3.png")
    catalog = read_catalog(elsewhere, folder)
    assert [path.removeprefix(f"{elsewhere}/") for path in catalog.paths] == [
        "1.png",
        "2.png",
        "3.png",
    ]


def test_findings_name_the_table_and_its_line(contest: Callable[..., Any]) -> None:
    folder = contest(
        FILES, train=[*TRAIN, "5.png,9"], val=[*VAL, "3.png,", ",9"], test=["image,class", "4.png,"]
    )
    found = {finding.code: finding for finding in check(read_catalog(folder, folder))}
    assert (found["image_missing"].file, found["image_missing"].row) == (
        str(folder / "train.csv"),
        4,
    )
    assert "train.csv line 4, image 5.png" in found["image_missing"].message
    assert "the id is in val.csv line 2 already" in found["duplicate_id"].message
    assert (found["class_missing"].file, found["class_missing"].row) == (str(folder / "val.csv"), 3)
    assert (found["row_without_id"].file, found["row_without_id"].row) == (
        str(folder / "val.csv"),
        4,
    )


def test_taking_galaxies_takes_their_parts(contest: Callable[..., Any]) -> None:
    folder = contest(FILES, train=TRAIN, val=VAL, test=["image", "4.png"])
    catalog = read_catalog(folder, folder)
    assert catalog.take(catalog.rows.argsort()[-1:]).parts.tolist() == ["train"]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"train": TRAIN}, "no val.csv"),
        ({}, "no train.csv and no val.csv"),
        ({"train": TRAIN, "val": ["image,label", "3.png,9"]}, "val.csv: other columns"),
        ({"train": TRAIN, "val": ["image", "3.png"]}, "val.csv: other columns"),
        ({"train": [*TRAIN, "1,2,3"], "val": VAL}, r"train.csv: 1 line has more or fewer"),
    ],
)
def test_folders_of_tables_that_are_refused(
    contest: Callable[..., Any], tables: dict[str, list[str]], message: str
) -> None:
    folder = contest(FILES, **tables)
    with pytest.raises(CatalogError, match=message):
        read_catalog(folder, folder)


def test_parts_are_not_taken_for_classes(contest: Callable[..., Any]) -> None:
    folder = contest(FILES, train=TRAIN, val=VAL)
    with pytest.raises(CatalogError, match=f"`table='{folder}'`"):
        read_catalog(folder)


@pytest.mark.parametrize(
    ("cells", "name_parts"),
    [
        (("1", "2"), 0),
        (("1.png", "2.png"), 1),
        (("train/1.png", "train/2.png"), 2),
        (("1.jpg", "2.jpg"), 0),
        (("{}/train/1.png", "{}/train/2.png"), 0),
    ],
)
def test_how_a_table_names_images(
    contest: Callable[..., Any], cells: tuple[str, str], name_parts: int
) -> None:
    folder = contest(["train/1.png", "train/2.png"])
    first, second = (cell.format(folder) for cell in cells)
    table = folder / "labels.csv"
    table.write_text(f"image,class\n{first},a\n{second},b\n")
    assert read_catalog(folder, table).name_parts == name_parts


def test_the_folder_put_before_a_name_is_not_the_tables(contest: Callable[..., Any]) -> None:
    files = ["train/1.png", "train/2.png", "val/1.png"]
    folder = contest(files, train=TRAIN, val=["image,class", "1.png,9"])
    catalog = read_catalog(folder, folder)
    assert catalog.ids.values.tolist() == files
    assert catalog.name_parts == 1
