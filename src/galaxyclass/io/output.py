"""Whether an output is free: nothing is there, or what this very job left when it was stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import translated
from galaxyclass.io.journal import journal_of, open_journal

#: In a folder of results that are not all there yet.
UNFINISHED = ".unfinished"


def require_free(output: Path, *, overwrite: bool) -> None:
    """Refuse a file that would be refused at the end, before any work is done.

    Raises
    ------
    OutputError
        It is a folder; or it exists and is not to be replaced.
    """
    if output.is_dir():
        raise OutputError(
            f"{output}: a folder", wanted="the name of a file", hint="name a file in it"
        )
    if output.exists() and not overwrite:
        raise OutputError(
            f"{output}: the output exists already",
            hint="pass `overwrite=True`, or choose another name",
        )


def is_unfinished(output: Path) -> bool:
    """Whether a job that makes this file was stopped, and can go on."""
    return journal_of(output).is_file()


@dataclass(frozen=True)
class FolderOutput:
    """A folder that a job writes some files into, beside whatever else it may hold.

    While the job is at work, ``.unfinished`` tells whose the files are. A job that was stopped, and
    is begun again with the same arguments, goes on.

    Attributes
    ----------
    folder : Path
    results : sequence of str
        Names of those files that tell that the folder is used.
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
        """Refuse a folder that would be refused at the end, before any work is done.

        Raises
        ------
        OutputError
            It is a file, or has some of the results, of another job, which are not to be replaced.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(
                f"{self.folder}: a file", wanted="a folder", hint="choose another `output`"
            )
        if not (self.folder / UNFINISHED).is_file():
            self._require_no_results()

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Write the results inside; they are all there when it is left.

        After an error, what was written stays and the same job goes on; where nothing was written,
        nothing stays.

        Raises
        ------
        OutputError
            As for `require_free`; or another process is writing there; no room, no permission.
        """
        self.require_free()
        is_new = not self.folder.exists()
        with ExitStack() as held:
            with translated(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                journal = held.enter_context(open_journal(self.folder / UNFINISHED, self.key))
                if not journal.begun:
                    self._require_no_results(journal.found)
                    journal.begin()
            try:
                yield
            except BaseException:
                if not self._there():
                    journal.remove()
                    if is_new:
                        with suppress(OSError):  # there is something in it
                            self.folder.rmdir()
                raise
            journal.remove()

    def _there(self) -> list[str]:
        return [name for name in self.results if (self.folder / name).exists()]

    def _require_no_results(self, other: str | None = None) -> None:
        there = self._there()
        if there and not self.overwrite:
            raise OutputError(
                f"{self.folder}: {', '.join(there)} exist{'s' * (len(there) == 1)} already"
                + (", of a job with other arguments that was stopped" if other else ""),
                hint="pass `overwrite=True`, or choose another `output`",
            )
