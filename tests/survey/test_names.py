"""Ids of many paths at once are those of each, and repeated ones are found."""

from __future__ import annotations

import tempfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyclass.images.files import image_stem
from galaxyclass.survey import repeated
from galaxyclass.survey.names import hashes, stems
from galaxyclass.survey.repeated import IdHashes, repeated_ids

NAMES = st.text("ab.J0/é{}-_", min_size=1, max_size=12)
ENDINGS = st.sampled_from(["", ".jpg", ".fits.gz", ".tar.BZ2", ".x", ".gz"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(lambda name, ending: name + ending, NAMES, ENDINGS), max_size=8))
def test_stems_are_those_of_single_paths(names: list[str]) -> None:
    array = pa.array(["x", *names], pa.string()).slice(1)  # with an offset
    assert stems(array).to_pylist() == [image_stem(name) for name in names]


def test_hashes_differ_and_depend_on_the_name_alone() -> None:
    names = pa.array(["", "a", "aa", "ab", "ba", "\x00", "a" * 5000, *map(str, range(5000))])
    found = hashes(names)
    assert len(np.unique(found)) == len(names)
    assert hashes(names.slice(3, 2)).tolist() == found[3:5].tolist()


@pytest.mark.parametrize("at_a_time", [4, 1 << 20])
def test_repeated_ids_are_found_in_any_number_of_passes(
    at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeated, "AT_A_TIME", at_a_time)
    ids = [str(number) for number in range(50)] + ["7", "40", "7"]
    with tempfile.TemporaryFile() as file:
        hashed = IdHashes(file)
        for first in range(0, len(ids), 9):
            hashed.add(pa.array(ids[first : first + 9]))
        table = pa.table({"id": ids, "path": [f"{row}.jpg" for row in range(len(ids))]})
        found = list(repeated_ids([table.slice(0, 20), table.slice(20)], hashed.repeated()))
    assert sorted(found) == [
        *(("40", "40.jpg"), ("40", "51.jpg")),
        *(("7", "50.jpg"), ("7", "52.jpg"), ("7", "7.jpg")),
    ]
