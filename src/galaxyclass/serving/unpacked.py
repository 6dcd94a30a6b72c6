"""A picture that was sent, looked at before it is decoded: small files can hold much."""

from __future__ import annotations

from galaxyclass.errors import ImageError
from galaxyclass.images.band_files import BANDS_TOGETHER
from galaxyclass.images.compressed import COMPRESSED, decompress
from galaxyclass.images.header import require_few_pixels
from galaxyclass.serving.limits import Limits


def unpacked(data: bytes, limits: Limits) -> bytes:
    """The content of a picture that may be compressed as a whole.

    Raises
    ------
    ImageError
        More bytes or pixels than the limits allow; compressed more than once; a file that is only
        made inside the package.

    Examples
    --------
    >>> import gzip
    >>> unpacked(gzip.compress(b"galaxy"), Limits())
    b'galaxy'
    """
    content = decompress(data, limits.file_bytes)
    if content is not data and content.startswith(COMPRESSED):
        raise ImageError("the file is compressed more than once", hint="send what is inside it")
    if content.startswith(BANDS_TOGETHER):
        raise ImageError("not an image that can be read")
    require_few_pixels(content, limits.pixels)
    return content
