"""The header of a VOTable: its fields with datatypes, units, UCDs and descriptions, in and out.

Parquet files of astronomers carry one in their metadata (VOParquet, IVOA Note 1.0, 2025).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from galaxyclass.data.tables.in_memory import COLUMN_METADATA

#: Keys of the metadata of a parquet file.
VOPARQUET_VERSION = b"IVOA.VOTable-Parquet.version"
VOPARQUET_CONTENT = b"IVOA.VOTable-Parquet.content"

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"


def votable_start(schema: pa.Schema, infos: Mapping[str, str]) -> str:
    """A VOTable up to its data: ``infos`` by name and value, and a FIELD for each column."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<VOTABLE version="1.4" xmlns="{_NAMESPACE}">',
        '<RESOURCE type="results">',
        *(
            f"<INFO name={quoteattr(name)} value={quoteattr(text)}/>"
            for name, text in infos.items()
        ),
        "<TABLE>",
        *map(_field, schema),
    ]
    return "\n".join(lines) + "\n"


VOTABLE_END = "</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


def _field(field: pa.Field) -> str:
    metadata = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
    attributes = f"name={quoteattr(field.name)} {_datatype(field.type)}"
    for key in ("unit", "ucd"):
        if key in metadata:
            attributes += f" {key}={quoteattr(metadata[key])}"
    if "description" not in metadata:
        return f"<FIELD {attributes}/>"
    text = escape(metadata["description"])
    return f"<FIELD {attributes}><DESCRIPTION>{text}</DESCRIPTION></FIELD>"


def _datatype(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return 'datatype="boolean"'
    if pa.types.is_integer(kind):
        return 'datatype="long"'
    if pa.types.is_float32(kind):
        return 'datatype="float"'
    if pa.types.is_floating(kind):
        return 'datatype="double"'
    return 'datatype="unicodeChar" arraysize="*"'


def with_voparquet(table: pa.Table) -> pa.Table:
    """A table of parquet with the units, UCDs and descriptions of its VOParquet metadata."""
    content = (table.schema.metadata or {}).get(VOPARQUET_CONTENT)
    if content is None or b"<!DOCTYPE" in content:  # no VOTable has one: entities grow without end
        return table
    try:
        root = ET.fromstring(content)  # noqa: S314 - no document type, so no entities
    except ET.ParseError:  # metadata of somebody else that is damaged does not spoil the table
        return table
    found: dict[str, dict[bytes, bytes]] = {}
    for element in root.iter():
        if element.tag.rsplit("}", 1)[-1] != "FIELD":
            continue
        words = {"description": _description(element), **element.attrib}
        found[element.attrib.get("name", "")] = {
            key: text.encode() for key in COLUMN_METADATA if (text := words.get(key.decode()))
        }
    fields = [
        field.with_metadata({**(field.metadata or {}), **found.get(field.name, {})} or None)
        for field in table.schema
    ]
    return pa.table(table.columns, schema=pa.schema(fields))


def _description(element: ET.Element) -> str | None:
    for child in element:
        if child.tag.rsplit("}", 1)[-1] == "DESCRIPTION":
            return (child.text or "").strip()
    return None
