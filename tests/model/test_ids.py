"""Ids: exact, one for each image."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyclass.model.ids import ImageIds
from galaxyclass.tasks.names import is_exact_integer

NAMES = st.text(string.ascii_letters + "0123456789._ ,é", min_size=1, max_size=3).filter(
    lambda name: name.strip(".") and not name.startswith(".")
)


def test_suffix_where_the_path_repeats_too() -> None:
    ids = ImageIds(["s/a/1.jpg", "s/a/1.png", "s/b/1.jpg", "s/2.jpg"])
    assert list(ids) == ["a/1.jpg", "a/1.png", "b/1", "2"]
    assert ids[1:3] == ["a/1.png", "b/1"]


def test_a_stem_with_a_dot_that_is_anothers_name() -> None:
    ids = ImageIds(["s/x.jpg", "s/x.png", "s/x.jpg.png"])
    assert sorted(set(ids)) == sorted(ids)


def test_relative_and_absolute_paths_together() -> None:
    assert list(ImageIds(["sky/x.jpg", "/elsewhere/y.jpg"])) == ["x", "y"]
    ids = ImageIds(["sky/x.jpg", "/elsewhere/x.jpg"])
    assert [name.rsplit("/", 2)[-2:] for name in ids] == [["sky", "x"], ["elsewhere", "x"]]


def test_iau_names_keep_their_dots() -> None:
    assert list(ImageIds(["J0.8121-0.0383.jpg", "J1.5.jpg"])) == ["J0.8121-0.0383", "J1.5"]


@given(
    st.lists(
        st.tuples(st.lists(NAMES, max_size=2), NAMES, st.sampled_from([".jpg", ".png", ".JPG"])),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=200, deadline=None)
def test_every_image_has_its_own(parts: list[Any]) -> None:
    paths = sorted({"/".join(["sky", *folders, name + suffix]) for folders, name, suffix in parts})
    ids = list(ImageIds(paths))
    assert len(set(ids)) == len(paths)
    for name, path in zip(ids, paths, strict=True):
        assert name in path


@given(st.integers())
def test_integers_that_come_back(number: int) -> None:
    assert is_exact_integer(str(number)) == (abs(number) < 2**63)
    assert not is_exact_integer(f"0{abs(number)}")
    assert not is_exact_integer(f"{number}.0")
