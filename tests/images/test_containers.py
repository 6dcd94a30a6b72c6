"""Pictures inside zip, tar, parquet and HDF5: each is the picture that was put in."""

from __future__ import annotations

import gzip
import io
import json
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.errors import CatalogError, ImageError
from galaxyclass.images.archives import open_tar
from galaxyclass.images.container import Container
from galaxyclass.images.containers import container_of, read_member
from galaxyclass.images.files import image_paths
from galaxyclass.images.inspect import identity_of
from galaxyclass.images.packs.write import pack
from galaxyclass.images.read import read_image
from galaxyclass.model.image_source import open_images
from galaxyclass.recipes.preprocessing import Preprocessing

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 10, 12, 3), dtype=np.uint8)


def png(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURES[number]).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number, name in enumerate(["disc/7.png", "star/8.png", "star/9.png"]):
            archive.writestr(name, png(number))
        archive.writestr("notes.txt", "x")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in range(3):
            entry = tarfile.TarInfo(f"{number:03}.png")
            entry.size = len(png(number))
            tar.addfile(entry, io.BytesIO(png(number)))
    with h5py.File(tmp_path / "g.h5", "w") as file:
        file["images"], file["ans"] = PICTURES, np.array([0, 1, 1])
    return tmp_path


def hub(path: Path, ids: list[str] | None = None, numbers: tuple[int, ...] = (0, 1, 2)) -> Path:
    cells = [{"bytes": png(number), "path": None} for number in numbers]
    columns = {"image": cells, "label": [number % 2 for number in numbers]}
    table = pa.table(columns if ids is None else {**columns, "id_str": ids})
    features = {"label": {"names": ["disc", "star"], "_type": "ClassLabel"}}
    metadata = json.dumps({"info": {"features": features}})
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": metadata}), path, row_group_size=2)
    return path


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "g.h5", "hub.parquet"])
def test_each_picture_is_the_one_that_was_put_in(name: str, files: Path) -> None:
    hub(files / "hub.parquet")
    paths = image_paths(files / name)
    assert len(paths) == 3
    for number in (2, 0, 1):
        np.testing.assert_array_equal(read_image(paths[number]), PICTURES[number])
    status = (files / name).stat()
    assert identity_of(paths[0]) == (status.st_size, status.st_mtime_ns)


def test_they_are_packed(files: Path) -> None:
    settings = Preprocessing(cutout="centre", size=8)
    packed = pack(image_paths(files / "g.h5"), settings, cache=files / "cache")
    assert packed.valid.all()
    for number in range(3):
        (files / f"{number}.png").write_bytes(png(number))
    loose = pack([files / f"{number}.png" for number in range(3)], settings, cache=files / "cache")
    np.testing.assert_array_equal(packed.images, loose.images)


def test_a_picture_that_is_not_there(files: Path) -> None:
    with pytest.raises(ImageError, match="no picture of this name"):
        read_image(files / "g.h5" / "0000007.img")
    with pytest.raises(ImageError, match="no such file"):
        read_image(files / "none.zip" / "1.png")
    assert container_of(files / "none.zip" / "1.png") is None


def test_folders_of_classes_in_a_zip(files: Path) -> None:
    catalog = read_catalog(files / "a.zip")
    assert catalog.targets.class_names == ("disc", "star")
    assert catalog.ids.values.tolist() == ["7", "8", "9"]
    assert [(each.kind, each.names) for each in catalog.unused] == [("files", "1 .txt")]


def test_pictures_and_classes_in_one_hdf5_file(files: Path) -> None:
    catalog = read_catalog(files / "g.h5")
    assert (catalog.targets.column, catalog.targets.labels.tolist()) == ("ans", [0, 1, 1])
    assert (catalog.paths != "").all()


def test_a_hub_s_files_with_parts_and_names_of_classes(tmp_path: Path) -> None:
    hub(tmp_path / "hub" / "train-00000-of-00001.parquet", ["11", "12"], (0, 1))
    hub(tmp_path / "hub" / "test-00000-of-00001.parquet", ["13"], (2,))
    catalog = read_catalog(tmp_path / "hub")
    assert catalog.ids.values.tolist() == ["13", "11", "12"]
    assert catalog.parts.tolist() == ["test", "train", "train"]
    names = [catalog.targets.class_names[label] for label in catalog.targets.labels]
    assert names == ["disc", "disc", "star"]
    np.testing.assert_array_equal(read_image(catalog.paths[2]), PICTURES[1])


def test_an_archive_beside_loose_pictures_is_left(files: Path) -> None:
    (files / "1.png").write_bytes(png(0))
    assert image_paths(files) == [str(files / "1.png")]


