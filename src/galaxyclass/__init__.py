"""Say of pictures of galaxies what people would say of them."""

from galaxyclass.version import __version__

__all__ = ["__version__"]
