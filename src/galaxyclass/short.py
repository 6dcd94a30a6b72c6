"""Values and results as one short line: for messages, and for a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

#: Characters of a value in a message, of a result in a notebook or an error, and of a path.
_VALUE, _SUMMARY, _PATH = 80, 200, 48
#: Verbs of which the plural is not the singular without its s.
_PLURAL = {"is": "are", "was": "were", "has": "have", "does": "do"}


def short_value(value: object, most: int = _VALUE) -> str:
    """A value as one short line.

    Examples
    --------
    >>> short_value("x" * 5000, 20)
    "'xxxxxxxxxxxxxxxxxx…"
    """
    if isinstance(value, str | bytes) and len(value) > most:
        value = value[:most]
    try:
        text = repr(value)
    except Exception:  # a repr can raise anything
        text = f"<{type(value).__name__}>"
    return _cut(" ".join(text.split()), most)


def short_path(path: object, most: int = _PATH) -> str:
    """A path, of which the end is kept where it is long.

    Examples
    --------
    >>> short_path("runs/a")
    'runs/a'
    >>> short_path("/a" * 50 + "/runs/first")
    '…/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/runs/first'
    """
    text = str(path)
    return text if len(text) <= most else "…" + text[len(text) - most + 1 :]


def first_line(error: BaseException) -> str:
    r"""The first line of another library's error; its type where it has no words.

    Examples
    --------
    >>> first_line(ValueError("one\ntwo")), first_line(IndexError())
    ('one', 'IndexError')
    """
    lines = str(error).strip().splitlines()
    return _cut(lines[0].strip(), _SUMMARY) if lines else type(error).__name__


def short_paths(paths: Sequence[object]) -> str:
    """The first three of some paths, each of which may be long, and how many more there are.

    Examples
    --------
    >>> short_paths(["runs/a", "runs/b", "runs/c", "runs/d"])
    'runs/a, runs/b, runs/c and 1 more'
    """
    each = _PATH if len(paths) == 1 else _PATH // 2
    return first_few([short_path(path, each) for path in paths], 3)


def first_few(names: Sequence[str], most: int = 4) -> str:
    """The first of some names, and how many more there are.

    Examples
    --------
    >>> first_few(["id", "ra", "dec", "z", "petroR90_r"]), first_few(["id", "ra"])
    ('id, ra, dec, z and 1 more', 'id, ra')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A hint for a misspelt name; empty where no other name is like it.

    Examples
    --------
    >>> did_you_mean("strechiness", ["strangeness", "embedding"])
    "did you mean 'strangeness'?"
    >>> did_you_mean("x", ["strangeness"])
    ''
    """
    close = get_close_matches(name, list(names), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def percent(share: float, digits: int = 0) -> str:
    """A share in percent.

    Examples
    --------
    >>> percent(0.913), percent(0.913, 1)
    ('91 %', '91.3 %')
    """
    return f"{100 * share:.{digits}f} %"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign; what is rounded to nothing has a plus.

    Examples
    --------
    >>> signed(-0.25), signed(-0.001)
    ('-0.25', '+0.00')
    """
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def counted(number: int, noun: str, nouns: str = "") -> str:
    """How many there are, in words.

    Parameters
    ----------
    number : int
    noun : str
        One of them.
    nouns : str, optional
        Several of them, where this is not the noun and an s, or ies for y.

    Examples
    --------
    >>> counted(1, "galaxy"), counted(2345, "galaxy"), counted(0, "image")
    ('1 galaxy', '2,345 galaxies', '0 images')
    >>> counted(2, "class", "classes"), counted(2, "galaxy of the table", "galaxies of the table")
    ('2 classes', '2 galaxies of the table')
    """
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{noun}s"
    return f"{number:,} {nouns or plural}"


def verb(number: int, singular: str) -> str:
    """The form of a verb that goes with so many things.

    Examples
    --------
    >>> [f"{n} of 3 images {verb(n, 'is')} done" for n in (1, 2)]
    ['1 of 3 images is done', '2 of 3 images are done']
    >>> verb(2, "has"), verb(0, "was"), verb(5, "does"), verb(2, "holds")
    ('have', 'were', 'do', 'hold')
    """
    return singular if number == 1 else _PLURAL.get(singular, singular.removesuffix("s"))


def summary(text: str) -> str:
    """What a notebook shows of a result.

    Examples
    --------
    >>> summary("Pack of 3 cutouts in packs/a")
    '<Pack of 3 cutouts in packs/a>'
    """
    return f"<{_cut(text, _SUMMARY - 2)}>"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
