"""Names in columns: names that are not taken, ids that are integers."""

from __future__ import annotations

from collections.abc import Set

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
