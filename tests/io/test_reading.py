"""Files are read within bounds: ordinary ones, of a stated size, not nested without end."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from galaxyclass.errors import CatalogError, OutputError, RecipeError, TreeError
from galaxyclass.images.files import find_images
from galaxyclass.io.lock import open_locked
from galaxyclass.io.reading import (
    UnreadableFileError,
    open_regular,
    parse_toml,
    read_bounded,
    require_ordinary,
)
from galaxyclass.model.provenance import (
    PROVENANCE,
    provenance_of,
    provenance_of_file,
    require_provenance_file,
)
from galaxyclass.recipes.read import load_recipe
from galaxyclass.trees.read import load_tree


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "own.toml"
    os.mkfifo(pipe)
    with pytest.raises(UnreadableFileError, match="a named pipe, not a file"):
        open_regular(pipe)
    with pytest.raises(RecipeError, match="a named pipe, not a file"):
        load_recipe(pipe)
    with pytest.raises(TreeError, match="a named pipe, not a file"):
        load_tree(pipe)


def test_a_device_is_refused_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "zero.toml"
    link.symlink_to("/dev/zero")
    with pytest.raises(TreeError, match="a device, not a file"):
        load_tree(link)


def test_the_size_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(UnreadableFileError, match="larger than 4 bytes"):
        read_bounded(path, 4)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = ["])
def test_no_toml_raises_anything_but_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_toml(text)


def test_a_name_that_is_not_utf8_is_refused_where_it_is_named_itself(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/a\xff.jpg"
    Path(os.fsdecode(name)).touch()
    with pytest.raises(CatalogError, match="1 file name is not text in UTF-8"):
        find_images([os.fsdecode(name)])


def test_an_empty_file_has_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    assert read_bounded(path) == b""
    with pytest.raises(UnreadableFileError, match="an empty file"):
        require_ordinary(path)


def test_a_pipe_is_no_file_of_labels_no_provenance_and_no_lock(tmp_path: Path) -> None:
    pipe = tmp_path / "p_provenance.json"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="a named pipe, not a file"):
        open_locked(pipe)
    (tmp_path / "p.csv").write_text("id\n1\n")
    assert provenance_of_file(tmp_path / "p.csv") == {}
    with pytest.raises(OutputError, match="something else is there"):
        require_provenance_file(tmp_path / "p.csv")


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[1]", b"3", b"\xff"])
def test_damaged_provenance_is_none(text: bytes) -> None:
    assert provenance_of(pa.schema([("id", "string")], {PROVENANCE: text})) == {}
