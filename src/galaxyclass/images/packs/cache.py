"""The folder of packs for which no output is named."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder of ``$GALAXYCLASS_CACHE``, or ``galaxyclass`` in the user's cache folder.

    Its content can be deleted at any time: it is made again when it is needed.
    """
    folder = os.environ.get("GALAXYCLASS_CACHE")
    if folder:
        return Path(folder).expanduser()
    if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX
        root = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":  # pragma: no cover
        root = "~/Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "galaxyclass"
