from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from galaxyclass.errors import ImageError, OutputError, PackError
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.inspect import inspect_image
from galaxyclass.images.packs import layout
from galaxyclass.images.packs.cache import cache_folder
from galaxyclass.images.packs.read import open_pack
from galaxyclass.images.packs.write import pack
from galaxyclass.images.read import read_image
from galaxyclass.recipes.preprocessing import Preprocessing

from .conftest import SETTINGS, content


def test_cutouts_and_records_in_the_order_of_the_paths(few: list[str], tmp_path: Path) -> None:
    order = [few[3], few[0], few[4], few[0]]
    made = pack(order, SETTINGS, output=str(tmp_path / "pack"))
    assert made.images.shape == (4, 16, 16, 3)
    for cutout, path in zip(made.images, order, strict=True):
        assert np.array_equal(cutout, make_cutout(read_image(path), SETTINGS))
    assert list(made.records) == [inspect_image(path) for path in order]
    assert made.valid.tolist() == [True] * 4


def test_records_are_a_sequence(few: list[str], tmp_path: Path) -> None:
    records = pack(few, SETTINGS, output=tmp_path / "pack").records
    assert len(records) == 5
    assert records[-1] == inspect_image(few[4])
    assert records[1:3] == [inspect_image(path) for path in few[1:3]]
    with pytest.raises(IndexError):
        records[5]


def test_the_images_are_a_file_that_numpy_reads(few: list[str], tmp_path: Path) -> None:
    made = pack(few, SETTINGS, output=tmp_path / "pack")
    assert np.array_equal(np.load(tmp_path / "pack" / "images.npy"), made.images)


def test_the_pack_cannot_be_changed_by_its_reader(few: list[str], tmp_path: Path) -> None:
    made = pack(few, SETTINGS, output=tmp_path / "pack")
    with pytest.raises(ValueError, match="read-only"):
        made.images[0] = 0


def test_a_pack_knows_its_size(few: list[str], tmp_path: Path) -> None:
    made = pack(few, SETTINGS, output=tmp_path / "pack")
    assert made.size_bytes == sum(len(data) for data in content(made.folder).values())


@pytest.mark.parametrize(
    "settings",
    [
        Preprocessing(cutout="contour", size=20, colour="grey"),
        Preprocessing(cutout="object", size=8, margin=0.5),
        Preprocessing(cutout="centre", frame=40, size=9),
    ],
)
def test_every_cutout_is_that_of_prepare(
    few: list[str], tmp_path: Path, settings: Preprocessing
) -> None:
    made = pack(few, settings, output=tmp_path / "pack")
    for cutout, path in zip(made.images, few, strict=True):
        assert np.array_equal(cutout, make_cutout(read_image(path, settings.colour), settings))


def test_what_cannot_be_decoded_does_not_stop_the_rest(few: list[str], tmp_path: Path) -> None:
    Path(few[1]).write_text("not a picture")
    Path(few[2]).write_bytes(Path(few[2]).read_bytes()[:500])
    Path(few[3]).unlink()
    made = pack(few, SETTINGS, output=tmp_path / "pack")
    assert made.valid.tolist() == [True, False, False, False, True]
    assert not made.images[1:4].any()
    assert np.array_equal(made.images[4], make_cutout(read_image(few[4]), SETTINGS))
    reasons = [str(made.records[row].error).splitlines()[0] for row in (1, 2, 3)]
    assert reasons == [
        f"{few[1]}: not an image that can be read",
        f"{few[2]}: the image is truncated or corrupt",
        f"{few[3]}: no such file",
    ]


def test_no_images_make_an_empty_pack(tmp_path: Path) -> None:
    made = pack([], SETTINGS, output=tmp_path / "pack")
    assert made.images.shape == (0, 16, 16, 3)
    assert len(made.records) == len(made.valid) == 0


def test_the_second_time_nothing_is_decoded(
    few: list[str], tmp_path: Path, counted: list[Any]
) -> None:
    first = pack(few, SETTINGS, cache=tmp_path)
    second = pack(few, SETTINGS, cache=tmp_path)
    assert counted == [few[0]]
    assert second.folder == first.folder


