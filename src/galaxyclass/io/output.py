"""Whether an output is free: it does not exist yet, or this same job left it unfinished."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import translated
from galaxyclass.io.journal import journal_of, key_of_journal, open_journal
from galaxyclass.io.run_folder import INFO, MODEL_MANIFEST

#: Name of the journal in a folder whose results are not complete yet.
UNFINISHED = ".unfinished"


def require_free(output: Path, *, overwrite: bool) -> None:
    """Refuse, before any work is done, a file that could not be written at the end.

    Raises
    ------
    OutputError
        ``output`` is a folder; or it exists and is not to be replaced; or it is a symbolic link,
        in the place of which the file would stand.
    """
    if output.is_dir():
        raise OutputError(
            f"{output}: a folder", wanted="the name of a file", hint="name a file in it"
        )
    if output.is_symlink():
        raise OutputError(
            f"{output}: a symbolic link: the output would replace the link, and not the file that "
            "it leads to",
            wanted="the name of a file",
            hint=f"name the file itself: `output={os.path.realpath(output)!r}`",
        )
    if output.exists() and not overwrite:
        raise OutputError(
            f"{output}: the output exists already",
            hint="pass `overwrite=True`, or choose another name",
        )


def is_unfinished(output: Path) -> bool:
    """Whether a job that makes this file was stopped and can go on."""
    return journal_of(output).is_file()


@dataclass(frozen=True)
class FolderOutput:
    """A folder that a job writes some files into, beside whatever else it may hold.

    While the job runs, the journal ``.unfinished`` says which job the files belong to. A job that
    was stopped goes on when it is started again with the same arguments.

    Attributes
    ----------
    folder : Path
    results : sequence of str
        Names of the files whose presence means that the folder is used.
    key : str
        Of the job (`job_key`).
    overwrite : bool
        Replace files of another job.
    """

    folder: Path
    results: Sequence[str]
    key: str
    overwrite: bool

    def require_free(self) -> None:
        """Refuse, before any work is done, a folder that could not be written at the end.

        Raises
        ------
        OutputError
            It is a file; or holds results of another job that are not to be replaced; or it is the
            folder of a training or a model, whose files of the same names would be lost.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(
                f"{self.folder}: a file", wanted="a folder", hint="choose another `output`"
            )
        self._require_no_model()
        if not (self.folder / UNFINISHED).is_file():
            self._require_no_results()

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the folder while the results are written; on leaving they are complete.

        After an error, the results written so far stay, and the same job can go on; where none was
        written, no folder stays.

        Raises
        ------
        OutputError
            As for `require_free`; or another process is writing to the folder; no room, or no
            permission.
        """
        self.require_free()
        is_new = not self.folder.exists()
        results = [self.folder / name for name in self.results]
        try:
            with _claimed(
                self.folder, self.folder / UNFINISHED, self.key, results, self._require_no_results
            ):
                yield
        except BaseException:
            if is_new:
                with suppress(OSError):  # it is not there, or holds results
                    self.folder.rmdir()
            raise

    def _require_no_model(self) -> None:
        for name in (INFO, MODEL_MANIFEST):
            if (self.folder / name).is_file():
                raise OutputError(
                    f"{self.folder}: files of a training or a model are here, and would be lost",
                    wanted="a folder of its own",
                    got=f"a folder with {name}",
                    hint=f"pass `output={str(self.folder / 'results')!r}`",
                )

    def _existing(self) -> list[str]:
        return [name for name in self.results if (self.folder / name).exists()]

    def _require_no_results(self, other: str | None = None) -> None:
        existing = self._existing()
        if existing and not self.overwrite:
            raise OutputError(
                f"{self.folder}: {', '.join(existing)} exist{'s' * (len(existing) == 1)} already"
                + (", of a job with other arguments that was stopped" if other else ""),
                hint="pass `overwrite=True`, or choose another `output`",
            )


@dataclass(frozen=True)
class FilesOutput:
    """Several files that a job writes, the parts of one result.

    While they are written, the journal of the first says which job they belong to: after a kill
    between two of them, the same job replaces those that are there.

    Attributes
    ----------
    files : sequence of Path
        None where a job is to write nothing.
    key : str
        Of the job (`job_key`).
    overwrite : bool
        Replace files of another job.
    """

    files: Sequence[Path]
    key: str
    overwrite: bool

    def require_free(self) -> None:
        """Refuse, before any work is done, files that could not be written at the end.

        Raises
        ------
        OutputError
            One is a folder, or exists and is not to be replaced.
        """
        if not self.files:
            return
        journal = journal_of(self.files[0])
        goes_on = journal.is_file() and key_of_journal(journal) == self.key
        for file in self.files:
            require_free(file, overwrite=self.overwrite or goes_on)

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the files while they are written; on leaving they are complete.

        Raises
        ------
        OutputError
            As for `require_free`; or another process is writing them; no room, or no permission.
        """
        self.require_free()
        if not self.files:
            yield
            return
        first = self.files[0]
        with _claimed(first, journal_of(first), self.key, self.files, lambda _previous_key: None):
            yield


