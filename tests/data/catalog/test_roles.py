"""Which column is what, through `read_catalog`; and the messages where it cannot be told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.errors import CatalogError
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.votes.targets import VoteTargets

QUESTION_6 = "Class6.1,Class6.2"


def names(catalog: Catalog) -> list[str]:
    """The file name that each row was given, or ""."""
    return [path.rsplit("/", 1)[-1] for path in catalog.paths]


class TestId:
    def test_the_column_that_matches_most_images(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("1.jpg", "2.jpg", "3.jpg", "4.jpg")
        # `count` has values that are names too, but of fewer images
        catalog = read_catalog(
            folder, table(["count,obj,class", "1,3,a", "1,2,b", "2,4,a", "2,9,a"])
        )
        assert catalog.ids.column == "obj"
        assert names(catalog) == ["3.jpg", "2.jpg", "4.jpg", ""]
        assert [path.rsplit("/")[-1] for path in catalog.unlisted] == ["1.jpg"]

    def test_a_label_that_looks_like_an_id_is_none(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images(*(f"{n}.jpg" for n in range(8)))
        rows = [f"{n},{n % 2}" for n in range(8)]
        catalog = read_catalog(folder, table(["number,label", *rows]))
        assert catalog.ids.column == "number"
        assert catalog.targets.classes == ("0", "1")

    def test_two_columns_that_match_equally_well(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("1.jpg", "2.jpg")
        with pytest.raises(
            CatalogError, match=r"(?s)equally well.*'a' and 'b', 2 images each.*`id_column='a'`"
        ):
            read_catalog(folder, table(["a,b", "1,2", "2,1"]))

    def test_two_columns_that_say_the_same(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("1.jpg", "2.jpg")
        catalog = read_catalog(folder, table(["file,a", "1.jpg,1", "2.jpg,2"]))
        assert catalog.ids.column == "a"

    def test_a_near_tie_is_told(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images(*(f"{n}.jpg" for n in range(20)))
        rows = [f"{n},{19 - n if n else 99}" for n in range(20)]
        catalog = read_catalog(folder, table(["a,b", *rows]))
        assert catalog.ids.column == "a"
        (note,) = (finding for finding in catalog.problems if finding.code == "near_tie")
        assert note.message.endswith("column 'b' matches 19 images, the id 'a' 20")

    def test_id_overrides(self, images: Callable[..., Path], table: Callable[..., Path]) -> None:
        folder = images("1.jpg", "2.jpg")
        catalog = read_catalog(folder, table(["a,b", "1,2", "2,1"]), id_column="b")
        assert names(catalog) == ["2.jpg", "1.jpg"]

    def test_id_with_the_images_named_elsewhere(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("x.jpg", "y.jpg")
        catalog = read_catalog(
            folder, table(["name,file", "M31,./y.jpg", "M33,x.jpg"]), id_column="name"
        )
        assert catalog.ids.values.tolist() == ["M31", "M33"]
        assert names(catalog) == ["y.jpg", "x.jpg"]

    @pytest.mark.parametrize(
        "paths",
        [
            ["train/1.jpg", "test/1.jpg"],
            ["./train/1.jpg", "./test/1.jpg"],
            ["train\\1.jpg", "test\\1.jpg"],
        ],
    )
    def test_paths(
        self, paths: list[str], images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("train/1.jpg", "test/1.jpg")
        catalog = read_catalog(folder, table(["path,class", f"{paths[0]},a", f"{paths[1]},b"]))
        assert catalog.ids.column == "path"
        assert catalog.ids.values.tolist() == paths
        assert catalog.paths.tolist() == [str(folder / "train/1.jpg"), str(folder / "test/1.jpg")]

    def test_paths_of_another_machine_and_ending(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("J1.2+3.jpg", "J2.jpg")
        catalog = read_catalog(folder, table(["loc,class", "/far/J1.2+3.png,a", "/far/J2.png,b"]))
        assert names(catalog) == ["J1.2+3.jpg", "J2.jpg"]

    def test_ids_that_are_paths_without_ending(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("train/1.jpg", "test/1.jpg")
        catalog = read_catalog(folder, table(["id,class", "test/1,a", "train/1,b"]))
        assert catalog.paths.tolist() == [str(folder / "test/1.jpg"), str(folder / "train/1.jpg")]
        assert catalog.problems == ()

    def test_no_column_matches(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("100008.jpg", "100023.jpg")
        with pytest.raises(
            CatalogError,
            match=r"(?s)no column matches.*wanted: ids such as 100008, 100023 \(of 2 images\)"
            r".*got:    name: M31; x: 0\.5.*both names.*`id_map`.*`images`",
        ):
            read_catalog(folder, table(["name,x", "M31,0.5"]))

    def test_ids_that_a_spreadsheet_rounded(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("587722981748965649.jpg")
        with pytest.raises(CatalogError, match=r"(?s)spreadsheet.*last digits are lost"):
            read_catalog(folder, table(["id,class", "5.87723E+17,a"]))

    def test_a_count_that_happens_to_be_an_id(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("72.jpg", "100.jpg")
        rows = [f"gal{n},72" for n in range(5)]
        with pytest.raises(CatalogError, match=r"(?s)no column matches.*name: gal0; votes: 72"):
            read_catalog(folder, table(["name,votes", *rows]))

    def test_ids_written_as_floats(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        with pytest.raises(CatalogError, match=r"without '\.0'"):
            read_catalog(images("17.jpg"), table(["id,class", "17.0,a"]))

    def test_a_parquet_column_of_floats_is_no_id(
        self, images: Callable[..., Path], tmp_path: Path
    ) -> None:
        pq.write_table(pa.table({"id": [1.0, 2.0]}), tmp_path / "t.parquet")
        with pytest.raises(CatalogError, match=r"(?s)cannot hold ids.*last digits.*double"):
            read_catalog(images("1.jpg"), tmp_path / "t.parquet", id_column="id")

    def test_id_misspelt(self, images: Callable[..., Path], table: Callable[..., Path]) -> None:
        with pytest.raises(
            CatalogError, match=r"(?s)no column 'Galaxyid'.*did you mean `id_column='Galax"
        ):
            read_catalog(images("1.jpg"), table(["GalaxyID,a", "1,2"]), id_column="Galaxyid")

    def test_id_that_matches_nothing(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        with pytest.raises(CatalogError, match="no column matches") as caught:
            read_catalog(images("1.jpg"), table(["id,name", "1,M31"]), id_column="name")
        assert caught.value.hint == "column 'id' matches 1 of 1 row to images: `id_column='id'`"


class TestVotes:
    def test_one_whole_question_is_enough(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        catalog = read_catalog(images("1.jpg"), table([f"id,{QUESTION_6},class", "1,.2,.8,a"]))
        assert isinstance(catalog.targets, VoteTargets)
        assert catalog.targets.layout.name == "challenge"
        assert catalog.other.column_names == ["class"]

    def test_stray_fractions_beside_a_class_are_no_votes(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        catalog = read_catalog(
            images("1.jpg", "2.jpg"), table(["id,ring,Class6.1,Class7.1", "1,0,.2,.8", "2,1,.1,.1"])
        )
        assert isinstance(catalog.targets, ClassTargets)
        assert catalog.targets.column == "ring"
        assert catalog.other.column_names == ["Class6.1", "Class7.1"]

    def test_target_comes_first(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        catalog = read_catalog(
            images("1.jpg"), table([f"id,{QUESTION_6},kind", "1,.2,.8,a"]), target_column="kind"
        )
        assert catalog.targets.column == "kind"

    def test_the_layout_with_most_columns(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        decals = ",".join(
            f"smooth-or-featured_{a}_fraction" for a in ("smooth", "featured-or-disk", "artifact")
        )
        catalog = read_catalog(
            images("1.jpg"), table([f"id,{QUESTION_6},{decals}", "1,.2,.8,.5,.3,.2"])
        )
        assert catalog.targets.tree.key == "galaxy_zoo_decals"

    def test_columns_that_are_no_answers_are_told(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        catalog = read_catalog(
            images("1.jpg"),
            table([f"id,{QUESTION_6},Class12.1,class1.1,Classy", "1,.2,.8,0,0,0"]),
        )
        notes = {finding.column: finding.message for finding in catalog.problems}
        assert set(notes) == {"Class12.1", "class1.1"}
        assert notes["Class12.1"].endswith("'Class12.1' is not an answer of Galaxy Zoo 2")
        assert notes["class1.1"].endswith("did you mean 'Class1.1'?")


class TestClass:
    def test_the_only_text_column(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id,ra,kind", "1,10.5,spiral", "2,11.5,smooth", "3,12,smooth"]
        catalog = read_catalog(images("1.jpg", "2.jpg"), table(rows))
        assert catalog.targets.column == "kind"
        assert catalog.targets.classes == ("smooth", "spiral")
        assert catalog.targets.labels.tolist() == [1, 0, 0]

    def test_integers_sort_as_numbers_and_nothing_is_unknown(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id,n", "1,10", "2,9", "3,", "4,nan", "5,10", "6,-1", "7,9"]
        # The target names as many images as the id, but it is no candidate for the id.
        folder = images("9.jpg", "10.jpg", "1.jpg", "2.jpg")
        catalog = read_catalog(folder, table(rows), target_column="n")
        assert catalog.ids.column == "id"
        assert catalog.targets.classes == ("-1", "9", "10")
        assert catalog.targets.labels.tolist() == [2, 1, -1, -1, 2, 0, 1]

    def test_a_column_called_class_is_preferred(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id,source,Class", "1,x,a", "2,x,b", "3,y,a", "4,y,b"]
        catalog = read_catalog(images("1.jpg"), table(rows))
        assert catalog.targets.column == "Class"

    def test_several_candidates(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        rows = ["id,source,kind", "1,x,a", "2,x,b", "3,y,a", "4,y,b"]
        with pytest.raises(
            CatalogError,
            match=r"(?s)several columns could be.*'source': 2 values, x \(2\), y \(2\)"
            r".*'kind': 2 values.*the right one by `target_column`",
        ):
            read_catalog(images("1.jpg"), table(rows))

    def test_target_that_holds_fractions(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        with pytest.raises(CatalogError, match=r"(?s)'x' cannot be a class.*such as 0\.5"):
            read_catalog(images("1.jpg"), table(["id,x", "1,0.5"]), target_column="x")

    def test_target_of_whole_floats_as_pandas_writes_them_beside_empty_cells(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        folder = images("1.jpg", "2.jpg", "3.jpg")
        rows = table(["id,ring", "1,1.0", "2,", "3,0.0"])
        (problem,) = (each for each in read_catalog(folder, rows).problems)
        assert "as classes: `target_column='ring'`" in problem.message
        targets = read_catalog(folder, rows, target_column="ring").targets
        assert targets.classes == ("0", "1")
        assert targets.labels.tolist() == [1, -1, 0]

    def test_target_misspelt(self, images: Callable[..., Path], table: Callable[..., Path]) -> None:
        with pytest.raises(CatalogError, match=r"did you mean `target_column='kind'`\?"):
            read_catalog(images("1.jpg"), table(["id,kind", "1,a"]), target_column="kinds")

    def test_neither_votes_nor_class(
        self, images: Callable[..., Path], table: Callable[..., Path]
    ) -> None:
        catalog = read_catalog(images("1.jpg"), table(["id,class6.1,class6.2", "1,.5,.5"]))
        assert catalog.targets is None
        (problem,) = catalog.problems
        assert problem.code == "no_target"
        assert "is 'class6.1' 'Class6.1'?" in problem.message

    def test_parquet_codes_and_booleans(self, images: Callable[..., Path], tmp_path: Path) -> None:
        columns = {
            "id": pa.array([1, 2, 3]),
            "kind": pa.array(["b", "a", "b"]).dictionary_encode(),
            "odd": pa.array([True, False, None]),
        }
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
        folder = images("1.jpg")
        targets = read_catalog(folder, tmp_path / "t.parquet", target_column="kind").targets
        assert targets.classes == ("a", "b")
        np.testing.assert_array_equal(targets.labels, [1, 0, 1])
        two = read_catalog(folder, tmp_path / "t.parquet", target_column="odd").targets
        assert two.classes == ("false", "true")
        np.testing.assert_array_equal(two.labels, [1, 0, -1])


def test_hints_can_be_pasted_into_a_shell(
    images: Callable[..., Path], table: Callable[..., Path]
) -> None:
    rows = ["my id,other id,class", "1,2,a", "2,1,b"]
    with pytest.raises(CatalogError, match="`id_column='my id'`"):
        read_catalog(images("1.jpg", "2.jpg"), table(rows))
