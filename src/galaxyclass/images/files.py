"""Finding the image files of a folder."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from galaxyclass.errors import CatalogError
from galaxyclass.images.band_files import expand, has_bands, is_pattern
from galaxyclass.images.container import PICTURE_ENDING
from galaxyclass.images.containers import CONTAINER_ENDINGS, container_of, is_container, members
from galaxyclass.io.run_folder import FIGURES
from galaxyclass.short import counted

#: Endings of image files, in lower case; the case of a file's ending is ignored.
IMAGE_SUFFIXES: tuple[str, ...] = (
    *(".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".avif"),
    *(".jp2", ".j2k", ".jpx", ".fits", ".fit", ".fts", ".npy"),
)

#: Endings that may follow these: the file is compressed.
COMPRESSED_SUFFIXES: tuple[str, ...] = (".gz", ".bz2", ".xz", ".fz")

#: Endings of FITS files.
FITS_SUFFIXES: tuple[str, ...] = tuple(
    image + compressed
    for image in (".fits", ".fit", ".fts")
    for compressed in ("", *COMPRESSED_SUFFIXES)
)

#: What stands for the ending of a figure of the package.
_FIGURE = "figure of a training"

_ALL_SUFFIXES = (
    *IMAGE_SUFFIXES,
    *FITS_SUFFIXES,
    *(f".npy{compressed}" for compressed in COMPRESSED_SUFFIXES),
)


def find_images(images: str | Path | Sequence[str | Path]) -> list[Path]:
    """The image files of a folder and its sub-folders, or the files that are named.

    Hidden files and folders (``.name``) are skipped; links to folders are followed, each folder
    once. Files that are named themselves may have any ending.

    Parameters
    ----------
    images : str, Path or a sequence of them
        A folder, a file, or several of either; or a pattern of files (`band_files.expand`).

    Returns
    -------
    list of Path
        Sorted by path; each file once, even where it was named by several paths.

    Raises
    ------
    CatalogError
        Nothing was named, a path does not exist, a folder has no images (the message lists its
        other files), or file names are not UTF-8.

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


def image_paths(
    images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    others: Counter[str] | None = None,
) -> list[str]:
    """`find_images` as text: a million `Path` objects take 200 MB more.

    Parameters
    ----------
    images : path, or a sequence of them
    others : Counter, optional
        Gets the endings of the files of folders that are not images, and how many have each.
    """
    others = Counter() if others is None else others
    named = [images] if isinstance(images, str | os.PathLike) else images
    if empty := [number for number, path in enumerate(named, 1) if path == ""]:
        raise CatalogError(
            f"path number {empty[0]:,} is empty"
            + (f" (and {len(empty) - 1:,} more)" if len(empty) > 1 else ""),
            argument="images",
            wanted="a folder of images, or image files",
        )
    paths = [Path(path) for path in named]
    if not paths:
        raise CatalogError(
            "no images were named", wanted="a folder of images, or image files", got="nothing"
        )
    require_paths(paths)
    files: list[str] = []
    for path in paths:
        if is_pattern(str(path)):
            files += expand(str(path))
        elif path.is_dir():
            files += _in_folder(path, others)
        else:
            files += images_inside(path, others) if is_container(path) else [str(path)]
    _require_utf8(files)
    if len(paths) > 1:  # x.jpg and sub/../x.jpg are one file
        files = list({os.path.abspath(file): file for file in sorted(files, reverse=True)}.values())  # noqa: PTH100
    current = os.path.join(os.curdir, "")  # noqa: PTH118
    return sorted(file.removeprefix(current) for file in files)


def require_paths(paths: Sequence[Path]) -> None:
    """Refuse paths that do not exist.

    Raises
    ------
    CatalogError
    """
    missing = [
        str(path)
        for path in paths
        if not (is_pattern(str(path)) or path.exists() or container_of(path) is not None)
    ]
    if missing:
        raise CatalogError(
            f"{missing[0]}: no such file or folder"
            + (f" (and {len(missing) - 1} more of those named)" if len(missing) > 1 else ""),
            argument="images",
            wanted="a folder of images, or image files",
            hint="images behind addresses are read by a survey: `galaxyclass.plan_survey`"
            if re.match(r"[a-z][a-z0-9+.-]+:/", missing[0])
            else "check the path",
        )


def is_image_name(name: str) -> bool:
    """Whether a file name ends like an image's.

    Examples
    --------
    >>> is_image_name("100008.JPG"), is_image_name("J0.8121-0.0383")
    (True, False)
    """
    return name.lower().endswith(_ALL_SUFFIXES)


