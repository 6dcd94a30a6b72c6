"""Plain text of the program as nodes of a page, whatever signs it holds."""

from __future__ import annotations

import re

from docutils import nodes

_CODE = re.compile(r"``([^`]+)``|`([^`]+)`|(?<![\w-])(--[a-z][\w-]*)")


def words(text: str) -> list[nodes.Node]:
    """Text with names in backticks, and options, as code."""
    made: list[nodes.Node] = []
    end = 0
    for found in _CODE.finditer(text):
        made.append(nodes.Text(text[end : found.start()]))
        code = next(group for group in found.groups() if group)
        made.append(nodes.literal(code, code))
        end = found.end()
    made.append(nodes.Text(text[end:]))
    return [node for node in made if node.astext()]


def paragraph(text: str) -> nodes.paragraph:
    """One paragraph; its lines are joined."""
    return nodes.paragraph("", "", *words(" ".join(text.split())))


def block(text: str, language: str = "text") -> nodes.literal_block:
    """Lines as they are."""
    return nodes.literal_block(text, text, language=language)


def entry(term: str, more: str, text: str, identifier: str = "") -> nodes.definition_list_item:
    """A name in code, a remark beside it, and below both what it means."""
    head = nodes.term("", "", nodes.literal(term, term))
    if more:
        head += nodes.inline("", f" {more}", classes=["remark"])
    if identifier:
        head["ids"].append(identifier)
    return nodes.definition_list_item("", head, nodes.definition("", paragraph(text)))


def section(title: str, identifier: str, *content: nodes.Node) -> nodes.section:
    """A part of a page with a heading."""
    made = nodes.section("", nodes.title(title, title), *content, ids=[identifier])
    made["names"].append(title.lower())
    return made
