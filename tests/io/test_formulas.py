"""Text that a spreadsheet would run, and text that only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxyclass.errors import ArgumentError
from galaxyclass.io.formulas import quote_formula, require_csv

#: After the examples of OWASP, https://owasp.org/www-community/attacks/CSV_Injection.
FORMULAS = {
    "=1+1": "'=1+1",
    "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
    "-2+3": "'-2+3",
    "@SUM(1)": "'@SUM(1)",
    "\t=1": "'\t'=1",
    "\rx": "'\rx",
    ' "=1+1': "' \"=1+1",
    "\uff1d1+1": "'\uff1d1+1",
    # A German spreadsheet splits at semicolons.
    "NGC 1;=1+1": "NGC 1;'=1+1",
    'a,"=1+1': "a,'\"=1+1",
}
HARMLESS = (
    *("", "spiral", "J101112.3+040506.7", "a=b", "-1", "+1.5e-3", "-.5", "-inf", "-", "--"),
    *("-00:30:12.5", "+12 30 05.1", "'quoted'", "x@example.org", "587722981742084144"),
)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert quote_formula(text) == FORMULAS[text]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert quote_formula(text) == text


def test_a_folder_is_no_csv_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "sky.csv").mkdir()
    for name in ("sky.csv", "sky.parquet"):
        with pytest.raises(ArgumentError, match="only text in CSV"):
            require_csv(tmp_path / name)
    require_csv(tmp_path / "new.csv")
