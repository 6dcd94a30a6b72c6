"""Published layouts of votes and classes, each against numbers worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.errors import CatalogError
from galaxyclass.trees.read import TREES, load_tree

Make = Callable[..., Path]
NAN = pytest.approx(np.nan, nan_ok=True)


def votes(catalog: Catalog, *codes: str) -> list[list[float]]:
    """The joint fractions of some answers, galaxy by galaxy."""
    tree, fractions = catalog.targets.decision_tree, catalog.targets.joint_fractions
    assert fractions is not None
    answers = [tree.codes.index(code) for code in codes]
    return np.round(fractions[:, answers].astype(float), 4).tolist()


def notes(catalog: Catalog, code: str) -> list[str]:
    return [finding.message for finding in check(catalog) if finding.code == code]


@pytest.mark.parametrize("name", TREES)
def test_every_published_layout_is_written_as_fractions(name: str) -> None:
    tree = load_tree(name)
    for layout in (*tree.layouts, *tree.published):
        written = layout.written
        assert written.kind in ("joint", "conditional")
        assert len(set(written.columns)) == len(tree.answers)
        if layout.kind == "counts":
            assert all(column.endswith(("_fraction", "_frac")) for column in written.columns)


def test_zoobot_counts(images: Make, table: Make) -> None:
    head = "smooth-or-featured-gz2_smooth,smooth-or-featured-gz2_featured-or-disk"
    more = "smooth-or-featured-gz2_artifact,smooth-or-featured-gz2_total-votes"
    edge_on = "disk-edge-on-gz2_yes,disk-edge-on-gz2_no"
    rows = [f"id_str,{head},{more},{edge_on}", "1,4,4,0,8,1,3", "2,7,1,2,10,0,0", "3,5,0,0,5,0,0"]
    catalog = read_catalog(images("1.jpg", "2.jpg", "3.jpg"), table(rows))
    assert votes(catalog, "1.1", "1.2", "2.1", "2.2") == [
        [0.5, 0.5, 0.125, 0.375],
        [0.7, 0.1, NAN, NAN],
        [1.0, 0.0, 0.0, 0.0],
    ]
    assert (
        "divided by the number of votes for their question, 4 to 10"
        in notes(catalog, "votes_converted")[0]
    )
    layout = catalog.targets.layout
    assert (layout.kind, layout.columns[0]) == (
        "conditional",
        "smooth-or-featured-gz2_smooth_fraction",
    )
    assert catalog.targets.decision_tree.layout("zoobot-gz2") == layout
    unused = [(each.count, each.names) for each in catalog.unused]
    assert unused == [(1, "smooth-or-featured-gz2_total-votes")]


def test_counts_of_a_question_with_an_empty_cell_are_unknown(images: Make, table: Make) -> None:
    """The count that is there had become a fraction of 3 (of everybody)."""
    answers = ("a01_smooth", "a02_features_or_disk", "a03_star_or_artifact")
    head = ",".join(f"t01_smooth_or_features_{answer}_count" for answer in answers)
    rows = [f"id,{head}", "1,3,,2", "2,3,1,0"]
    catalog = read_catalog(images("1.jpg", "2.jpg"), table(rows))
    assert votes(catalog, "1.1", "1.2", "1.3") == [[NAN, NAN, NAN], [0.75, 0.25, 0.0]]


@pytest.mark.parametrize(
    ("header", "row", "tree", "expected"),
    [
        ("how-rounded-dr5_round,how-rounded-dr5_in-between,how-rounded-dr5_cigar-shaped",
         "1,1,2", "galaxy_zoo_decals", None),
        ("smooth-or-featured-hubble_smooth,smooth-or-featured-hubble_features,"
         "smooth-or-featured-hubble_artifact", "3,1,0", "galaxy_zoo_hubble", 0.75),
        ("t00_smooth_or_featured_a0_smooth_frac,t00_smooth_or_featured_a1_features_frac,"
         "t00_smooth_or_featured_a2_artifact_frac", "0.75,0.25,0", "galaxy_zoo_candels", 0.75),
        ("bar-dr12_yes,bar-dr12_no", "1,2", "galaxy_zoo_decals_dr12", None),
        ("P_EL,P_CW,P_ACW,P_EDGE,P_DK,P_MG", "0.61,0.034,0,0.153,0.153,0.051", "galaxy_zoo_1",
         0.61),
        ("p_el,p_cw,p_acw,p_edge,p_dk,p_mg", "0.61,0.034,0,0.153,0.153,0.05", "galaxy_zoo_1", 0.61),
        ("t01_smooth_or_features_a01_smooth_count,t01_smooth_or_features_a02_features_or_disk_count,"
         "t01_smooth_or_features_a03_star_or_artifact_count", "6,1,1", "galaxy_zoo_2", 0.75),
        ("t01_smooth_or_features_a01_smooth_fraction,"
         "t01_smooth_or_features_a02_features_or_disk_fraction,"
         "t01_smooth_or_features_a03_star_or_artifact_fraction", "0.75,0.2,0.05", "galaxy_zoo_2",
         0.75),
        ("smooth-or-featured_smooth_fraction,smooth-or-featured_featured-or-disk_fraction,"
         "smooth-or-featured_artifact_fraction", "0.75,0.2,0.05", "galaxy_zoo_decals", 0.75),
    ],
)  # fmt: skip
def test_known_by_name(
    header: str, row: str, tree: str, expected: float | None, images: Make, table: Make
) -> None:
    catalog = read_catalog(images("1.jpg"), table([f"id,{header}", f"1,{row}"]))
    assert catalog.targets.decision_tree.key == tree
    if expected is not None:  # otherwise the question before it is not known
        assert not [finding for finding in check(catalog) if finding.severity == "error"]
        assert votes(catalog, "1.1") == [[expected]]


def test_debiased_fractions_are_normalised(images: Make, table: Make) -> None:
    start = "t01_smooth_or_features_a0"
    header = f"{start}1_smooth_debiased,{start}2_features_or_disk_debiased"
    rows = [f"id,gz2_class,{header},{start}3_star_or_artifact_debiased", "1,Sc,0.4,0.6,0.25"]
    catalog = read_catalog(images("1.jpg"), table(rows))
    assert votes(catalog, "1.1", "1.2", "1.3") == [[0.32, 0.48, 0.2]]
    assert "their sums are 1.25 to 1.25" in notes(catalog, "votes_converted")[0]
    assert [each.names for each in catalog.unused] == ["gz2_class"]


def test_weighted_fractions_come_before_the_counts_beside_them(images: Make, table: Make) -> None:
    start = "t06_odd_a1"
    names = [f"{start}{n}_{kind}" for kind in ("count", "weighted_fraction", "debiased")
             for n in ("4_yes", "5_no")]  # fmt: skip
    rows = [f"id,{','.join(names)},{start}4_yes_flag", "1,3,1,0.7,0.3,0.9,0.2,1"]
    catalog = read_catalog(images("1.jpg"), table(rows))
    assert votes(catalog, "6.1") == [[0.7]]
    assert [(each.count, each.why[:45]) for each in catalog.unused] == [
        (4, "other numbers of votes; those of the kind 't0"),
        (1, "neither id, path, class nor votes of a known "),
    ]


def test_two_decimals_are_rounding_and_a_wrong_cell_is_not(images: Make, table: Make) -> None:
    columns = ["id", *load_tree("galaxy_zoo_2").layout("challenge").columns[:5]]
    rows = [",".join(columns), "1,0.49,0.50,0.02,0.33,0.17", "2,0.49,0.50,0.07,0.33,0.17"]
    catalog = read_catalog(images("1.jpg", "2.jpg"), table(rows))
    assert np.isclose(votes(catalog, "1.1", "1.2", "1.3")[0], [0.4851, 0.4950, 0.0198]).all()
    assert (
        "fractions of 1 galaxy, rounded to 2 decimals, miss their sums by up to 0.01"
        in (notes(catalog, "votes_converted")[0])
    )
    assert len(notes(catalog, "broken_sum")) == 1


@pytest.mark.parametrize(
    "rows", [["1;47,5;52,5"], ["1;47.5;52.5"], ["1;47,5%;52,5%"], ["1;0,475;0,525"]]
)
def test_percent_and_decimal_commas(rows: list[str], images: Make, table: Make) -> None:
    catalog = read_catalog(images("1.jpg"), table(["id;Class6.1;Class6.2", *rows]))
    assert votes(catalog, "6.1", "6.2") == [[0.475, 0.525]]
    assert len(notes(catalog, "votes_converted")) == 1 + ("47," in rows[0])


def test_one_flag_for_each_class(images: Make, table: Make) -> None:
    rows = ["OBJID,SPIRAL,ELLIPTICAL,UNCERTAIN", "1,1,0,0", "2,0,1,0", "3,0,0,1"]
    catalog = read_catalog(images("1.jpg", "2.jpg", "3.jpg"), table(rows))
    assert catalog.targets.class_names == ("SPIRAL", "ELLIPTICAL", "UNCERTAIN")
    assert catalog.targets.labels.tolist() == [0, 1, 2]
    assert "3 columns of flags" in notes(catalog, "table_note")[0]


def test_counts_of_an_unknown_tree_are_no_classes(images: Make, table: Make) -> None:
    rows = [
        "id,ring_yes,ring_no,ring_total-votes",
        *(f"{n},{n % 3},{3 - n % 3},3" for n in range(9)),
    ]
    catalog = read_catalog(images("1.jpg"), table(rows))
    assert catalog.targets is None
    assert "ring_yes, ring_no, ring_total-votes look like counts" in notes(catalog, "no_target")[0]
    chosen = read_catalog(images("1.jpg"), table(rows), target_column="ring_yes")
    assert "looks like counts of votes" in notes(chosen, "table_note")[0]


def test_a_number_of_votes_is_no_class(images: Make, table: Make) -> None:
    rows = ["id,NVOTE,kind", *(f"{n},{n % 3 + 20},{'ab'[n % 2]}" for n in range(9))]
    assert read_catalog(images("1.jpg"), table(rows)).targets.column == "kind"


def test_class_names_that_differ_in_case(images: Make, table: Make) -> None:
    rows = ["id,class", "1,edge_on", "2,Edge on", "3,Sbc", "4,star"]
    catalog = read_catalog(images("1.jpg"), table(rows))
    assert len(catalog.targets.class_names) == 4
    assert "'Edge on' (1), 'edge_on' (1): 2 classes" in notes(catalog, "classes_alike")[0]


@pytest.mark.parametrize(
    ("files", "ids", "words"),
    [
        (["000001.jpg", "000002.jpg"], ["1", "2"], "(?s)leading zeros: 2 of 2.*zfill"),
        (["NGC1.jpg", "NGC2.jpg"], ["ngc1", "ngc2"], "(?s)upper and lower case: 2 of 2"),
        (["12_gri.jpg", "34_gri.jpg"], ["12", "34"], "(?s)ending '_gri'.*add '_gri' to the ids"),
        (["sdss-12.jpg", "sdss-34.jpg"], ["12", "34"], "(?s)beginning 'sdss-'"),
        (["12.jpg", "34.jpg"], ["12_x", "34_x"], "(?s)remove '_x' from them"),
        (["NGC-1.jpg", "NGC-2.jpg"], ["NGC 1", "NGC 2"], "(?s)blanks, hyphens"),
        (["17.jpg"], ["17.0"], r"(?s)written as floats.*'\.0'"),
        (["1.jpg", "24.jpg"], ["001", "024"], r"(?s)leading zeros: 2 of 2.*lstrip\('0'\)"),
        (
            ["587722981736579107.jpg"],
            ["587722981736579072"],
            "(?s)rounding: the last digits.*dtype",
        ),
        (["17.jpg"], ["b'17'"], r"(?s)as Python writes bytes.*str\[2:-1\]"),
        (["12.jpg", "345.jpg"], ["587722981748965649"], "(?s)18 digits; images: 2 to 3 digits"),
    ],
)
def test_ids_that_almost_match(
    files: list[str], ids: list[str], words: str, images: Make, table: Make
) -> None:
    with pytest.raises(CatalogError, match=words):
        read_catalog(images(*files), table(["id,class", *(f"{name},a" for name in ids)]))


def test_long_ids_in_a_column_of_floats(images: Make) -> None:
    table = {"id": [float(587722981736579107), None], "class": ["a", "b"]}
    with pytest.raises(CatalogError, match=r"(?s)its type, double.*dtype=.*'Int64'"):
        read_catalog(images("587722981736579107.jpg"), table)


def test_cells_that_nothing_known_separates(images: Make, table: Make) -> None:
    with pytest.raises(CatalogError, match="what separates the cells is not known"):
        read_catalog(images("1.jpg", "2.jpg"), table(["id^class", "1^a", "2^a"]))


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("NA,E,S", ["'NA', 1 galaxy"]),
        ("-1,0,1", ["'-1', 1 galaxy"]),
        ("-9,-8,1", []),
        ("-5,-1,0", []),  # Hubble types
        ("E,S,none", ["'none', 1 galaxy"]),
        ("ring,none", []),  # of two classes the other one
        ("1,-1", []),
        ("ring,unknown", ["'unknown', 1 galaxy"]),
    ],
)
def test_classes_that_say_unknown(
    classes: str, words: list[str], images: Make, table: Make
) -> None:
    rows = ["id,class", *(f"a{row},{name}" for row, name in enumerate(classes.split(",")))]
    found = notes(read_catalog(images("a0.jpg"), table(rows)), "classes_unknown")
    assert [note.rpartition(": ")[2] for note in found] == words


def test_folders_whose_names_are_alike_or_unknown(images: Make) -> None:
    catalog = read_catalog(images("Disc/1.jpg", "disc/2.jpg", "unknown/3.jpg"))
    assert "'Disc' (1), 'disc' (1): 2 classes" in notes(catalog, "classes_alike")[0]
    assert "'unknown', 1 galaxy" in notes(catalog, "classes_unknown")[0]


def test_integers_beside_nan_are_classes(images: Make, table: Make) -> None:
    """pandas makes floats of them."""
    folder, cells = images("1.jpg"), [1.0, 0.0, float("nan")]
    for given in ({"id": [1, 2, 3], "label": cells}, table(["id,label", "1,1.0", "2,0.0", "3,"])):
        catalog = read_catalog(folder, given)
        assert catalog.targets.classes == ("0", "1")
        assert catalog.targets.labels.tolist() == [1, 0, -1]
        assert "whole numbers as floats" in notes(catalog, "table_note")[0]
    fraction = read_catalog(folder, {"id": [1, 2, 3], "label": [1.0, 0.0, 0.5]})
    assert fraction.targets is None


@pytest.mark.parametrize("rows", [["130549,spiral", "7,smooth"], ["a/7.jpg,x", "130549.jpg,y"]])
def test_the_first_line_is_a_galaxy(rows: list[str], images: Make, table: Make) -> None:
    with pytest.raises(CatalogError, match=r"(?s)first line looks like data.*name of an image"):
        read_catalog(images("130549.jpg", "7.jpg"), table(rows))


class TestMap:
    ROWS = ("dr7objid,class", "587722981748965649,a", "587722981748965650,b")
    MAP = ("objid,sample,asset_id", "587722981748965650,original,7", "587722981748965649,extra,12")

    def test_it_joins(self, images: Make, table: Make) -> None:
        mapping = table(list(self.MAP), "names.csv")
        catalog = read_catalog(images("7.jpg", "12.jpg"), table(list(self.ROWS)), id_map=mapping)
        assert [Path(path).name for path in catalog.paths] == ["12.jpg", "7.jpg"]
        assert catalog.ids.column == "asset_id"
        assert [each.names for each in catalog.unused] == ["dr7objid"]

    def test_one_beside_the_table_is_tried_and_named(self, images: Make, table: Make) -> None:
        table(list(self.MAP), "gz2_filename_mapping.csv")
        words = r"(?s)gz2_filename_mapping\.csv joins 2 rows to images: `id_map='.*mapping.csv'`"
        with pytest.raises(CatalogError, match=words):
            read_catalog(images("7.jpg", "12.jpg"), table(list(self.ROWS)))

    def test_one_that_does_not_join(self, images: Make, table: Make) -> None:
        mapping = table(["a,b", "1,7"], "names.csv")
        with pytest.raises(CatalogError, match=r"(?s)does not join.*a: 1; b: 7"):
            read_catalog(images("7.jpg"), table(list(self.ROWS)), id_map=mapping)


class TestParts:
    def test_of_a_column(self, images: Make, table: Make) -> None:
        rows = ["id,class,split", "1,a,train", "2,b,Val", "3,a,TEST", "4,b,"]
        catalog = read_catalog(images("1.jpg", "2.jpg", "3.jpg", "4.jpg"), table(rows))
        assert catalog.parts.tolist() == ["train", "validation", "test", "train"]
        assert (catalog.part_column, catalog.unused) == ("split", ())
        assert catalog.line_of(1) == "line 3"

    def test_other_words_are_no_parts(self, images: Make, table: Make) -> None:
        rows = ["id,class,set", "1,a,north", "2,b,south", "3,a,north"]
        catalog = read_catalog(images("1.jpg"), table(rows), target_column="class")
        assert catalog.parts is None
        assert [each.names for each in catalog.unused] == ["set"]
        assert "does not say what is held out" in catalog.unused[0].why

    def test_of_folders(self, images: Make) -> None:
        catalog = read_catalog(
            images("train/disc/1.jpg", "train/smooth/2.jpg", "val/disc/3.jpg", "test/smooth/4.jpg")
        )
        assert catalog.targets.class_names == ("disc", "smooth")
        assert catalog.parts is not None
        assert sorted(zip(catalog.ids.values, catalog.parts, strict=True)) == [
            ("1", "train"), ("2", "train"), ("3", "validation"), ("4", "test")
        ]  # fmt: skip

    def test_of_folders_without_classes(self, images: Make) -> None:
        with pytest.raises(CatalogError, match=r"(?s)parts of a split, not classes.*`table`"):
            read_catalog(images("train/1.jpg", "test/2.jpg"))


def test_other_files_are_told(images: Make, table: Make) -> None:
    folder = images("1.jpg", "2.psd", "notes.txt", "sub/README")
    (folder / "labels.csv").write_text("id,class\n1,a\n")
    catalog = read_catalog(folder, folder / "labels.csv")
    assert [(each.kind, each.count, each.names) for each in catalog.unused] == [
        ("files", 3, "1 .psd, 1 .txt, 1 no ending")
    ]