def test_a_damaged_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(CatalogError, match="cannot be opened"):
        image_paths(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data, last: data[: last + 200], "header|of no file"),  # Pythons differ here
        (lambda data, last: data[:last], "was cut short"),  # between two files
        (lambda data, last: data[: last + 600], "cannot be opened"),  # within a file
        (lambda data, last: data[:last] + bytes(512) + data[last + 512 :], "of no file"),
        (lambda data, last: data[:last] + b"x" * 512 + data[last + 512 :], "of no file"),
        (lambda data, last: data + data, "of tars that were joined"),
    ],
    ids=["in-a-header", "between-files", "in-a-file", "zeros", "garbage", "joined"],
)
@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
def test_a_tar_that_python_reads_only_in_part(
    damage: Callable[[bytes, int], bytes], says: str, ending: str, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "whole.tar", "w") as tar:
        for number in range(3):
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size = len(png(number))
            tar.addfile(entry, io.BytesIO(png(number)))
    with tarfile.open(tmp_path / "whole.tar") as tar:
        last = tar.getmembers()[-1].offset
    data = (tmp_path / "whole.tar").read_bytes()
    (tmp_path / "whole.tar").write_bytes(data[: data.rindex(b"IEND") + 1024])  # little padding
    assert len(image_paths(tmp_path / "whole.tar")) == 3
    damaged = damage(data, last)
    damaged = gzip.compress(damaged) if ending == ".tar.gz" else damaged
    (tmp_path / f"damaged{ending}").write_bytes(damaged)
    with pytest.raises(CatalogError, match=says):
        image_paths(tmp_path / f"damaged{ending}")


def web_dataset(path: Path, first: int, classes: list[str]) -> Path:
    """A shard as WebDataset writes it: a picture and a class for each key."""
    modes: dict[str, Literal["w", "w:gz", "w:bz2"]] = {".gz": "w:gz", ".bz2": "w:bz2"}
    with tarfile.open(name=path, mode=modes.get(path.suffix, "w")) as tar:
        for number, name in enumerate(classes, start=first):
            for ending, content in ((".cls", name.encode()), (".png", png(number % 3))):
                entry = tarfile.TarInfo(f"{number:06}{ending}")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return path


def test_classes_beside_the_pictures_of_web_dataset(tmp_path: Path) -> None:
    catalog = read_catalog(web_dataset(tmp_path / "s.tar.gz", 0, ["1", "0", "1"]))
    assert catalog.ids.values.tolist() == ["000000", "000001", "000002"]
    assert catalog.targets.class_names == ("0", "1")
    assert catalog.targets.labels.tolist() == [1, 0, 1]
    assert catalog.unused == ()


def test_compressed_shards_in_a_folder(tmp_path: Path) -> None:
    web_dataset(tmp_path / "a.tar.gz", 0, ["disc", "star", "disc"])
    web_dataset(tmp_path / "b.tar.bz2", 3, ["star", "star"])
    paths = image_paths(tmp_path)
    assert len(paths) == 5
    for number in (4, 0, 2):
        np.testing.assert_array_equal(read_image(paths[number]), PICTURES[number % 3])
    assert read_catalog(tmp_path).targets.class_names == ("disc", "star")


def test_a_damaged_compressed_tar_and_a_class_that_is_none(tmp_path: Path) -> None:
    path = web_dataset(tmp_path / "s.tar.gz", 0, ["disc", "star"])
    (tmp_path / "half.tar.gz").write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CatalogError, match=r"half\.tar\.gz: cannot be opened"):
        read_catalog(tmp_path / "half.tar.gz")
    with pytest.raises(CatalogError, match=r"s.tar/000000.cls: not a class"):
        read_catalog(web_dataset(tmp_path / "s.tar", 0, ["a\nb"]))


@pytest.mark.parametrize("name", ["dots.tar", "dots.tar.gz", "dots.zip"])
def test_names_that_begin_with_a_dot_and_a_stroke(name: str, tmp_path: Path) -> None:
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("./sky/7.png", png(1))
    else:
        with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as tar:
            entry = tarfile.TarInfo("./sky/7.png")
            entry.size = len(png(1))
            tar.addfile(entry, io.BytesIO(png(1)))
    (path,) = image_paths([tmp_path / name])
    assert str(path).endswith(f"{name}/sky/7.png")
    np.testing.assert_array_equal(read_image(path), PICTURES[1])


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [(8, 1, "encrypted"), (10, 9, "compression method")],
    ids=["encrypted", "compressed in another way"],
)
def test_a_zip_that_python_does_not_unpack(
    offset: int, value: int, message: str, files: Path
) -> None:
    data = bytearray((files / "a.zip").read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + offset] = data[offset - 2] = value
    (files / "a.zip").write_bytes(data)
    with pytest.raises(ImageError, match=r"a\.zip/disc/7\.png: cannot be read") as caught:
        read_image(f"{files}/a.zip/disc/7.png")
    assert message in str(caught.value)


