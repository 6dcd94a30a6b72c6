"""JSON files that state the number of their format: read, or refused with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from galaxyclass.errors import GalaxyclassError, TreeError
from galaxyclass.io.reading import parse_json

Parsed = TypeVar("Parsed")

_UPGRADE = "pip install --upgrade galaxyclass"


@dataclass(frozen=True)
class FileFormat:
    """A kind of JSON file, and the number of the format that this version of the package reads.

    Attributes
    ----------
    what : str
        What such a file describes, for messages: ``bundle``.
    number : int
        The file states it under ``format``, and may state what wrote it under ``version``, or as
        ``galaxyclass`` under ``versions``.
    error : type of GalaxyclassError
        Raised for a file that cannot be read.
    remedy : str
        How to make a file again that is of an older format.
    if_damaged : str, optional
        What to do about a damaged file.
    """

    what: str
    number: int
    error: type[GalaxyclassError]
    remedy: str
    if_damaged: str | None = None

    def parse(
        self, text: str | bytes, source: object, read: Callable[[dict[str, Any]], Parsed]
    ) -> Parsed:
        """Parse the text of such a file.

        Parameters
        ----------
        text : str, or bytes of UTF-8
        source : object
            The file, for messages.
        read : callable
            From the content of the file to what it describes. Its `ValueError` (of pydantic too),
            `TypeError`, `KeyError`, `AttributeError` and `TreeError` mean that the file is damaged.

        Raises
        ------
        GalaxyclassError
            `error`: not JSON; of another format; damaged.

        Examples
        --------
        >>> runs = FileFormat("run", 2, GalaxyclassError, "train again")
        >>> runs.parse('{"format": 2, "seed": 7}', "run.json", lambda data: data["seed"])
        7
        >>> runs.parse('{"format": 3}', "run.json", lambda data: data["seed"])
        Traceback (most recent call last):
        galaxyclass.errors.GalaxyclassError: run.json: the run was made by a newer version of galaxyclass
          wanted: run format 2
          got:    format 3
          hint:   pip install --upgrade galaxyclass
        >>> runs.parse('{"format": 1}', "run.json", lambda data: data["seed"])
        Traceback (most recent call last):
        galaxyclass.errors.GalaxyclassError: run.json: the run was made by an older version of galaxyclass
          wanted: run format 2
          got:    format 1, which is not read any more
          hint:   train again
        >>> runs.parse('{"format": 2}', "run.json", lambda data: data["seed"])
        Traceback (most recent call last):
        galaxyclass.errors.GalaxyclassError: run.json: the run is damaged
          got:    KeyError: 'seed'
        """  # noqa: E501
        try:
            data = parse_json(text)
        except ValueError as error:
            raise self._damaged(source, f"not JSON: {error}") from error
        number = data.get("format") if isinstance(data, dict) else None
        if type(number) is not int:
            raise self._damaged(source, "no number of its format")
        self._require(number, source, data)
        try:
            return read(data)
        except (ValueError, TypeError, KeyError, AttributeError, TreeError) as error:
            raise self._damaged(source, _problems(error)) from error
        except (OverflowError, RecursionError) as error:
            raise self._damaged(source, _with_type(error)) from error

    def _require(self, number: int, source: object, data: dict[str, Any]) -> None:
        """Refuse another format than the one that is read."""
        if number == self.number:
            return
        newer = number > self.number
        versions = data.get("versions")
        written_by = data.get("version") or (
            versions.get("galaxyclass") if isinstance(versions, dict) else None
        )
        writer = f", written by galaxyclass {written_by}" if written_by else ""
        raise self.error(
            f"{source}: the {self.what} was made by {'a newer' if newer else 'an older'} version "
            "of galaxyclass",
            wanted=f"{self.what} format {self.number}",
            got=f"format {number}{writer}" + ("" if newer else ", which is not read any more"),
            hint=_UPGRADE if newer else self.remedy,
        )

    def _damaged(self, source: object, problems: str) -> GalaxyclassError:
        return self.error(
            f"{source}: the {self.what} is damaged", got=problems, hint=self.if_damaged
        )


def _problems(error: Exception) -> str:
    """What is wrong, a line each; of pydantic, which is not imported here, with its places."""
    if not hasattr(error, "errors"):
        return str(error) if type(error) in (ValueError, TreeError) else _with_type(error)
    return "\n".join(
        ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))
        for problem in error.errors()
    )


def _with_type(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
