"""The version of the package: that of git's tag, written into ``_version.py`` when it is built.

A clone is installed again, as CONTRIBUTING.md says, after a pull or a tag.
"""

from importlib import import_module

try:
    __version__: str = import_module("galaxyclass._version").__version__
except ModuleNotFoundError:  # sources that were never built
    __version__ = "0+unknown"
