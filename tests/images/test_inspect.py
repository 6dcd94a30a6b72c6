from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from galaxyclass.images.inspect import content_digest, inspect_image, inspect_images
from galaxyclass.images.records import ImageRecord, hex_digests


def test_a_sound_image(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 20), (1, 2, 3)).save(path)
    content = path.read_bytes()
    assert inspect_image(path) == ImageRecord(
        path=str(path),
        size=len(content),
        mtime_ns=path.stat().st_mtime_ns,
        digest=hashlib.blake2b(content, digest_size=16).hexdigest(),
        width=30,
        height=20,
        error=None,
    )


def test_a_broken_image_has_its_identity_and_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("text")
    record = inspect_image(path)
    assert record.size == 4
    assert record.digest == hashlib.blake2b(b"text", digest_size=16).hexdigest()
    assert (record.width, record.height) == (0, 0)
    assert record.error is not None
    assert record.error.splitlines()[0] == f"{path}: not an image that can be read"


def test_a_missing_image() -> None:
    record = inspect_image("no/such.jpg")
    assert record == ImageRecord("no/such.jpg", 0, 0, "", 0, 0, "no/such.jpg: no such file")


def test_many_at_once_keep_their_order_and_tell_of_progress(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    paths = []
    for number in range(150):
        paths.append(tmp_path / f"{number:03d}.png")
        Image.fromarray(rng.integers(0, 256, (9, 8, 3), np.uint8)).save(paths[-1])
    paths[70].write_bytes(b"")
    calls = []
    facts = inspect_images(
        paths[::-1], workers=3, progress=lambda stage, done, total, **_: calls.append((done, total))
    )
    assert hex_digests(facts.digests) == [content_digest(path.read_bytes()) for path in paths[::-1]]
    assert facts.sizes.tolist() == [[0, 0] if path == paths[70] else [8, 9] for path in paths[::-1]]
    assert list(facts.errors) == [paths[::-1].index(paths[70])]
    assert str(facts.errors[79]).startswith(str(paths[70]))
    assert calls == sorted(calls)
    assert calls[-1] == (150, 150)


def test_no_images_at_all() -> None:
    facts = inspect_images([])
    assert (len(facts.digests), facts.sizes.shape, facts.errors) == (0, (0, 2), {})
