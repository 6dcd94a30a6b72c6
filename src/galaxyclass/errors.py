"""The exceptions that a user can meet, as one tree, and how a message is laid out.

Every message says what is wrong and, where it applies, what was wanted, what was found and what
to do. The parts of a call that it names stand in backticks, as Python: an argument
(`` `output` ``), an argument with its value (`` `overwrite=True` ``), a setting of a recipe
(`` `training.epochs=3` ``), a call (`` `galaxyclass.resume("runs/a")` ``). The command line shows
these as its options and commands. Foreign exceptions (of the operating system, of a decoder, of
pydantic) are translated where they arise; nothing above needs to know them.

    GalaxyclassError
    ├── ArgumentError       a value that an argument cannot have; a ValueError too
    ├── ArgumentTypeError   a wrong type, an unknown or a missing argument; a TypeError too
    ├── TreeError           a decision tree that cannot be read or makes no sense
    ├── RecipeError         unknown keys and wrong values of a recipe, all together
    ├── CatalogError        a table or a folder of images that cannot be understood
    │   └── InvalidCatalogError   understood, but with findings that would spoil a training
    ├── ImageError          one image that cannot be decoded
    ├── PackError           a pack that is damaged or of another version
    ├── BundleError         a bundle that is damaged, incomplete or of another version
    ├── RunError            a folder that is not a run, or a run that cannot go on
    ├── OutputError         a result that cannot be written: it exists, no room, no permission
    ├── ExportError         a network that cannot be exported, or whose export predicts otherwise
    ├── ScoreError          predictions and truth that cannot be compared
    ├── DeviceError         a device that is absent or out of memory
    ├── SurveyError         a survey's folder that cannot be used, or shards that failed
    ├── WorkerError         a worker process died
    ├── StoppedError        Ctrl-C; finished work is safe, and the message says how to go on
    │   ├── TrainingInterruptedError
    │   ├── PredictionInterruptedError
    │   └── SurveyStoppedError
    └── MissingExtraError   a library that an extra of the package brings
"""

from __future__ import annotations

from typing import Any


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

    def __reduce__(self) -> tuple[Any, ...]:
        """From another process as it was, though subclasses have more arguments than `what`."""
        return _unpickled, (type(self), self.args, vars(self))

    def __str__(self) -> str:
        lines = [self.what]
        for label, text in self._details():
            lines.append(f"  {label + ':':<7} " + text.replace("\n", "\n          "))
        return "\n".join(lines)

    def _details(self) -> list[tuple[str, str]]:
        texts = (("wanted", self.wanted), ("got", self.got), ("hint", self.hint))
        return [(label, text) for label, text in texts if text is not None]

    @property
    def one_line(self) -> str:
        """The whole message in one line, for a cell of a table.

        Examples
        --------
        >>> GalaxyclassError("a.fits: no picture", wanted="two axes", got="none").one_line
        'a.fits: no picture; wanted: two axes; got: none'
        """
        parts = [self.what, *(f"{label}: {text}" for label, text in self._details())]
        return "; ".join(" ".join(part.split()) for part in parts)


def _unpickled(
    kind: type[GalaxyclassError], args: tuple[Any, ...], state: dict[str, Any]
) -> GalaxyclassError:
    error = kind.__new__(kind, *args)
    vars(error).update(state)
    return error


class ArgumentError(GalaxyclassError, ValueError):
    """A value that an argument of a public function cannot have."""


class ArgumentTypeError(GalaxyclassError, TypeError):
    """An argument of the wrong type, a missing one, or a name that is no argument."""


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
    """A bundle that is damaged, incomplete or of another version."""


class RunError(GalaxyclassError):
    """A folder that is not a run, or a run that cannot go on."""


class OutputError(GalaxyclassError):
    """A result that cannot be written: it exists already, no room, no permission."""


class ExportError(GalaxyclassError):
    """A network that cannot be exported, or whose export gives other predictions than it does."""


class ScoreError(GalaxyclassError):
    """Predictions and truth that cannot be compared."""


class DeviceError(GalaxyclassError):
    """A device that is absent, or out of memory."""


class SurveyError(GalaxyclassError):
    """A survey's folder that cannot be used, shards that failed, objects not accounted for."""


class WorkerError(GalaxyclassError):
    """A worker process died: it was killed, or memory ran out."""


class StoppedError(GalaxyclassError):
    """Ctrl-C; finished work is safe, and the message says how to go on."""


class TrainingInterruptedError(StoppedError):
    """Ctrl-C during a training; the last finished epoch is safe in the run folder."""


class PredictionInterruptedError(StoppedError):
    """Ctrl-C during a prediction; the finished chunks are safe beside the output."""


class SurveyStoppedError(StoppedError):
    """A signal ended a survey's run; finished shards and chunks are safe.

    Parameters
    ----------
    again : bool
        Whether a scheduler should queue the job again: it was not the user who stopped it.
    what, **parts
        As for `GalaxyclassError`.
    """

    def __init__(self, again: bool, what: str, **parts: str | None) -> None:
        super().__init__(what, **parts)
        self.again = again


class MissingExtraError(GalaxyclassError):
    """A library that an extra of the package brings is not installed."""
