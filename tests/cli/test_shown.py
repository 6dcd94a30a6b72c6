"""Names of files steer no terminal, brackets are no markup, and NO_COLOR is heeded."""

from __future__ import annotations

import json

import pytest

from galaxyclass.cli.plain_console import PlainConsole
from galaxyclass.cli.shown import echo, visible
from galaxyclass.cli.tables import rich_table
from galaxyclass.tasks.report import TextTable


@pytest.mark.parametrize(
    "name", ["\x1b[2J", "\x1b]0;x\x07", "a\rb", "\u202egpj", "\x9b2J", "\ud800"]
)
def test_nothing_that_steers_a_terminal_is_shown_as_it_is(name: str) -> None:
    shown = visible(name)
    assert shown.isprintable()
    assert shown.encode()


def test_text_lines_and_tabs_stay() -> None:
    assert visible("Röntgen\t5 %\n銀河") == "Röntgen\t5 %\n銀河"


def test_json_stays_json() -> None:
    data = {"name": "a\x1b\x7f\u202e\u2028b"}
    assert json.loads(visible(json.dumps(data, ensure_ascii=False))) == data


def test_brackets_in_a_table_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    table = TextTable(("[/red]", "[bold]n"), (("[/]", "\x1b[2J"),))
    PlainConsole(width=80).print(rich_table(table))
    printed = capsys.readouterr().out
    assert "[/red]" in printed
    assert "[bold]n" in printed
    assert r"\x1b[2J" in printed


def test_no_color_is_heeded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("click._compat.should_strip_ansi", lambda *_, **__: False)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_, **__: False)
    echo(": a", before="error", colour="red")
    monkeypatch.setenv("NO_COLOR", "1")
    echo(": a", before="error", colour="red")
    coloured, plain = capsys.readouterr().out.splitlines()
    assert "\x1b[31m" in coloured
    assert plain == "error: a"
