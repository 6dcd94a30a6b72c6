"""Finding the image files of a folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from galaxyclass.errors import CatalogError

#: Endings of the image files that are looked for, in lower case; a file's own case is ignored.
IMAGE_SUFFIXES: tuple[str, ...] = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


def find_images(images: str | Path | Sequence[str | Path]) -> list[Path]:
    """The image files of a folder and its sub-folders, or the files that are named.

    Hidden files and folders (``.name``) are skipped; links to folders are followed, each folder
    once. Files that are named one by one are taken whatever their ending.

    Parameters
    ----------
    images : str, Path or a sequence of them
        A folder, a file, or several of either.

    Returns
    -------
    list of Path
        Sorted by path, each once, however its path was written.

    Raises
    ------
    CatalogError
        Nothing was named, a path does not exist, a folder has no images (the message lists what
        it has instead), or file names that are not UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.jpg"):
    ...     (folder / name).touch()
    >>> [path.name for path in find_images(folder)]
    ['a.jpg', 'b.PNG']
    """
    return [Path(path) for path in image_paths(images)]


def image_paths(images: str | Path | Sequence[str | Path]) -> list[str]:
    """`find_images` as text: a million `Path` objects take 200 MB more."""
    places = [Path(images)] if isinstance(images, str | Path) else [Path(one) for one in images]
    if not places:
        raise CatalogError(
            "no images were named", wanted="a folder of images, or image files", got="nothing"
        )
    require_paths(places)
    found: list[str] = []
    for place in places:
        found += _in_folder(place) if place.is_dir() else [str(place)]
    if len(places) > 1:  # x.jpg and sub/../x.jpg are one file
        found = list({os.path.abspath(path): path for path in sorted(found, reverse=True)}.values())  # noqa: PTH100
    here = os.path.join(os.curdir, "")  # noqa: PTH118
    return sorted(path.removeprefix(here) for path in found)


def require_paths(places: Sequence[Path]) -> None:
    """Refuse images that are not there.

    Raises
    ------
    CatalogError
    """
    missing = [str(place) for place in places if not place.exists()]
    if missing:
        raise CatalogError(
            f"{missing[0]}: no such file or folder"
            + (f" (and {len(missing) - 1} more of those named)" if len(missing) > 1 else ""),
            argument="images",
            wanted="a folder of images, or image files",
            hint="check the path",
        )


def is_image_name(name: str) -> bool:
    """Whether a file name ends like an image's.

    Examples
    --------
    >>> is_image_name("100008.JPG"), is_image_name("J0.8121-0.0383")
    (True, False)
    """
    return name.lower().endswith(IMAGE_SUFFIXES)


def _in_folder(folder: Path) -> list[str]:
    others: Counter[str] = Counter()
    images: list[str] = []
    for path in _files(folder):
        if is_image_name(path):
            images.append(path)
        else:
            others[os.path.splitext(path)[1].lower() or "no ending"] += 1  # noqa: PTH122 - 10^6 files
    if images:
        _require_utf8(folder, images)
        return images
    instead = ", ".join(f"{count} with {ending}" for ending, count in others.most_common(5))
    raise CatalogError(
        f"{folder}: no images in this folder or its sub-folders",
        wanted=f"files that end in {', '.join(IMAGE_SUFFIXES)}",
        got=f"files: {instead}" if others else "no files at all",
        hint="check the path",
    )


def _require_utf8(folder: Path, paths: list[str]) -> None:
    """Refuse names that are not UTF-8: no table and no message could name them."""
    try:
        "".join(paths).encode()
    except UnicodeEncodeError:
        wrong = [path for path in paths if any("\ud800" <= letter <= "\udfff" for letter in path)]
        shown = ", ".join(ascii(os.path.relpath(path, folder)) for path in wrong[:3])
        raise CatalogError(
            f"{folder}: {len(wrong):,} file names are not text in UTF-8",
            got=shown,
            hint="rename these files",
        ) from None


def _files(folder: Path) -> Iterator[str]:
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:  # a link that leads back to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(root, name) for name in files if not name.startswith("."))  # noqa: PTH118
