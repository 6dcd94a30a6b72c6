"""Opening a pack: a memory map of cutouts, and a record per image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.errors import PackError
from galaxyclass.images.packs import layout
from galaxyclass.images.packs.index import Records, read_index
from galaxyclass.io.checksums import checksum_of
from galaxyclass.io.reading import read_description
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import counted, short_path, summary

_REMEDY = "delete the folder and make the pack again"


@dataclass(frozen=True, eq=False)
class Pack:
    """Cutouts of many images, ready for a model.

    Attributes
    ----------
    folder : Path
    preprocessing : Preprocessing
        The settings of the cutouts.
    images : (images, size, size, channels) uint8 memory map, read-only
        In the order of the paths that were packed; all 0 where an image could not be decoded.
    records : Records
        An `ImageRecord` for each image, in the same order: identity of the file, its size, and the
        error if there was one.
    valid : (images,) bool
        Whether the image could be decoded.
    """

    folder: Path
    preprocessing: Preprocessing
    images: NDArray[np.uint8]
    records: Records
    valid: NDArray[np.bool_]

    def __repr__(self) -> str:
        size, failed = self.preprocessing.size, int((~self.valid).sum())
        failures = f", {failed:,} could not be decoded" if failed else ""
        return summary(
            f"Pack of {counted(len(self), 'cutout')}, {size} x {size} px{failures}, in "
            f"{short_path(self.folder)}"
        )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size_bytes(self) -> int:
        """The size of the pack's files, bytes."""
        return sum(
            path.stat().st_size for name in layout.FILES if (path := self.folder / name).exists()
        )


def read_manifest(folder: Path) -> layout.PackManifest:
    """The manifest of a complete pack.

    Raises
    ------
    PackError
        The folder is not a complete pack, or is damaged or of a newer version.
    """
    path = folder / layout.PACK_MANIFEST
    try:
        text = read_description(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        unfinished = (folder / layout.JOURNAL).exists()
        raise PackError(
            f"{folder}: {'an unfinished pack' if unfinished else 'not a pack'}",
            wanted=f"a folder with {layout.PACK_MANIFEST}",
            hint="make the same pack again: it goes on where it stopped"
            if unfinished
            else "make one with `galaxyclass.pack`",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{path}: cannot be read ({error})", hint=_REMEDY) from error
    return layout.parse_pack_manifest(text, str(path))


@public
def open_pack(folder: str | Path) -> Pack:
    """Open a pack that `pack` made.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    PackError
        The folder is not a complete pack; it was made by a newer version; one of its files is
        missing, truncated or damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    shape = (manifest.count, *manifest.preprocessing.shape)
    header = layout.images_header(manifest.count, manifest.preprocessing.shape)
    path = folder / layout.IMAGES
    try:
        size, wanted = path.stat().st_size, len(header) + int(np.prod(shape))
        with path.open("rb") as file:
            actual = file.read(len(header))
    except OSError as error:
        raise PackError(f"{path}: cannot be read ({error})", hint=_REMEDY) from error
    if size != wanted:
        raise PackError(
            f"{path}: truncated or damaged",
            wanted=f"{wanted:,} bytes",
            got=f"{size:,} bytes",
            hint=_REMEDY,
        )
    if actual != header:
        raise PackError(f"{path}: damaged: its header is not that of the pack", hint=_REMEDY)
    _require_undamaged(path, len(header), manifest)
    records, valid = read_index(folder / layout.INDEX, manifest.count)
    images: NDArray[np.uint8] = (
        np.memmap(folder / layout.IMAGES, np.uint8, "r", len(header), shape)
        if manifest.count
        else np.zeros(shape, np.uint8)
    )
    decoded: NDArray[np.bool_] = np.asarray(valid.to_numpy(zero_copy_only=False), dtype=np.bool_)
    return Pack(folder, manifest.preprocessing, images, records, decoded)


def _require_undamaged(path: Path, start: int, manifest: layout.PackManifest) -> None:
    """Compare the pixels of each shard with what was written.

    Raises
    ------
    PackError
        They are others: a damaged disk, or a file that something else wrote to.
    """
    cutout_bytes = int(np.prod(manifest.preprocessing.shape))
    shards = layout.shards_of(manifest.count, cutout_bytes)
    known = manifest.checksums
    with path.open("rb") as file:
        file.seek(start)
        for shard in shards:
            pixels = file.read(shard.count * cutout_bytes)
            if shard.number >= len(known) or checksum_of(pixels) != known[shard.number]:
                raise PackError(
                    f"{path}: damaged: other pixels than were written",
                    got=f"in the cutouts {shard.start:,} to {shard.start + shard.count - 1:,}",
                    hint=_REMEDY,
                )
