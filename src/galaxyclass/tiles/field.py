"""The field of a cutout: how much of the sky it shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentError

#: The side of a Galaxy Zoo 2 picture (Willett et al. 2013): 424 pixels of 0.02 Petrosian R90.
GALAXY_ZOO_FIELD = 8.48

_ARCSEC = {
    "arcsec": 1.0, "arcsecond": 1.0, "arcseconds": 1.0, '"': 1.0, "″": 1.0, "as": 1.0,
    "arcmin": 60.0, "arcminute": 60.0, "arcminutes": 60.0, "'": 60.0, "′": 60.0,
    "deg": 3600.0, "degree": 3600.0, "degrees": 3600.0, "mas": 1e-3,
}  # fmt: skip
_PIXELS = ("px", "pix", "pixel", "pixels")
_TEXT = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*[*×]?\s*(.*?)\s*")
_WANTED = (
    'a number with a unit ("30 arcsec", "64 pixels"), or with a column of radii '
    f'("{GALAXY_ZOO_FIELD} petroR90_r")'
)


@dataclass(frozen=True)
class Field:
    """The side of the square of sky that a cutout shows.

    Attributes
    ----------
    value : float
        The side in arcsec, or in pixels of the tile, or as a multiple of a column.
    unit : {"arcsec", "pixels", "column"}
    column : str
        The column of radii, where the unit is one; otherwise "".
    """

    value: float
    unit: Literal["arcsec", "pixels", "column"]
    column: str = ""

    def __str__(self) -> str:
        return f"{self.value:g} {self.column or self.unit}"


def parse_field(text: Any, columns: Sequence[str] = ()) -> Field:
    """Read the field of a cutout.

    Parameters
    ----------
    text : str or astropy Quantity
        See `Field`. A number and the name of a column is a multiple of that column.
    columns : sequence of str
        Of the catalogue.

    Raises
    ------
    ArgumentError
        No number, a number of zero, a unit that is neither an angle nor a column.

    Examples
    --------
    >>> parse_field("0.5 arcmin"), parse_field("64px")
    (Field(value=30.0, unit='arcsec', column=''), Field(value=64.0, unit='pixels', column=''))
    >>> parse_field("8.48 petroR90_r", ["petroR90_r"])
    Field(value=8.48, unit='column', column='petroR90_r')
    """
    if hasattr(text, "to_value") and hasattr(text, "unit"):
        text = f"{float(text.value)!r} {text.unit}"
    match = _TEXT.fullmatch(str(text))
    number = float(match[1]) if match else 0.0
    if match is None or not 0 < number < 1e6 or not match[2]:
        raise ArgumentError(
            f"`field` cannot be {text!r}", argument="field", wanted=_WANTED, got=str(text)
        )
    unit = match[2]
    if unit in columns:
        return Field(number, "column", unit)
    if unit.lower() in _ARCSEC:
        return Field(number * _ARCSEC[unit.lower()], "arcsec")
    if unit.lower() in _PIXELS:
        return Field(number, "pixels")
    raise ArgumentError(
        f"`field`: {unit!r} is neither a unit nor a column of the catalogue",
        argument="field",
        wanted=_WANTED,
        got=f"the columns {', '.join(columns[:20])}" if columns else str(text),
        hint=_radii_hint(columns),
    )


def require_field(columns: Sequence[str]) -> ArgumentError:
    """The error where the field of a catalogue's cutouts was not stated."""
    return ArgumentError(
        "how much of the sky a cutout shows is not stated",
        argument="field",
        wanted=_WANTED,
        hint=_radii_hint(columns) or 'name it: `field="30 arcsec"`',
    )


def radius_columns(columns: Sequence[str]) -> list[str]:
    """The columns whose names are those of radii, the most fitting first.

    Examples
    --------
    >>> radius_columns(["ra", "petroRad_r", "petroR90_r", "petroR50_r"])
    ['petroR90_r', 'petroRad_r', 'petroR50_r']
    """
    fitting = [name for name in columns if re.search(_RADIUS, name.lower())]
    return sorted(fitting, key=lambda name: ("90" not in name, "petro" not in name.lower()))


_RADIUS = r"petror|radius|_r90|_r50|r90|r50|reff|r_eff|re_arcsec|kron|theta|shape_r|isoa|a_image"


def _radii_hint(columns: Sequence[str]) -> str | None:
    radii = radius_columns(columns)
    if not radii:
        return None
    factor = GALAXY_ZOO_FIELD if "90" in radii[0] else 4
    return (
        f"the catalogue's {', '.join(radii[:5])} may be radii: "
        f'`field="{factor:g} {radii[0]}"` for instance'
    )


def sides(
    field: Field, scale: float, radii: NDArray[np.float64] | None
) -> NDArray[np.float64] | float:
    """The side of cutouts in pixels of a tile.

    Parameters
    ----------
    field : Field
    scale : float
        Of the tile, arcsec per pixel.
    radii : (sources,) float64, optional
        In arcsec; needed where the field is a multiple of them.
    """
    if field.unit == "pixels":
        return field.value
    if field.unit == "arcsec":
        return field.value / scale
    assert radii is not None, "a field by a column needs that column"
    return field.value * radii / scale
