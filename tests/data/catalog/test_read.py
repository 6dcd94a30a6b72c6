"""From folder and table to a catalog: ids that survive, votes that are understood, folders."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.findings import Finding
from galaxyclass.errors import CatalogError
from galaxyclass.trees.read import load_tree

ZOO = load_tree("galaxy_zoo_2")
SHARES = "t01_smooth_or_features_a01_smooth,t01_smooth_or_features_a02_features_or_disk,"
SHARES += "t01_smooth_or_features_a03_star_or_artifact,t07_rounded_a16_completely_round,"
SHARES += "t07_rounded_a17_in_between,t07_rounded_a18_cigar_shaped"
HART16 = ",".join(f"{name}_weighted_fraction" for name in SHARES.split(","))


def answers(catalog: Catalog, *codes: str) -> list[list[float]]:
    """The fractions of these answers, galaxy by galaxy."""
    columns = [ZOO.codes.index(code) for code in codes]
    return catalog.targets.fractions[:, columns].tolist()


def of_code(catalog: Catalog, code: str) -> list[Finding]:
    return [finding for finding in catalog.problems if finding.code == code]


def test_catalogs_are_compared_without_an_error(
    images: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("id,class\na,disc\nb,ring\n")
    folder = images("a.jpg", "b.jpg")
    first, second = (read_catalog(folder, tmp_path / "t.csv") for _ in range(2))
    assert first == first
    assert first != second  # each is itself alone: arrays have no truth value


class TestIds:
    IDS = ("587722981748965649", "587722981748965650", "9007199254740993")  # 2**53 + 1

    @pytest.mark.parametrize("form", ["text", "int64", "uint64", "large", "view", "dictionary"])
    def test_long_ids_survive_parquet(
        self, form: str, images: Callable[..., Path], tmp_path: Path
    ) -> None:
        folder = images(*(f"{name}.jpg" for name in self.IDS))
        column = {
            "text": pa.array(self.IDS),
            "int64": pa.array([int(name) for name in self.IDS], pa.int64()),
            "uint64": pa.array([int(name) for name in self.IDS], pa.uint64()),
            "large": pa.array(self.IDS, pa.large_string()),
            "view": pa.array(self.IDS, pa.string_view()),
            "dictionary": pa.array(self.IDS).dictionary_encode(),
        }[form]
        pq.write_table(pa.table({"objid": column}), tmp_path / "t.parquet")
        catalog = read_catalog(folder, tmp_path / "t.parquet")
        assert catalog.ids.values.tolist() == list(self.IDS)
        assert catalog.ids.integer is (form in ("int64", "uint64"))  # text stays text
        assert (catalog.paths != "").all()
        assert catalog.rows.tolist() == [1, 2, 3]

    @pytest.mark.parametrize("written_by", ["csv", "pyarrow"])
    def test_long_ids_survive_csv(
        self, written_by: str, images: Callable[..., Path], tmp_path: Path
    ) -> None:
        folder = images(*(f"{name}.jpeg" for name in self.IDS))
        path = tmp_path / "t.csv"
        if written_by == "csv":
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([["objid"], *([name] for name in self.IDS)])
        else:
            pa_csv.write_csv(pa.table({"objid": [int(name) for name in self.IDS]}), path)
        catalog = read_catalog(folder, path)
        assert catalog.ids.values.tolist() == list(self.IDS)
        assert catalog.ids.integer
        assert catalog.rows.tolist() == [2, 3, 4]

    @pytest.mark.parametrize(
        ("ids", "integer"),
        [
            (["1", "2"], True),
            (["-1", "0"], True),
            (["007", "8"], False),  # would come back as 7
            (["+1", "2"], False),
            (["1", "x"], False),
            (["9223372036854775807"], True),
            (["9223372036854775808"], False),  # one more than 64 bits hold
            (["99999999999999999999"], False),
        ],
    )
    def test_integers_are_those_that_can_be_written_again(
        self, ids: list[str], integer: bool, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images(*(f"{name}.jpg" for name in ids))
        catalog = read_catalog(folder, table(["id,x", *(f"{name},0.5" for name in ids)]))
        assert catalog.ids.values.tolist() == ids
        assert catalog.ids.integer is integer

    @given(number=st.integers(10**17, 10**18 - 1))
    def test_any_18_digits(self, number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("ids")
        (folder / f"{number}.jpg").touch()
        pq.write_table(pa.table({"id": [number]}), folder / "t.parquet")
        (folder / "t.csv").write_text(f"id\n{number}\n")
        for name in ("t.parquet", "t.csv"):
            assert read_catalog(folder, folder / name).ids.values.tolist() == [str(number)]

    def test_rows_without_an_id(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id,class", "1,a", ",b", "2,b", "  ,a"]
        catalog = read_catalog(images("1.jpg", "2.jpg"), table(rows))
        assert catalog.ids.values.tolist() == ["1", "2"]
        assert catalog.rows.tolist() == [2, 4]
        assert catalog.targets.labels.tolist() == [0, 1]
        found = of_code(catalog, "row_without_id")
        assert [finding.row for finding in found] == [3, 5]
        assert found[0].message.endswith("table.csv, line 3: no id in column 'id'")

    def test_other_columns_are_carried_untouched(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id,class,ra,note", '1,a,010.50,"x, y"', "2,b,,"]
        catalog = read_catalog(images("1.jpg", "2.jpg"), table(rows))
        assert catalog.other.to_pydict() == {"ra": ["010.50", None], "note": ["x, y", None]}
        taken = catalog.take(np.array([1]))
        assert taken.other.to_pydict() == {"ra": [None], "note": [None]}
        assert taken.ids.values.tolist() == ["2"]
        assert taken.rows.tolist() == [3]


class TestVotes:
    def test_joint_fractions_and_unknown_cells(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id,Class6.1,Class6.2,Class8.1", "1,0.25,0.75,", "2, .5 ,5e-1,nan", "3,,NA,n/a"]
        catalog = read_catalog(images("1.jpg"), table(rows))
        known = answers(catalog, "6.1", "6.2")
        assert known[:2] == [[0.25, 0.75], [0.5, 0.5]]
        assert np.isnan(known[2]).all()
        assert np.isnan(answers(catalog, "8.1", "1.1")).all()
        assert catalog.targets.present.sum() == 3
        assert catalog.problems == ()

    def test_conditional_fractions_become_joint(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = [f"id,{HART16}", "1,0.5,0.25,0.25,0.1,0.6,0.3", "2,0,1,0,0,0,0", "3,1,0,0,1,0,0"]
        catalog = read_catalog(images("1.jpg"), table(rows))
        first, second, _ = answers(catalog, "1.1", "1.2", "7.1", "7.2", "7.3")
        np.testing.assert_allclose(first, [0.5, 0.25, 0.05, 0.3, 0.15], rtol=1e-6)
        assert second == [0, 1, 0, 0, 0]  # nobody said smooth: truly nobody called it round
        assert catalog.problems == ()
        # Question 2 has no columns: nothing is known of it, even where nobody came to it.
        assert np.isnan(answers(catalog, "2.1", "2.2")).all()

    def test_zeros_of_a_question_that_nobody_answered(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = [f"id,{HART16}", "1,0.5,0.5,0,0,0,0", "2,1,0,0,0,0,1"]
        catalog = read_catalog(images("1.jpg"), table(rows))
        assert np.isnan(answers(catalog, "7.1", "7.2", "7.3")[0]).all()
        assert answers(catalog, "7.1", "7.2", "7.3")[1] == [0, 0, 1]
        (note,) = catalog.problems
        assert note.code == "votes_unasked"
        assert note.message.endswith("question 7 (roundness): 1 galaxy, the first in line 2, id 1")

    def test_the_same_in_a_joint_table(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        spiral = "Class2.1,Class2.2,Class4.1,Class4.2,Class10.1,Class10.2,Class10.3"
        rows = [f"id,Class1.2,{spiral}", "1,.5,0,.5,0,0,0,0,0", "2,.5,.5,0,0,0,0,0,0"]
        catalog = read_catalog(images("1.jpg"), table(rows))
        first, second = answers(catalog, "4.1", "4.2", "10.1", "10.2", "10.3")
        assert np.isnan(first).all()  # led to question 4, not answered, so 10 is not known either
        assert second == [0, 0, 0, 0, 0]
        assert [note.message.split(": ")[1] for note in catalog.problems] == [
            "question 4 (spiral)",
            "question 10 (arm_winding)",
        ]

    def test_zeros_of_a_question_that_everyone_is_asked_stay(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        catalog = read_catalog(images("1.jpg"), table(["id,Class6.1,Class6.2", "1,0,0"]))
        assert answers(catalog, "6.1", "6.2") == [[0, 0]]

    def test_every_cell_that_is_no_fraction(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id;Class6.1;Class6.2", "1;abc;0,5", "2;1.5;-0.5", "3;x;inf", "4;1;0"]
        catalog = read_catalog(images("1.jpg"), table(rows))
        problems = {
            (finding.code, finding.row, finding.id, finding.column, finding.index)
            for finding in catalog.problems
        }
        assert problems == {
            ("not_a_number", 2, "1", "Class6.1", 0),
            ("not_a_number", 2, "1", "Class6.2", 0),
            ("fraction_out_of_range", 3, "2", "Class6.1", 1),
            ("fraction_out_of_range", 3, "2", "Class6.2", 1),
            ("not_a_number", 4, "3", "Class6.1", 2),
            ("fraction_out_of_range", 4, "3", "Class6.2", 2),
        }
        messages = "\n".join(finding.message for finding in catalog.problems)
        assert "line 2, id 1: column Class6.1: 'abc' is not a number" in messages
        assert "'0,5' is not a number (a decimal comma? write a point)" in messages
        assert "line 3, id 2: column Class6.1: '1.5' is not within 0 to 1" in messages
        assert np.isnan(answers(catalog, "6.1", "6.2")[:3]).all()

    def test_a_column_that_is_no_fraction_at_all_is_told_once(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = [f"{n},{n % 100},0.5" for n in range(3000)]
        catalog = read_catalog(images("1.jpg"), table(["id,Class6.1,Class6.2", *rows]))
        (problem,) = catalog.problems
        assert problem.index is None
        assert problem.message.endswith(
            "column Class6.1: 2,940 of 3,000 cells, the first in line 4, id 2: "
            "'2' is not within 0 to 1"
        )

    def test_parquet_numbers(self, images: Callable[..., Path], tmp_path: Path) -> None:
        columns = {
            "id": [1, 2],
            "Class6.1": pa.array([0.25, None], pa.float32()),
            "Class6.2": [0.75, float("nan")],
        }
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
        catalog = read_catalog(images("1.jpg"), tmp_path / "t.parquet")
        assert answers(catalog, "6.1", "6.2")[0] == [0.25, 0.75]
        assert np.isnan(answers(catalog, "6.1", "6.2")[1]).all()

    def test_parquet_of_another_type(self, images: Callable[..., Path], tmp_path: Path) -> None:
        pq.write_table(
            pa.table({"id": [1], "Class6.1": [[0.5]], "Class6.2": [0.5]}), tmp_path / "t.parquet"
        )
        catalog = read_catalog(images("1.jpg"), tmp_path / "t.parquet")
        (problem,) = catalog.problems
        assert problem.code == "not_a_number"
        assert "row 1, id 1: column Class6.1: [0.5] is not a number" in problem.message


class TestFolders:
    def test_each_folder_is_a_class(self, images: Callable[..., Path]) -> None:
        folder = images("spiral/1.jpg", "spiral/deep/2.jpg", "smooth/3.png")
        catalog = read_catalog(folder)
        assert catalog.targets.classes == ("smooth", "spiral")
        assert dict(zip(catalog.ids.values, catalog.targets.labels, strict=True)) == {
            "1": 1,
            "2": 1,
            "3": 0,
        }
        assert catalog.rows.tolist() == [0, 0, 0]
        assert catalog.table is None

    def test_names_that_stand_twice_become_paths(self, images: Callable[..., Path]) -> None:
        catalog = read_catalog(images("a/1.jpg", "b/1.jpg", "b/2.jpg"))
        assert catalog.ids.values.tolist() == ["a/1", "b/1", "b/2"]
        assert not catalog.ids.integer

    def test_images_beside_the_folders_have_no_class(self, images: Callable[..., Path]) -> None:
        catalog = read_catalog(images("a/1.jpg", "b/2.jpg", "3.jpg"))
        labels = dict(zip(catalog.ids.values, catalog.targets.labels, strict=True))
        assert labels == {"1": 0, "2": 1, "3": -1}

    def test_a_flat_folder_has_no_targets(self, images: Callable[..., Path]) -> None:
        catalog = read_catalog(images("1.jpg", "2.jpg"))
        assert catalog.targets is None
        assert catalog.ids.values.tolist() == ["1", "2"]

    def test_a_file_as_folder(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("1.jpg")
        with pytest.raises(CatalogError, match="neither a folder"):
            read_catalog(folder / "1.jpg", table(["id", "1"]))

    def test_no_folder(self, tmp_path: Path, table: Callable[..., Path]) -> None:
        with pytest.raises(CatalogError, match="no such file or folder"):
            read_catalog(tmp_path / "none", table(["id", "1"]))


class TestSeveralFiles:
    def test_jpeg_and_png_of_one_galaxy(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        catalog = read_catalog(images("1.jpg", "1.png", "2.jpg"), table(["id,class", "1,a", "2,b"]))
        (note,) = catalog.problems
        assert note.code == "several_files"
        assert note.message.endswith("line 2, id 1: 1.jpg, 1.png")
        assert catalog.paths[0].endswith("1.jpg")
        assert catalog.unlisted == ()

    def test_one_name_in_two_folders(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("train/1.jpg", "test/1.jpg", "train/2.jpg")
        catalog = read_catalog(folder, table(["id,class", "1,a", "2,b"]))
        (problem,) = catalog.problems
        assert (problem.code, problem.severity) == ("ambiguous_image", "error")
        assert problem.message.endswith("line 2, id 1: test/1.jpg, train/1.jpg")

    @pytest.mark.parametrize("start", ["train", "/home/ann/data/train", "other\\train", "./train"])
    def test_paths_of_another_folder_mean_the_image_whose_folders_agree(
        self, start: str, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("new/test/1.jpg", "new/test/2.jpg", "new/train/1.jpg", "new/train/2.jpg")
        rows = [f"{start}/1.jpg,a", f"{start}/2.jpg,b"]
        catalog = read_catalog(folder, table(["path,class", *rows]))
        assert [path.split("/")[-2:] for path in catalog.paths] == [
            ["train", "1.jpg"],
            ["train", "2.jpg"],
        ]
        assert catalog.problems == ()

    @pytest.mark.parametrize(("header", "id_column"), [("path", None), ("obj,path", "obj")])
    def test_a_path_that_fits_two_folders_alike(
        self,
        header: str,
        id_column: str | None,
        images: Callable[..., Path],
        table: Callable[..., Path],
    ) -> None:
        before = "" if id_column is None else "X,"
        rows = [f"{header},class", f"{before}old/1.jpg,a", f"{before}test/2.jpg,b"]
        folder = images("train/1.jpg", "test/1.jpg", "test/2.jpg")
        catalog = read_catalog(folder, table(rows), id_column=id_column)
        (problem,) = catalog.problems
        assert (problem.code, problem.row) == ("ambiguous_image", 2)
        assert problem.message.endswith(": test/1.jpg, train/1.jpg")

    def test_ids_with_folders_where_some_images_have_none(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("a.jpg", "m/1.jpg", "n/1.jpg", "z.jpg")
        catalog = read_catalog(folder, table(["id,class", "a,x", "m/1,y", "n/1,y", "z,x"]))
        assert (catalog.paths != "").all()
        assert catalog.problems == ()


@pytest.mark.galaxies
class TestRealTables:
    """The tables that were found in public, with what their README says of them."""

    @pytest.mark.parametrize(
        ("folder", "name", "column", "count", "layout"),
        [
            ("galaxy-zoo-challenge", "votes.csv", "GalaxyID", 4097, "challenge"),
            ("galaxy-zoo-2", "votes.csv", "asset_id", 750, "challenge"),
            ("galaxy-zoo-2", "hart16.csv", "asset_id", 750, "hart16"),
            ("galaxy-zoo-2-counts", "votes.csv", "id", 4400, "hart16"),
        ],
    )
    def test_votes(
        self, folder: str, name: str, column: str, count: int, layout: str, galaxies: Path
    ) -> None:
        catalog = read_catalog(galaxies / folder / "images", galaxies / folder / name)
        assert catalog.ids.column == column
        assert len(catalog) == count
        assert (catalog.paths != "").all()
        assert catalog.targets.layout.name == layout
        assert {finding.severity for finding in catalog.problems} <= {"note"}

    def test_17_of_37_columns(self, galaxies: Path) -> None:
        folder = galaxies / "galaxy-zoo-challenge"
        fractions = read_catalog(folder / "images", folder / "votes.csv").targets.fractions
        known = (~np.isnan(fractions)).sum(axis=1)
        assert dict(zip(*np.unique(known, return_counts=True), strict=True)) == {17: 3217, 37: 880}

    @pytest.mark.parametrize(
        ("folder", "name", "column", "counts"),
        [
            (
                "galaxy-zoo-1",
                "labels.csv",
                "class",
                {
                    "edge_on": 225,
                    "elliptical": 375,
                    "merger": 86,
                    "spiral_anticlockwise": 327,
                    "spiral_clockwise": 310,
                    "unknown": 42,
                },
            ),
            ("rings", "labels.csv", "ring", {"0": 163, "1": 163}),
            (
                "galaxy-zoo-challenge",
                "five_classes.csv",
                "class",
                {
                    "cigar_shaped_smooth": 86,
                    "completely_round_smooth": 806,
                    "edge_on": 369,
                    "in_between_smooth": 942,
                    "spiral": 1255,
                },
            ),
        ],
    )
    def test_classes(
        self, folder: str, name: str, column: str, counts: dict[str, int], galaxies: Path
    ) -> None:
        catalog = read_catalog(galaxies / folder / "images", galaxies / folder / name)
        assert catalog.targets.column == column
        numbers = np.bincount(catalog.targets.labels).tolist()
        assert dict(zip(catalog.targets.classes, numbers, strict=True)) == counts
        codes = {each.code for each in catalog.problems}
        assert codes == ({"classes_unknown"} if "unknown" in counts else set())

    def test_ids_of_18_digits_survive(self, galaxies: Path) -> None:
        folder = galaxies / "galaxy-zoo-1"
        catalog = read_catalog(folder / "images", folder / "labels.csv")
        with (folder / "labels.csv").open() as file:
            written = [row["OBJID"] for row in csv.DictReader(file)]
        assert catalog.ids.values.tolist() == written
        assert catalog.ids.integer


def test_votes_are_read_in_parts_as_at_once(
    images: Callable[..., Path], table: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = "id,Class1.1,Class1.2,Class1.3,Class6.1,Class6.2"
    rows = ["1,.5,.4,.1,x,.8", "2,2,.3,.1,.3,.7", "3,.5,,.5,0,0", "4,.9,.1,0,y,3", "5,0,0,0,0,0"]
    folder, votes = images(*(f"{n}.jpg" for n in range(1, 6))), table([columns, *rows])
    whole = read_catalog(folder, votes)
    monkeypatch.setattr("galaxyclass.data.catalog.votes.ROWS_AT_ONCE", 2)
    parts = read_catalog(folder, votes)
    assert parts.problems == whole.problems
    assert [finding.code for finding in whole.problems].count("not_a_number") == 2
    assert [finding.row for finding in whole.problems if finding.code == "not_a_number"] == [2, 5]
    np.testing.assert_array_equal(parts.targets.fractions, whole.targets.fractions)


def test_a_table_of_several_blocks(
    images: Callable[..., Path], table: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxyclass.data.tables.delimited.BLOCK_BYTES", 64)
    names = [f"{n:05d}" for n in range(50)]
    folder = images(*(f"{name}.jpg" for name in names))
    rows = [f"{name},{'a,b' if n == 30 else 'ab'[n % 2]}" for n, name in enumerate(names)]
    catalog = read_catalog(folder, table(["id,class", *rows]))
    assert catalog.ids.values.tolist() == [name for name in names if name != "00030"]
    assert catalog.rows[[0, 29, 30, 48]].tolist() == [2, 31, 33, 51]
    assert [(finding.code, finding.row) for finding in catalog.problems] == [("ragged_row", 32)]
