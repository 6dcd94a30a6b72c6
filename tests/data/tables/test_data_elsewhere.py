"""Tables that name other files, or addresses, for their data: nobody gave these to be read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import CatalogError

VOTABLE = (
    '<?xml version="1.0"?>{head}<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
    '<RESOURCE><TABLE><FIELD name="id" datatype="char" arraysize="9"/><DATA><{kind}>'
    "<STREAM{href}/></{kind}></DATA></TABLE></RESOURCE></VOTABLE>"
)


@pytest.mark.parametrize("kind", ["BINARY", "BINARY2", "FITS"])
@pytest.mark.parametrize("by_default", [False, True])
def test_votable_with_data_elsewhere(tmp_path: Path, kind: str, by_default: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"a secret " * 9)
    href = f' href="{secret.as_uri()}"'
    head = f'<!DOCTYPE VOTABLE [<!ATTLIST STREAM href CDATA "{secret.as_uri()}">]>'
    text = VOTABLE.format(kind=kind, head=head * by_default, href=href * (not by_default))
    (tmp_path / "t.vot").write_text(text)
    with pytest.raises(CatalogError, match=r"(?s)data are not in the file.*got: .*secret"):
        read_table(tmp_path / "t.vot", "table")


def test_hdf5_with_data_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"a secret ")
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("id", (9,), dtype="u1", external=[(str(secret), 0, 9)])
        file["class"] = np.arange(9)
    with pytest.raises(CatalogError, match=r"(?s)data are in other files.*got: +id"):
        read_table(path, "table")
    with h5py.File(tmp_path / "v.h5", "w") as file:
        layout = h5py.VirtualLayout((9,), "i8")
        layout[:] = h5py.VirtualSource(str(path), "class", (9,))
        file.create_virtual_dataset("id", layout)
    with pytest.raises(CatalogError, match="data are in other files"):
        read_table(tmp_path / "v.h5", "table")