@contextmanager
def _claimed(
    output: Path,
    path: Path,
    key: str,
    results: Sequence[Path],
    require: Callable[[str | None], None],
) -> Iterator[None]:
    """Hold a journal while results are written; after an error it stays where one was.

    Parameters
    ----------
    output : Path
        For messages.
    path : Path
        Of the journal; its folder is made.
    key : str
        Of the job.
    results : sequence of Path
    require : callable
        Refuses to begin; called with the key of another job that left the journal.
    """
    with ExitStack() as stack:
        with translated(output):
            path.parent.mkdir(parents=True, exist_ok=True)
            journal = stack.enter_context(open_journal(path, key))
            if not journal.begun:
                require(journal.previous_key)
                journal.begin()
        try:
            yield
        except BaseException:
            if not any(result.exists() for result in results):
                journal.remove()
            raise
        journal.remove()


def with_ending(output: Path, ending: str, name: str) -> Path:
    """The output that a hint names in the place of one with a wrong ending.

    Parameters
    ----------
    output : Path
        A folder, or a path without a name, gets ``name`` in it. In the place of a device, or of
        ``-``, which stands for the standard output elsewhere, there is a file.
    ending : str
        With its point.
    name : str
        Without the ending.

    Examples
    --------
    >>> with_ending(Path("p.txt"), ".csv", "predictions").as_posix()
    'p.csv'
    >>> with_ending(Path("/"), ".csv", "predictions").as_posix()
    '/predictions.csv'
    >>> with_ending(Path("p.csv.gz"), ".csv", "predictions").as_posix()
    'p.csv'
    >>> with_ending(Path("/dev/stdout"), ".csv", "predictions").as_posix()
    'predictions.csv'
    """
    if output.name == "-" or output.is_relative_to("/dev"):
        return Path(name + ending)
    if output.suffix.lower() in (".gz", ".bz2", ".xz", ".zip", ".zst"):
        output = output.with_suffix("")
    if not output.name.strip(".") or output.is_dir() or f".{output.name.strip('.')}" == ending:
        return output / f"{name}{ending}" if output.is_dir() else output.with_name(name + ending)
    return output.with_suffix(ending)


def require_apart(output: Path, images: object) -> None:
    """Refuse an output of pictures in the folder of images, where they would be taken for galaxies.

    Raises
    ------
    OutputError
    """
    if not isinstance(images, str | os.PathLike) or not os.path.isdir(images):  # noqa: PTH112
        return
    folder = Path(os.fsdecode(images)).resolve()
    if output.resolve().is_relative_to(folder):
        raise OutputError(
            f"{output}: in the folder of images, where its pictures would be taken for galaxies",
            wanted="a place elsewhere",
            got=f"images of {os.fsdecode(images)}",
            hint="choose another `output`",
        )


def require_no_image(output: Path, images: Sequence[str]) -> None:
    """Refuse an output that is one of the images, as a table in FITS could be.

    Raises
    ------
    OutputError
    """
    if not output.exists():
        return
    named = [image for image in images if image.endswith(output.name)]
    if any(os.path.exists(image) and output.samefile(image) for image in named):  # noqa: PTH110
        raise OutputError(
            f"{output}: one of the images",
            wanted="a file that is no input",
            hint="choose another `output`, outside of the folder of images",
        )


def require_page(output: str | Path) -> Path:
    """A page, with an ending that a browser knows.

    Raises
    ------
    OutputError
        Another ending.
    """
    page = Path(output)
    if page.suffix.lower() not in (".html", ".htm"):
        raise OutputError(
            f"{page}: a page for a browser is written",
            wanted="a name that ends in .html",
            got=page.suffix or "a name without an ending",
            hint=f"write to {with_ending(page, '.html', 'page').name}",
        )
    return page
