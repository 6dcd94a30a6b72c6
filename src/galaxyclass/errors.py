"""The exceptions that a user can meet, as one tree, and how a message is laid out.

Every message says what is wrong and, where it applies, what was wanted, what was found and what
to do. Foreign exceptions (of the operating system, of a decoder, of pydantic) are translated where
they arise; nothing above needs to know them.

    GalaxyclassError
    ├── ArgumentError       a value that an argument cannot have; a ValueError too
    ├── ArgumentTypeError   an argument of the wrong type, or one too many; a TypeError too
    ├── TreeError           a decision tree that cannot be read or makes no sense
    ├── RecipeError         unknown keys and wrong values of a recipe, all together
    ├── CatalogError        a table or a folder of images that cannot be understood
    │   └── InvalidCatalogError   understood, but with findings that would spoil a training
    ├── ImageError          one image that cannot be decoded
    ├── PackError           a pack that is damaged or of another version
    ├── BundleError         a bundle that is damaged, incomplete or of a newer version
    ├── RunError            a folder that is not a run, or a run that cannot go on
    ├── OutputError         a result that cannot be written: it exists, no room, no permission
    ├── ExportError         a network that cannot be exported, or whose export says otherwise
    ├── ScoreError          predictions and truth that cannot be compared
    ├── DeviceError         a device that is absent or out of memory
    ├── WorkerError         a process that helped died
    ├── StoppedError        Ctrl-C; what was finished is safe, and the message says how to go on
    │   ├── TrainingInterruptedError
    │   └── PredictionInterruptedError
    └── MissingExtraError   a library that an extra of the package brings
"""

from __future__ import annotations


class GalaxyclassError(Exception):
    """Root of everything that the package raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, with the file (and row) that it is about.
    argument : str, optional
        The argument of the call that it is about, by its name in Python.
    wanted, got, hint : str, optional
        What was expected, what was found, and what the user can do.
    """

    def __init__(
        self,
        what: str,
        *,
        argument: str | None = None,
        wanted: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.argument = what, argument
        self.wanted, self.got, self.hint = wanted, got, hint
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        for label, text in (("wanted", self.wanted), ("got", self.got), ("hint", self.hint)):
            if text is not None:
                lines.append(f"  {label + ':':<7} " + text.replace("\n", "\n          "))
        return "\n".join(lines)


class ArgumentError(GalaxyclassError, ValueError):
    """A value that an argument of a public function cannot have."""


class ArgumentTypeError(GalaxyclassError, TypeError):
    """An argument of the wrong type, one that is missing, or one that there is not."""


class TreeError(GalaxyclassError):
    """A decision tree that cannot be read or makes no sense."""


class RecipeError(GalaxyclassError):
    """Unknown keys and wrong values of a recipe, all of them together."""


class CatalogError(GalaxyclassError):
    """A table or a folder of images that cannot be understood."""


class InvalidCatalogError(CatalogError):
    """A catalog with findings that would make a training wrong."""


class ImageError(GalaxyclassError):
    """One image that cannot be decoded."""


class PackError(GalaxyclassError):
    """A pack that is damaged or of another version."""


class BundleError(GalaxyclassError):
    """A bundle that is damaged, incomplete or of a newer version."""


class RunError(GalaxyclassError):
    """A folder that is not a run, or a run that cannot go on."""


class OutputError(GalaxyclassError):
    """A result that cannot be written: it exists already, no room, no permission."""


class ExportError(GalaxyclassError):
    """A network that cannot be exported, or whose export says something else than it does."""


class ScoreError(GalaxyclassError):
    """Predictions and truth that cannot be compared."""


class DeviceError(GalaxyclassError):
    """A device that is absent, or out of memory."""


class WorkerError(GalaxyclassError):
    """A process that helped died: it was killed, or memory ran out."""


class StoppedError(GalaxyclassError):
    """Ctrl-C; what was finished is safe, and the message says how to go on."""


class TrainingInterruptedError(StoppedError):
    """Ctrl-C during a training; the last finished epoch is safe in the run folder."""


class PredictionInterruptedError(StoppedError):
    """Ctrl-C during a prediction; the finished chunks are safe beside the output."""


class MissingExtraError(GalaxyclassError):
    """A library that an extra of the package brings is not installed."""


def refuse_newer(
    found: int,
    known: int,
    *,
    what: str,
    source: object,
    error: type[GalaxyclassError],
    by: str | None = None,
) -> None:
    """Refuse a file whose format a later version of this package has made.

    Parameters
    ----------
    found, known : int
        The number of the file's format, and the newest that this version reads.
    what : str
        What it is, such as ``bundle``.
    source : object
        Where it was read, for the message.
    error : type
        To raise.
    by : str, optional
        The version of the package that wrote it.

    Examples
    --------
    >>> refuse_newer(1, 1, what="run", source="runs/a", error=GalaxyclassError)
    >>> refuse_newer(2, 1, what="run", source="runs/a", error=GalaxyclassError)
    Traceback (most recent call last):
    galaxyclass.errors.GalaxyclassError: runs/a: the run is of a newer version
      wanted: run format 1 or older
      got:    format 2
      hint:   pip install --upgrade galaxyclass
    """
    if found > known:
        raise error(
            f"{source}: the {what} is of a newer version",
            wanted=f"{what} format {known} or older",
            got=f"format {found}" + (f", written by galaxyclass {by}" if by else ""),
            hint="pip install --upgrade galaxyclass",
        )
