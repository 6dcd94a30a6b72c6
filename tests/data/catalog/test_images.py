from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.errors import CatalogError, ImageError
from galaxyclass.images.files import find_images, image_paths
from galaxyclass.images.read import read_image


def test_a_folder_is_searched_with_its_sub_folders(images: Callable[..., Path]) -> None:
    folder = images(
        "b.jpg", "a.JPEG", "sub/deep/c.png", "d.tif", "e.TIFF", "votes.csv", "f.gif",
        ".hidden.jpg", ".cache/g.jpg", "._a.jpg", "noending",
    )  # fmt: skip
    found = [str(path.relative_to(folder)) for path in find_images(folder)]
    assert found == ["a.JPEG", "b.jpg", "d.tif", "e.TIFF", "sub/deep/c.png"]


def test_figures_of_trainings_are_no_galaxies(images: Callable[..., Path]) -> None:
    folder = images(
        *("run/run.json", "run/curves.png", "study/compare.json", "study/compare.png"),
        *("study/runs/a/run.json", "study/runs/a/curves.png", "search/tune.json"),
        *("search/tune.png", "search/settings.png", "plain/curves.png", "1.jpg"),
    )
    others: Counter[str] = Counter()
    found = [path.removeprefix(f"{folder}/") for path in image_paths(folder, others)]
    assert found == ["1.jpg", "plain/curves.png"]
    assert others == {"figure of a training": 5, ".json": 4}


def test_files_are_taken_as_they_are_named(images: Callable[..., Path]) -> None:
    folder = images("b.jpg", "a.jpg", "picture.dat")
    given = [folder / "picture.dat", folder / "b.jpg", folder / "b.jpg"]
    assert find_images(given) == [folder / "b.jpg", folder / "picture.dat"]
    assert find_images([folder, folder / "picture.dat"])[-1] == folder / "picture.dat"
    assert find_images(folder / "a.jpg") == [folder / "a.jpg"]


def test_text_is_a_path(images: Callable[..., Path]) -> None:
    folder = images("b.jpg", "a.jpg")
    assert find_images(str(folder)) == find_images(folder)
    assert find_images([str(folder / "a.jpg")]) == [folder / "a.jpg"]


def test_one_file_written_in_several_ways_is_one_file(
    images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = images("a.jpg", "sub/b.jpg")
    monkeypatch.chdir(folder)
    given = ["a.jpg", "sub/../a.jpg", str(folder / "a.jpg"), "sub", "./sub/b.jpg"]
    assert len(find_images(given)) == 2


def test_a_link_to_a_folder_above_does_not_go_round(images: Callable[..., Path]) -> None:
    folder = images("sub/a.jpg")
    (folder / "sub" / "again").symlink_to(folder, target_is_directory=True)
    assert [path.name for path in find_images(folder)] == ["a.jpg"]


def test_a_linked_folder_is_searched(images: Callable[..., Path], tmp_path: Path) -> None:
    folder = images("a.jpg")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    assert [path.name for path in find_images(tmp_path / "link")] == ["a.jpg"]


def test_nothing_named() -> None:
    with pytest.raises(CatalogError, match="no images were named"):
        find_images([])


def test_paths_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"one: no such file or folder \(and 1 more"):
        find_images([tmp_path / "one", tmp_path, tmp_path / "two"])


def test_a_folder_without_images_says_what_it_has(images: Callable[..., Path]) -> None:
    folder = images("a.gif", "b.gif", "votes.csv", "README")
    with pytest.raises(
        CatalogError,
        match=r"(?s)no images.*wanted: .*\.jpg.*2 with \.gif, 1 with no ending, 1 with \.csv",
    ):
        find_images(folder)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"(?s)no images.*got:    no files at all"):
        find_images(tmp_path)


def test_names_that_are_not_utf8(images: Callable[..., Path]) -> None:
    folder = images("a.jpg")
    try:
        os.close(os.open(os.fsencode(folder) + b"/caf\xe9.jpg", os.O_CREAT))
    except OSError:
        pytest.skip("this file system only takes names in UTF-8")
    with pytest.raises(
        CatalogError, match=r"(?s)1 file name is not text in UTF-8.*caf\\udce9\.jpg.*rename"
    ):
        find_images(folder)


def test_the_folder_where_we_are(
    images: Callable[..., Path], table: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images("a/1.jpg", "2.jpg"))
    catalog = read_catalog(Path(), table(["path,class", "a/1.jpg,x", "2.jpg,y"]))
    assert catalog.paths.tolist() == ["a/1.jpg", "2.jpg"]


def test_a_folder_that_cannot_be_listed(
    images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = images("1.jpg", "locked/2.jpg")
    listed = os.scandir

    def deny(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr("os.scandir", deny)
    with pytest.raises(CatalogError, match=r"(?s)locked: the folder cannot be listed.*denied"):
        find_images(folder)


def test_a_pipe_among_the_images_is_not_waited_for(images: Callable[..., Path]) -> None:
    folder = images("1.jpg")
    os.mkfifo(folder / "x.jpg")
    with pytest.raises(ImageError, match="not a file"):
        read_image(folder / "x.jpg")
