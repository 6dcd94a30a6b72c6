"""Packs: the cutouts of many images in one memory map, made once."""

from galaxyclass.packs.cache import cache_folder
from galaxyclass.packs.read import Pack, open_pack
from galaxyclass.packs.write import pack

__all__ = ["Pack", "cache_folder", "open_pack", "pack"]
