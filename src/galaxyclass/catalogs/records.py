"""What is known of an image file once it has been looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageRecord:
    """One image file: its identity on disk, and whether it can be decoded.

    ``digest`` is the BLAKE2b-128 of the file's bytes in hex ("" when it cannot be read);
    ``width`` and ``height`` are in pixels (0 when unknown); ``error`` says why it cannot be
    decoded, or is None.
    """

    path: str
    size: int
    mtime_ns: int
    digest: str
    width: int
    height: int
    error: str | None
