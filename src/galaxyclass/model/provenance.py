"""By what a table of predictions was made: kept in its metadata, or in a file beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.errors import OutputError
from galaxyclass.io.reading import open_regular, parse_json, read_bounded
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.pretrained import PRETRAINED, PRETRAINED_NAME, pretrained_folder
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.version import __version__

#: The key of the provenance in the metadata of a table.
PROVENANCE = b"galaxyclass"


@dataclass(frozen=True)
class Provenance:
    """By what predictions were made.

    Attributes
    ----------
    software : str
        The package and its version.
    model, digest : str
        The name of the model and its identity, `galaxyclass.Model.digest`.
    sources : tuple of str
        Where its networks lay, as they were named: ``pretrained``, or folders and files.
    views : int
    precision : str
    images : tuple of dict
        How images become the network's input, for each kind of cutout: the recipe's settings, with
        those of the call (``reading``).
    tiles : dict or None
        How the images were cut out of tiles: field, bands, stretch, limits and size; None where
        they were files or arrays.
    date : str
        The day, in UTC; that of ``SOURCE_DATE_EPOCH`` where it is set. Not the time, so that the
        same job gives the same bytes.
    """

    software: str
    model: str
    digest: str
    sources: tuple[str, ...]
    views: int
    precision: str
    images: tuple[dict[str, object], ...]
    date: str
    tiles: Mapping[str, object] | None = None

    def to_json(self) -> str:
        """As JSON, which `provenance_of` reads."""
        data = asdict(self)
        if self.tiles is None:
            del data["tiles"]
        return json.dumps(data, ensure_ascii=False)


def make_provenance(
    bundles: Sequence[Bundle],
    name: str | None,
    views: int,
    precision: str,
    preprocessings: Sequence[Preprocessing] = (),
) -> Provenance:
    """The provenance of predictions that are made now.

    Parameters
    ----------
    bundles : sequence of Bundle
    name : str or None
        The model's; None: the names of its folders.
    views : int
    precision : str
    preprocessings : sequence of Preprocessing
        How images are read; those of the bundles by default.
    """
    manifests = [bundle.manifest for bundle in bundles]
    made = preprocessings or [manifest.preprocessing for manifest in manifests]
    cutouts = {repr(preprocessing): preprocessing for preprocessing in made}
    return Provenance(
        software=f"galaxyclass {__version__}",
        model=name or " + ".join(_folder_name(bundle.folder) for bundle in bundles),
        digest=joined_digest([manifest.digest for manifest in manifests]),
        sources=tuple(_source(bundle.folder) for bundle in bundles),
        views=views,
        precision=precision,
        images=tuple(each.model_dump(mode="json") for each in cutouts.values()),
        date=_today(),
    )


def joined_digest(digests: Sequence[str]) -> str:
    """The identity of several bundles together; of one, its own."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def with_provenance(table: pa.Table, provenance: Provenance) -> pa.Table:
    """A table with the provenance in its metadata."""
    metadata = {**(table.schema.metadata or {}), PROVENANCE: provenance.to_json()}
    return table.replace_schema_metadata(metadata)


def provenance_of(schema: pa.Schema) -> Mapping[str, object]:
    """The provenance in the metadata of a table, as plain data; empty where it has none."""
    text = (schema.metadata or {}).get(PROVENANCE)
    return {} if text is None else _parsed(text)


def provenance_of_file(path: Path) -> Mapping[str, Any]:
    """The provenance of a file of predictions, as far as it says by what it was made.

    It stands in the metadata of parquet, and otherwise in the file beside it, `provenance_file`.
    """
    try:
        with open_regular(path) as file:
            is_parquet = file.read(4) == b"PAR1"
        if is_parquet:
            return provenance_of(pq.read_schema(path))
        return _parsed(read_bounded(provenance_file(path)))
    except (OSError, ValueError, pa.ArrowException):
        return {}


def _parsed(text: str | bytes) -> dict[str, Any]:
    """What is stated; nothing where it is damaged, as where it is missing."""
    try:
        known: Any = parse_json(text)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def provenance_words(schema: pa.Schema) -> dict[str, str]:
    """The provenance as short texts, for the headers of FITS, VOTable and ECSV."""
    values = provenance_of(schema)
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


def provenance_file(output: Path) -> Path:
    """The file beside a CSV, which has no place for metadata."""
    return output.with_name(f"{output.stem}_provenance.json")


def require_provenance_file(output: Path) -> None:
    """Refuse to write the provenance of a CSV over another file.

    Raises
    ------
    OutputError
        The file exists and is no provenance.
    """
    path = provenance_file(output)
    if output.suffix.lower() != ".csv" or not path.exists():
        return
    try:
        if str(parse_json(read_bounded(path))["software"]).startswith("galaxyclass"):
            return
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise OutputError(
        f"{path}: who made the predictions would be written here, but something else is there",
        hint="move it away, or choose another `output`",
    )


def provenance_json(schema: pa.Schema) -> str:
    """The text of the file beside a CSV: the provenance, and what the columns are."""
    columns = []
    for field in schema:
        words = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        columns.append({"name": field.name, "type": str(field.type), **words})
    # A table that a user made has no provenance; its file must still be known as one of ours.
    data = {"software": f"galaxyclass {__version__}", **provenance_of(schema), "columns": columns}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _source(folder: Path) -> str:
    return PRETRAINED if folder == pretrained_folder() else folder.as_posix()


def _folder_name(folder: Path) -> str:
    if folder == pretrained_folder():
        return PRETRAINED_NAME
    name = folder.stem if folder.is_file() else folder.resolve().name
    return folder.resolve().parent.name if name == "bundle" else name


def _today() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    return now.date().isoformat()
