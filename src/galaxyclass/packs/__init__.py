"""Packs: the cutouts of many images in one memory map, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galaxyclass.packs.bare import bare_loop as bare_loop
    from galaxyclass.packs.cache import cache_folder as cache_folder
    from galaxyclass.packs.read import Pack as Pack
    from galaxyclass.packs.read import open_pack as open_pack
    from galaxyclass.packs.write import pack as pack

# Imported when asked for: the processes that make a pack are of this room, too, and start in half
# the time without catalogs and pyarrow.
_HOMES = {
    "Pack": "read",
    "bare_loop": "bare",
    "cache_folder": "cache",
    "open_pack": "read",
    "pack": "write",
}

__all__ = ["Pack", "bare_loop", "cache_folder", "open_pack", "pack"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