def test_an_archive_of_little_bytes_that_holds_many(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("7.png", b"")
    data = (tmp_path / "a.zip").read_bytes()
    directory = data.index(b"PK\x01\x02")
    size = (4_000_000_000).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(data[: directory + 24] + size + data[directory + 28 :])
    with pytest.raises(ImageError, match=r"a\.zip/7\.png: the file is too large"):
        read_image(f"{tmp_path}/a.zip/7.png")


def test_a_compressed_archive_that_would_fill_the_disk(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("1.png")
    entry.size = 2**27
    with tarfile.open(tmp_path / "sky.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    with pytest.raises(CatalogError, match=r"sky.tar.gz: the archive becomes too large"):
        image_paths(tmp_path / "sky.tar.gz")


def test_links_and_sparse_files_in_a_tar_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    with tarfile.open(path, "w") as archive:
        (tmp_path / "0.png").write_bytes(png(0))
        archive.add(tmp_path / "0.png", "0.png")
        for name, kind, target in (("1.png", tarfile.LNKTYPE, "0.png"), ("2.png", b"2", "/x")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)
    zeroth, first, second = image_paths(path)
    assert (read_image(zeroth) == read_image(first)).all()
    with pytest.raises(ImageError, match=r"(?s)not an ordinary file in its archive.*a link to /x"):
        read_image(second)


def test_links_in_a_zip_and_names_outside_of_it(tmp_path: Path) -> None:
    path = tmp_path / "t.zip"
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../sky/0.png", png(0))
        archive.writestr(link, "/etc/hosts")
    outside, linked = image_paths(path)
    assert read_image(outside).shape
    with pytest.raises(ImageError, match=r"(?s)not an ordinary file.*a link to /etc/hosts"):
        read_image(linked)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a.png", "a.png"), ("a.png", "./a.png")])
def test_two_files_of_one_name(tmp_path: Path, names: tuple[str, str]) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, png(number))
    with pytest.raises(CatalogError, match=r"(?s)have one name.*got: +a\.png"):
        image_paths(tmp_path / "t.zip")


def test_a_tar_is_opened_once_for_all_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        with tarfile.open(tmp_path / f"{number}.tar", "w") as archive:
            for name in range(8):
                data = f"{number} {name}".encode()
                entry = tarfile.TarInfo(f"{name}.jpg")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    opened: list[str] = []

    def open_slowly(path: str) -> Container:
        opened.append(path)
        time.sleep(0.01)
        return open_tar(path)

    monkeypatch.setattr("galaxyclass.images.containers.open_tar", open_slowly)
    pictures = [(number, name) for name in range(8) for number in range(3)]
    paths = [tmp_path / f"{number}.tar" / f"{name}.jpg" for number, name in pictures]
    with ThreadPoolExecutor(8) as pool:
        found = [member[0] for member in pool.map(read_member, paths) if member is not None]
    assert found == [f"{number} {name}".encode() for number, name in pictures]
    assert len(opened) == 3
    # One that is closed for another is not lost to who reads it.
    monkeypatch.setattr("galaxyclass.images.containers.KEPT_SHARED", 1)
    with ThreadPoolExecutor(8) as pool:
        found = [member[0] for member in pool.map(read_member, paths) if member is not None]
    assert found == [f"{number} {name}".encode() for number, name in pictures]


@pytest.mark.parametrize(
    ("names", "shape", "message"),
    [
        (("g1", "g2"), (10, 12, 3), r"each picture is a data set of its own(?s:.*)numpy\.stack"),
        (("train_x", "test_x"), (4, 10, 12, 3), r"several stacks of pictures(?s:.*)train_x"),
    ],
)
def test_hdf5_whose_pictures_are_not_clear(
    tmp_path: Path, names: tuple[str, ...], shape: tuple[int, ...], message: str
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in names:
            file[name] = np.zeros(shape, np.uint8)
    with pytest.raises(CatalogError, match=message):
        image_paths(tmp_path / "a.h5")


def test_a_list_of_archives_is_a_list_of_their_pictures(files: Path) -> None:
    source = open_images([files / "a.tar", files / "a.zip"], id_column="id")
    assert list(source.ids or ()) == ["000", "001", "002", "7", "8", "9"]


def test_hdf5_of_pictures_and_spectra(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["pictures"] = np.zeros((4, 10, 12, 3), np.uint8)
        file["spectra"] = np.zeros((4, 3, 100), np.float32)
    assert len(image_paths(tmp_path / "a.h5")) == 4