def test_what_changes_the_key(few: list[str], tmp_path: Path) -> None:
    def folder(paths: list[str] = few, settings: Preprocessing = SETTINGS) -> Path:
        return pack(paths, settings, cache=tmp_path / "cache").folder

    folders = [
        folder(),
        folder(few[::-1]),
        folder(few[:4]),
        folder(settings=Preprocessing(size=17)),
    ]
    status = Path(few[0]).stat()
    Image.new("RGB", (24, 24)).save(few[0])  # another picture
    folders.append(folder())
    os.utime(few[0], ns=(status.st_atime_ns, status.st_mtime_ns + 1))  # a nanosecond later
    folders.append(folder())
    Path(few[0]).unlink()
    folders.append(folder())
    assert len(set(folders)) == len(folders)
    assert open_pack(folders[0]).images[0].any()


def test_a_relative_path_means_the_file_it_names_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = {"a": 10, "b": 20}
    packed = {}
    for place, value in colours.items():
        (tmp_path / place).mkdir()
        Image.new("L", (16, 16), value).save(tmp_path / place / "x.png")
        os.utime(tmp_path / place / "x.png", ns=(0, 0))
        monkeypatch.chdir(tmp_path / place)
        packed[place] = pack(["x.png"], SETTINGS, cache=tmp_path / "cache")
    assert {place: made.images[0, 0, 0, 0] for place, made in packed.items()} == colours


def test_processes_make_what_one_process_makes(many: list[str], tmp_path: Path) -> None:
    alone = pack(many, SETTINGS, output=tmp_path / "alone", workers=1)
    calls = []
    together = pack(
        many,
        SETTINGS,
        output=tmp_path / "together",
        workers=2,
        progress=lambda stage, done, total, **_: calls.append((stage, done, total)),
    )
    assert content(alone.folder) == content(together.folder)
    assert calls == sorted(calls)
    assert calls[-1] == ("pack", 500, 500)


def test_a_file_that_changes_meanwhile_is_noticed(many: list[str], tmp_path: Path) -> None:
    paths = list(many)
    late = tmp_path / "late.png"
    late.write_bytes(Path(many[0]).read_bytes())
    paths[-1] = str(late)

    def change(stage: str, done: int, total: int | None, **_: Any) -> None:
        if done == 64:
            Image.new("L", (30, 30)).save(late)

    with pytest.raises(PackError, match=r"late.png: the file changed while it was being packed"):
        pack(paths, SETTINGS, output=tmp_path / "pack", workers=1, progress=change)


def test_a_file_that_could_not_be_opened_is_tried_again(
    few: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Any]
) -> None:
    from galaxyclass.images import inspect

    def fail(path: str) -> None:
        raise ImageError(f"{path}: cannot be opened (Input/output error)")

    with monkeypatch.context() as broken:
        broken.setattr(inspect, "read_file", fail)
        assert not pack(few, SETTINGS, cache=tmp_path).valid.any()
    again = pack(few, SETTINGS, cache=tmp_path)
    assert again.valid.all()
    assert len(counted) == 2


