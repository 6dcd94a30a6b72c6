"""Small files that ask for much, and files that lack pixels, are refused."""

from __future__ import annotations

import pytest

from galaxyclass.errors import ImageError
from galaxyclass.images.decode import decode_image
from tests.hostile.pictures import corpus, without_rows

_SHORT = dict(without_rows())


@pytest.mark.parametrize("name", list(_SHORT))
def test_a_picture_without_all_its_rows_is_refused(name: str) -> None:
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_image(_SHORT[name])


@pytest.mark.parametrize("name", list(corpus()))
def test_whole_pictures_are_read(name: str) -> None:
    assert decode_image(corpus()[name]).shape == (48, 40, 3)


@pytest.mark.parametrize("name", ["progressive.jpg", "cmyk.jpg"])
def test_a_jpeg_of_needlessly_many_scans_is_refused(name: str) -> None:
    data = corpus()[name]
    last = data.rfind(b"\xff\xda")
    with pytest.raises(ImageError, match="more scans than an image needs"):
        decode_image(data[:-2] + data[last:-2] * 101 + data[-2:])
