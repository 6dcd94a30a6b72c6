"""Images: read by format, look at, and cut out what a model sees."""

from galaxyclass.images.cutouts import (
    CUTOUTS,
    centre_cutout,
    contour_cutout,
    object_cutout,
    prepare,
)
from galaxyclass.images.decode import MAX_PIXELS, decode_image
from galaxyclass.images.frames import Frame, centre_frame, contour_frame
from galaxyclass.images.inspect import digest_files, inspect_image, inspect_images
from galaxyclass.images.objects import object_frame
from galaxyclass.images.read import read_image
from galaxyclass.images.straight import read_cutout, read_cutouts

__all__ = [
    "CUTOUTS",
    "MAX_PIXELS",
    "Frame",
    "centre_cutout",
    "centre_frame",
    "contour_cutout",
    "contour_frame",
    "decode_image",
    "digest_files",
    "inspect_image",
    "inspect_images",
    "object_cutout",
    "object_frame",
    "prepare",
    "read_cutout",
    "read_cutouts",
    "read_image",
]
