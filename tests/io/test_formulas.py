"""Text that a spreadsheet would run, and text that only looks like it."""

from __future__ import annotations

import pytest

from galaxyclass.io.formulas import quote_formula

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
