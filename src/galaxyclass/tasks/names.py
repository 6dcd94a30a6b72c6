"""Names in columns and messages: names that are not taken, the first few of many."""

from __future__ import annotations

from collections.abc import Sequence, Set

#: The largest 64-bit integer.
_LARGEST = 2**63 - 1


def free_name(name: str, taken: Set[str], ending: str) -> str:
    """The name, with the ending repeated until it is not taken.

    Examples
    --------
    >>> free_name("kind", {"kind"}, "_probability")
    'kind_probability'
    """
    while name in taken:
        name += ending
    return name


def first_few(names: Sequence[str]) -> str:
    """The first four names, and how many more there are.

    Examples
    --------
    >>> first_few(["a", "b", "c", "d", "e"])
    'a, b, c, d and 1 more'
    """
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def is_exact_integer(text: str) -> bool:
    """Whether a 64-bit integer can stand for this text exactly: no leading zeros, no plus sign.

    Examples
    --------
    >>> is_exact_integer("587722981736579107"), is_exact_integer("007"), is_exact_integer("1e5")
    (True, False, False)
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
        return False
    return str(int(text)) == text and abs(int(text)) <= _LARGEST