def without_ending(name: str) -> str:
    """A file's name, or its path, without the ending of its kind.

    Examples
    --------
    >>> [without_ending(name) for name in ("sky/a.fits.gz", "b.tar.jpg", "c.fits", "J0.81-0.03")]
    ['sky/a', 'b.tar', 'c', 'J0.81-0']
    """
    stem, ending = os.path.splitext(name)  # noqa: PTH122 - 10^6 names
    if ending.lower() in COMPRESSED_SUFFIXES:
        stem = os.path.splitext(stem)[0]  # noqa: PTH122
    return stem


def image_stem(path: str) -> str:
    """The name of a galaxy by its file: without folder and ending, and without the band.

    Examples
    --------
    >>> [image_stem(path) for path in ("sky/1.fits.gz", "sky/1_{band}.fits", "sky/1/{band}.fits")]
    ['1', '1', '1']
    """
    folder, name = os.path.split(path)
    stem = without_ending(name)
    if has_bands(stem):
        stem = re.sub(r"[-_. ]?\{band\}[-_. ]?", "", stem)
    return stem or os.path.basename(folder)  # noqa: PTH119


def _in_folder(folder: Path, others: Counter[str]) -> list[str]:
    images: list[str] = []
    containers: list[str] = []
    for path in walk_files(folder, others):
        if is_image_name(path):
            images.append(path)
        else:
            others[os.path.splitext(path)[1].lower() or "no ending"] += 1  # noqa: PTH122 - 10^6 files
            containers += [path] if path.lower().endswith(CONTAINER_ENDINGS) else []
    if not images:  # beside loose images, an archive is most likely where they came from
        for path in filter(is_container, sorted(containers)):
            images += images_inside(path, others)
            others[os.path.splitext(path)[1].lower()] -= 1  # noqa: PTH122
    if images:
        return images
    instead = ", ".join(f"{count} with {ending}" for ending, count in others.most_common(5))
    raise CatalogError(
        f"{folder}: no images in this folder or its sub-folders",
        wanted=f"files that end in {', '.join(IMAGE_SUFFIXES)}, or these compressed",
        got=f"files: {instead}" if others else "no files at all",
        hint="check the path",
    )


def images_inside(path: str | Path, others: Counter[str]) -> list[str]:
    """The images in a file that holds some.

    Raises
    ------
    CatalogError
        It cannot be opened, or has none.
    """
    images: list[str] = []
    for member in members(path):
        if member.endswith(PICTURE_ENDING) or is_image_name(member):
            images.append(member)
        else:
            others[os.path.splitext(member)[1].lower() or "no ending"] += 1  # noqa: PTH122
    if not images:
        raise CatalogError(f"{path}: no images in this file", wanted="a file that holds images")
    return images


def _require_utf8(paths: list[str]) -> None:
    """Refuse names that are not UTF-8: no table and no message could name them."""
    try:
        "".join(paths).encode()
    except UnicodeEncodeError:
        invalid = [path for path in paths if any("\ud800" <= letter <= "\udfff" for letter in path)]
        raise CatalogError(
            f"{counted(len(invalid), 'file name is', 'file names are')} not text in UTF-8",
            argument="images",
            got=", ".join(ascii(path) for path in invalid[:3]),
            hint="rename these files"
            if sys.getfilesystemencoding() == "utf-8"
            else "names are read as "
            f"{sys.getfilesystemencoding()} here: set the locale to UTF-8, or PYTHONUTF8=1",
        ) from None


def _raise(error: OSError) -> None:
    """Refuse a folder of which not all is known: images would be missing without a word."""
    raise CatalogError(
        f"{error.filename}: the folder cannot be listed",
        argument="images",
        got=str(error.strerror or error),
        hint="give yourself permission to read it, or name the other folders",
    ) from error


def walk_files(folder: str | Path, others: Counter[str]) -> Iterator[str]:
    """The files of a folder and its sub-folders, each folder's in the order of their names.

    Hidden files and folders are left out; links to folders are followed, each folder once. So are
    the figures of a run or a study, which may lie among the images: they show no galaxy.

    Parameters
    ----------
    folder : path
    others : Counter
        Gets the number of these figures.

    Raises
    ------
    CatalogError
        A folder cannot be listed.
    """
    visited: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True, onerror=_raise):
        real = os.path.realpath(root)
        if real in visited:  # a link that leads back to a folder above it
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        present = frozenset(files)
        figures = {name for name in FIGURES if name in present and FIGURES[name] in present}
        if figures:
            others[_FIGURE] += len(figures)
        visible = sorted(name for name in present - figures if not name.startswith("."))
        yield from (os.path.join(root, name) for name in visible)  # noqa: PTH118
