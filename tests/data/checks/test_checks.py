"""Each kind of finding: its place, its words; and that they come all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.findings import FINDING_KINDS, Finding, finding
from galaxyclass.images.inspect import content_digest
from galaxyclass.images.records import ImageFacts, ImageRecord, hex_digests, packed_digests


def record(path: str, content: str = "", error: str | None = None, size: int = 424) -> ImageRecord:
    """Of a file with this content; without content it could not be read."""
    digest = content and content_digest(content.encode())
    return ImageRecord(path, 1, 1, digest, size, size, error)


def facts_of(catalog: Catalog, records: dict[str, ImageRecord]) -> ImageFacts:
    return ImageFacts.of(records[path] for path in catalog.files()[0])


def found(
    catalog: Catalog, code: str, records: dict[str, ImageRecord] | None = None
) -> list[Finding]:
    facts = None if records is None else facts_of(catalog, records)
    return [finding for finding in check(catalog, facts) if finding.code == code]


def records_of(catalog: Catalog, **contents: str) -> dict[str, ImageRecord]:
    """A sound record for every image; its content is the id unless told otherwise."""
    pairs = zip(catalog.ids.values, catalog.paths, strict=True)
    return {path: record(path, contents.get(f"_{name}", name)) for name, path in pairs if path}


def test_every_kind_has_words_that_help() -> None:
    severities = [kind.severity for kind in FINDING_KINDS.values()]
    assert severities == sorted(severities)  # errors first
    for kind in FINDING_KINDS.values():
        assert kind.title
        assert kind.hint
    assert finding("image_missing", "x").severity == "error"


def test_a_sound_table_has_no_errors(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    folder = images(*(f"{n}.jpg" for n in range(300)))
    rows = [f"{n},{n / 299:.6f},{1 - n / 299:.6f}" for n in range(300)]
    catalog = read_catalog(folder, table(["id,Class6.1,Class6.2", *rows]))
    assert [finding.code for finding in check(catalog, facts_of(catalog, records_of(catalog)))] == [
        "columns_absent"
    ]


def test_images_missing_and_without_a_row(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    folder = images("1.jpg", "9.jpg")
    catalog = read_catalog(folder, table(["id,class", "1,a", "2,b", "3,b"]))
    missing = found(catalog, "image_missing")
    assert [(finding.row, finding.id, finding.index) for finding in missing] == [
        (3, "2", 1),
        (4, "3", 2),
    ]
    assert missing[0].message.endswith(f"line 3, id 2: no image of this name in {folder}")
    (without,) = found(catalog, "image_without_row")
    assert without.file == str(folder / "9.jpg")
    assert without.severity == "note"


def test_images_that_cannot_be_decoded(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    catalog = read_catalog(images("1.jpg", "2.jpg"), table(["id,class", "1,a", "2,b"]))
    path = catalog.paths[1]
    records = records_of(catalog) | {
        path: record(path, "x", f"{path}: truncated\n  got:    3 of 9")
    }
    (finding,) = found(catalog, "image_undecodable", records)
    assert (finding.file, finding.row, finding.id, finding.index) == (path, 3, "2", 1)
    assert finding.message.endswith(f"line 3, id 2: {path}: truncated; got: 3 of 9")


def test_duplicate_ids(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    rows = ["id,class", "1,a", "2,b", "1,b", "1,a"]
    catalog = read_catalog(images("1.jpg", "2.jpg"), table(rows), id_column="id")
    duplicates = found(catalog, "duplicate_id")
    assert [(finding.row, finding.id, finding.index) for finding in duplicates] == [
        (4, "1", 2),
        (5, "1", 3),
    ]
    assert duplicates[0].message.endswith("line 4, id 1: the id is in line 2 already")
    # The same image under the same id is told once, as a duplicate.
    assert found(catalog, "identical_images", records_of(catalog)) == []


def test_identical_images(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    rows = ["id,class", "1,a", "2,b", "3,b", "4,a"]
    catalog = read_catalog(images("1.jpg", "2.jpg", "3.jpg", "4.jpg"), table(rows))
    records = records_of(catalog, _1="same", _3="same", _4="same")
    identical = found(catalog, "identical_images", records)
    assert [(finding.row, finding.id, finding.index) for finding in identical] == [
        (4, "3", 2),
        (5, "4", 3),
    ]
    assert identical[0].message.endswith("3.jpg is byte for byte the image of id 1 (line 2)")


def test_unreadable_images_are_not_taken_as_identical(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    catalog = read_catalog(images("1.jpg", "2.jpg"), table(["id,class", "1,a", "2,b"]))
    records = {path: record(path, "", "no permission") for path in catalog.paths}
    assert found(catalog, "identical_images", records) == []


def test_two_ids_with_one_path(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    rows = ["name,file,class", "M31,a.jpg,x", "M32,a.jpg,y", "M33,b.jpg,y"]
    catalog = read_catalog(images("a.jpg", "b.jpg"), table(rows), id_column="name")
    (finding,) = found(catalog, "identical_images")
    assert (finding.id, finding.row) == ("M32", 3)


def test_broken_sums_of_a_joint_table(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    columns = "id,Class1.1,Class1.2,Class1.3,Class2.1,Class2.2,Class6.1,Class6.2"
    rows = [columns, "1,.5,.4,.1,.1,.3,.2,.8", "2,.5,.3,.1,.1,.3,.2,.7", "3,.5,,.5,.9,.9,0,0"]
    catalog = read_catalog(images("1.jpg"), table(rows))
    broken = found(catalog, "broken_sum")
    assert [(finding.row, finding.id, finding.column) for finding in broken] == [
        (3, "2", "Class1.1"),
        (3, "2", "Class2.1"),
        (3, "2", "Class6.1"),
        (4, "3", "Class6.1"),  # question 2 of galaxy 3 cannot be judged: 1.2 is not known
    ]
    assert broken[0].message.endswith(
        "line 3, id 2: question 1 (smooth_or_features), Class1.1 to Class1.3: the sum is 0.9, "
        "wanted 1 (the answers of everyone must sum to 1)"
    )
    assert broken[1].message.endswith("the sum is 0.4, wanted 0.3 (Class1.2 leads to it)")


@pytest.mark.parametrize(
    ("second", "broken"), [("0.752", False), ("0.753", False), ("0.755", True)]
)
def test_the_tolerance_of_three_decimals(
    second: str, broken: bool, images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    columns = "id,t06_odd_a14_yes_weighted_fraction,t06_odd_a15_no_weighted_fraction"
    catalog = read_catalog(images("1.jpg"), table([columns, f"1,0.25,{second}"]))
    assert bool(found(catalog, "broken_sum")) is broken


def test_conditional_sums_are_judged_as_written(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    # Only 1 % of the volunteers came to question 7, so that times that share the mistake is 0.002.
    tasks = [
        *("t01_smooth_or_features_a01_smooth", "t01_smooth_or_features_a02_features_or_disk"),
        *("t01_smooth_or_features_a03_star_or_artifact", "t07_rounded_a16_completely_round"),
        *("t07_rounded_a17_in_between", "t07_rounded_a18_cigar_shaped"),
    ]
    header = "id," + ",".join(f"{task}_weighted_fraction" for task in tasks)
    catalog = read_catalog(images("1.jpg"), table([header, "1,0.01,0.99,0,0.5,0.3,0"]))
    (finding,) = found(catalog, "broken_sum")
    assert "the sum is 0.8, wanted 1 (the answers of those who were asked" in finding.message


def test_a_question_that_breaks_everywhere_is_told_once(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    rows = [f"{n},.5,.6" for n in range(2000)]
    catalog = read_catalog(images("1.jpg"), table(["id,Class6.1,Class6.2", *rows]))
    (finding,) = found(catalog, "broken_sum")
    assert finding.index is None
    assert "2,000 of 2,000 rows, the first in line 2: the sum is 1.1, wanted 1" in finding.message


def test_unknown_votes(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    rows = ["id,Class6.1,Class6.2,Class7.1", "1,.2,.8,", "2,,,", "3,1,0,"]
    catalog = read_catalog(images("1.jpg"), table(rows))
    unknown = [finding.message.split(": ", 1)[1] for finding in found(catalog, "votes_unknown")]
    assert unknown == [
        "question 6 (odd): 1 of 3 galaxies",
        "question 7 (roundness): 3 of 3 galaxies (all: the columns are empty)",
    ]
    (absent,) = found(catalog, "columns_absent")
    assert "34 of 37 answers of Galaxy Zoo 2: Class1.1, Class1.2, Class1.3" in absent.message


def test_votes_that_are_all_unknown(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    catalog = read_catalog(images("1.jpg"), table(["id,Class6.1,Class6.2", "1,,"]))
    (finding,) = found(catalog, "no_target")
    assert finding.message.endswith("no cell of the vote columns holds a fraction")


def test_classes(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    rows = ["id,class", *(f"{n},{'common' if n < 150 else 'rare'}" for n in range(156)), "900,"]
    catalog = read_catalog(images("1.jpg"), table(rows))
    (missing,) = found(catalog, "class_missing")
    assert (missing.row, missing.id, missing.severity) == (158, "900", "note")
    (imbalance,) = found(catalog, "class_imbalance")
    assert imbalance.message.endswith("rare 6; the largest is common, 150")


def test_one_class(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    catalog = read_catalog(images("1.jpg"), table(["id,class", "1,a", "2,a"]))
    (finding,) = found(catalog, "single_class")
    assert "the class of every galaxy is 'a'" in finding.message


def test_one_folder_of_images_without_a_table(images: Callable[..., Path]) -> None:
    (finding,) = found(read_catalog(images("images/1.jpg", "images/2.jpg")), "single_class")
    assert "each folder is a class unless a `table` says otherwise" in finding.message


def test_without_table(images: Callable[..., Path]) -> None:
    catalog = read_catalog(images("a/1.jpg", "b/2.jpg", "3.jpg"))
    (finding,) = found(catalog, "class_missing")
    assert finding.message.endswith("3.jpg: the image is not in the folder of a class")
    assert finding.row is None


def test_images_alone(images: Callable[..., Path]) -> None:
    catalog = read_catalog(images("1.jpg"))
    assert [finding.code for finding in check(catalog)] == ["images_only", "few_galaxies"]


def test_mixed_sizes(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    catalog = read_catalog(images("1.jpg", "2.jpg"), table(["id,class", "1,a", "2,b"]))
    records = {path: record(path, path, size=423 + n) for n, path in enumerate(catalog.paths)}
    (finding,) = found(catalog, "mixed_sizes", records)
    assert finding.message.endswith("423x423 (1), 424x424 (1)")


def test_of_many_sizes_the_most_frequent_come_first(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    sizes = [7, 5, 5, 9, 6, 9, 8, 5]
    names = [f"{number}.jpg" for number in range(len(sizes))]
    catalog = read_catalog(images(*names), table(["id,class", *(f"{n[0]},a" for n in names)]))
    records = {
        path: record(path, path, size=size, error="broken" if size == 8 else None)
        for path, size in zip(catalog.paths, sizes, strict=True)
    }
    (finding,) = found(catalog, "mixed_sizes", records)
    assert finding.message.endswith("5x5 (3), 9x9 (2), 7x7 (1), 6x6 (1)")


def test_files_of_a_table_that_names_some_twice_and_some_that_are_not_there(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    rows = ["name,file,class", "A,b.jpg,x", "B,z.jpg,y", "C,a.jpg,y", "D,b.jpg,y"]
    catalog = read_catalog(images("a.jpg", "b.jpg"), table(rows), id_column="name")
    files, file_of = catalog.files()
    assert [path.rsplit("/", 1)[-1] for path in files] == ["b.jpg", "a.jpg"]
    assert file_of.tolist() == [0, -1, 1, 0]


def test_digests_as_bytes_are_told_apart_whatever_they_end_in() -> None:
    digests = ["00" * 15 + "01", "01" + "00" * 15, "", "01" + "00" * 14 + "01", "ff" * 16]
    packed = packed_digests(digests)
    assert packed.nbytes == 16 * len(digests)
    assert hex_digests(packed) == digests
    assert len(set(packed.tolist())) == len(np.unique(packed)) == len(digests)


def test_rare_answers(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    rows = [f"{n},{0.9 if n == 7 else 0.1},{0.1 if n == 7 else 0.9}" for n in range(600)]
    catalog = read_catalog(images("1.jpg"), table(["id,Class6.1,Class6.2", *rows]))
    (finding,) = found(catalog, "rare_answers")
    assert finding.message.endswith("half the votes or more: odd feature (1)")


def test_all_at_once_and_in_order(images: Callable[..., Path], table: Callable[..., Path]) -> None:
    folder = images("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg")
    rows = ["id,Class6.1,Class6.2", "1,x,.5", "2,.5,.6", ",1,0", "3,1,0", "3,2,0", "7,1", "8,1,0"]
    catalog = read_catalog(folder, table([*rows, "4,1,0"]))
    records = records_of(catalog, _4="2")
    path = catalog.paths[2]
    records[path] = record(path, "3", "broken")
    findings = check(catalog, facts_of(catalog, records))
    assert [(finding.code, finding.row) for finding in findings if finding.severity == "error"] == [
        ("ragged_row", 7),
        ("row_without_id", 4),
        ("duplicate_id", 6),
        ("image_missing", 8),
        ("image_undecodable", 5),
        ("image_undecodable", 6),
        ("identical_images", 9),
        ("not_a_number", 2),
        ("fraction_out_of_range", 6),
        ("broken_sum", 3),
    ]
    assert {finding.code for finding in findings if finding.severity == "note"} == {
        "columns_absent",
        "votes_unknown",
        "image_without_row",
        "few_galaxies",
    }
    for each in findings:
        assert set(asdict(each)) == {
            "code", "severity", "message", "file", "row", "id", "column", "index",
        }  # fmt: skip
