"""Figures have the data that they were given, where it belongs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from galaxyclass.plots.bars import Bar, BarGroup, grouped_bars
from galaxyclass.plots.gallery import Tile, gallery, shrink
from galaxyclass.plots.heatmaps import correlation_map, correlation_panels
from galaxyclass.plots.style import inline_svg, save

GREY, COLOUR = np.full((40, 30, 1), 7, np.uint8), np.full((600, 600, 3), 90, np.uint8)


def test_bars_have_their_lengths_labels_and_texts() -> None:
    groups = [
        BarGroup("first", [Bar("a", 0.25, "quarter"), Bar("b", float("nan"), "unknown")]),
        BarGroup("second", [Bar("c", 0.5, "half")]),
    ]
    (axes,) = grouped_bars(groups, "title", "share").axes
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    assert [bar.get_width() for bar in bars] == [0.25, 0.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    # each bar stands at the height of its label, below the title of its group
    assert axes.get_yticks().tolist() == [1, 2, 4]
    centres = [bar.get_y() + bar.get_height() / 2 for bar in bars]
    assert centres == pytest.approx([1, 4])
    texts = {text.get_text(): text.xy for text in axes.texts if isinstance(text, Annotation)}
    assert texts == {
        "first": (0, 0), "quarter": (0.25, 1), "unknown": (0, 2), "second": (0, 3), "half": (0.5, 4)
    }  # fmt: skip


def test_many_bars_stand_in_columns_of_one_scale_and_none_is_lost() -> None:
    groups = [
        BarGroup(str(g), [Bar(f"{g}.{i}", g + i / 10, "") for i in range(4)]) for g in range(12)
    ]
    figure = grouped_bars(groups, "", "")
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert labels == [bar.label for group in groups for bar in group.bars]
    assert len(figure.axes) == 3
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    lone = grouped_bars([BarGroup("", [Bar(str(i), i, "") for i in range(100)])], "", "")
    assert [len(axes.patches) for axes in lone.axes] == [25, 25, 25, 25]


def test_a_gallery_has_its_pictures_titles_and_notes() -> None:
    tiles = [
        Tile(COLOUR, "a name that takes two lines", "0.50"),
        Tile(GREY, "b", "0.25"),
        Tile(None, "c", "unknown"),
    ]
    first, second, third = gallery(tiles, "title").axes
    assert first.get_title() == "a name that takes\ntwo lines"
    assert first.images[0].get_array().shape == (300, 300, 3)
    np.testing.assert_array_equal(second.images[0].get_array(), GREY[..., 0])
    assert second.images[0].get_clim() == (0, 255)  # not stretched: as the model gets it
    assert [text.get_text() for axes in (first, second, third) for text in axes.texts] == [
        "0.50",
        "0.25",
        "unknown",
    ]
    assert not third.images


def test_no_two_tiles_of_a_gallery_overlap_and_all_are_inside() -> None:
    figure = gallery([Tile(GREY, "long words of a title", "")] * 37, "title")
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 37
    for place, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
        for other in boxes[:place]:
            apart = box.x0 >= other.x1 or box.y1 <= other.y0 or other.x0 >= box.x1
            assert apart


def test_the_name_of_a_row_reaches_over_its_tiles() -> None:
    tiles = [Tile(GREY, "completely_round_smooth", ""), Tile(GREY, "", "")]
    figure = gallery(tiles, "", columns=2)
    assert figure.axes[0].get_title(loc="left") == "completely_round_smooth"


VALUES = np.array([[1, -0.5, np.nan], [-0.5, 1, 0.07], [np.nan, 0.07, 1]])


def test_a_map_has_the_first_row_at_the_top_and_the_unknown_masked() -> None:
    figure = correlation_map(
        VALUES, ["one", "two", "three"], ["1", "2", "3"], [slice(0, 2)], title=""
    )
    axes = figure.axes[0]
    (mesh,) = [one for one in axes.collections if one.get_array() is not None]
    values: Any = mesh.get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(values), np.isnan(VALUES))
    np.testing.assert_array_equal(values.compressed(), VALUES[~np.isnan(VALUES)])
    assert mesh.get_clim() == (-1, 1)
    bottom, top = axes.get_ylim()
    assert bottom > top
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two", "three"]


def test_panels_have_their_own_squares_and_numbers() -> None:
    groups = [slice(0, 1), slice(1, 3)]
    figure = correlation_panels(
        VALUES, ["one", "two", "three"], ["1", "2", "3"], groups, titles=["a", "b"], title=""
    )
    first, second = figure.axes[:2]
    assert [text.get_text() for text in first.texts] == ["1.00"]
    places = {text.get_position(): text.get_text() for text in second.texts}
    assert places[(1.5, 0.5)] == places[(0.5, 1.5)] == ".07"
    assert [label.get_text() for label in second.get_yticklabels()] == ["two", "three"]


def test_files_are_the_same_each_time_and_text_stays_text(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save(gallery([Tile(GREY, "plain words", "")], "title"), tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert ">plain words</text>" in text


def test_on_a_page_the_ink_is_the_pages() -> None:
    figure = grouped_bars([BarGroup("", [Bar("a", 1.0, "one")])], "title", "axis")
    element = inline_svg(figure)
    assert element.startswith("<svg")
    assert element.endswith("</svg>\n")
    assert "currentColor" in element
    assert 'width="' not in element[: element.index(">")]
    assert "#ffffff" not in element.lower()  # no background


def test_the_users_own_style_is_left_alone() -> None:
    before = dict(mpl.rcParams)
    save_nothing = gallery([Tile(GREY, "a", "")], "")
    inline_svg(save_nothing)
    assert dict(mpl.rcParams) == before


def test_pictures_are_never_enlarged() -> None:
    assert shrink(GREY).shape == (40, 30, 1)
    assert shrink(COLOUR, 100).shape == (100, 100, 3)