def test_a_folder_with_other_files_is_refused(few: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(OutputError, match="the folder holds other files") as caught:
        pack(few, SETTINGS, output=tmp_path / "mine")
    assert caught.value.got == "thesis.tex"


def test_files_that_are_called_as_ours_are_not_lost(few: list[str], tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    np.save(tmp_path / "images.npy", np.arange(5))
    with pytest.raises(OutputError, match="the folder holds other files"):
        pack(few, SETTINGS, output=tmp_path, overwrite=True)
    assert np.load(tmp_path / "images.npy").tolist() == [0, 1, 2, 3, 4]


def test_a_file_in_the_place_of_the_folder_is_refused(few: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        pack(few, SETTINGS, output=tmp_path / "file")


def test_a_named_pack_is_replaced_only_when_told(few: list[str], tmp_path: Path) -> None:
    old = content(pack(few, SETTINGS, output=tmp_path / "pack").folder)
    with pytest.raises(OutputError, match="a pack of other images or other settings"):
        pack(few[:3], SETTINGS, output=tmp_path / "pack")
    assert content(tmp_path / "pack") == old
    assert len(pack(few[:3], SETTINGS, output=tmp_path / "pack", overwrite=True)) == 3


def flipped(data: bytes, place: int) -> bytes:
    """Bytes, one of them with another lowest bit."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("name", ["images.npy", "index.parquet", "pack.json"])
def test_a_damaged_pack_is_made_again(few: list[str], tmp_path: Path, name: str) -> None:
    made = pack(few, SETTINGS, cache=tmp_path)
    whole = content(made.folder)
    (made.folder / name).write_bytes(whole[name][:-20])
    assert pack(few, SETTINGS, cache=tmp_path).valid.all()
    assert content(made.folder) == whole


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("images.npy", lambda data: data[:-1], "truncated or damaged"),
        ("images.npy", lambda data: data + b"\0", "truncated or damaged"),
        ("images.npy", lambda data: data[:20] + b"?" + data[21:], "its header is not"),
        ("images.npy", lambda data: None, "cannot be read"),
        ("images.npy", lambda data: flipped(data, -1), "other pixels than were written"),
        ("index.parquet", lambda data: flipped(data, 40), "damaged"),
        ("index.parquet", lambda data: data[:-1], "truncated or damaged"),
        ("index.parquet", lambda data: b"", "truncated or damaged"),
        ("index.parquet", lambda data: None, "truncated or damaged"),
        ("pack.json", lambda data: data[:-20], "damaged"),
        ("pack.json", lambda data: b"\xff\xfe", "cannot be read"),
        ("pack.json", lambda data: b"[]", "damaged"),
        ("pack.json", lambda data: None, "not a pack"),
    ],
)
def test_damage_is_named(
    few: list[str], tmp_path: Path, name: str, damage: Callable[..., Any], message: str
) -> None:
    folder = pack(few, SETTINGS, output=tmp_path / "pack").folder
    changed = damage((folder / name).read_bytes())
    if changed is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(changed)
    with pytest.raises(PackError, match=message) as caught:
        open_pack(folder)
    assert str(folder) in str(caught.value)


def test_an_index_of_another_pack_is_noticed(few: list[str], tmp_path: Path) -> None:
    folder = pack(few, SETTINGS, output=tmp_path / "pack").folder
    other = pack(few[:2], SETTINGS, output=tmp_path / "other").folder
    (folder / "index.parquet").write_bytes((other / "index.parquet").read_bytes())
    with pytest.raises(PackError, match="damaged") as caught:
        open_pack(folder)
    assert str(caught.value.wanted).startswith("5 rows")
    assert str(caught.value.got).startswith("2 rows")


def test_a_pack_of_a_newer_version_says_so(few: list[str], tmp_path: Path) -> None:
    folder = pack(few, SETTINGS, output=tmp_path / "pack").folder
    manifest = json.loads((folder / "pack.json").read_text())
    (folder / "pack.json").write_text(json.dumps({**manifest, "format": layout.PACK_FORMAT + 1}))
    with pytest.raises(PackError, match="made by a newer version") as caught:
        open_pack(folder)
    assert "pip install --upgrade galaxyclass" in str(caught.value)


def test_a_file_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="not valid UTF-8"):
        pack([os.fsdecode(b"caf\xe9.jpg")], SETTINGS, output=tmp_path / "pack")


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GALAXYCLASS_CACHE", str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named"
    monkeypatch.delenv("GALAXYCLASS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "galaxyclass"


def test_a_pack_in_the_cache_lies_under_its_key(
    few: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GALAXYCLASS_CACHE", str(tmp_path / "cache"))
    made = pack(few, SETTINGS)
    key = json.loads((made.folder / "pack.json").read_text())["key"]
    assert made.folder == tmp_path / "cache" / "packs" / key
