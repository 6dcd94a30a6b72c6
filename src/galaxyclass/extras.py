"""Which extra of the package brings which library, and the message when it is missing."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.util import find_spec
from types import ModuleType

from galaxyclass.errors import MissingExtraError

#: Import name of each optional library -> the extra that installs it.
EXTRA_OF: dict[str, str] = {
    "torch": "train",
    "timm": "train",
    "lightning": "train",
    "safetensors": "train",
    "onnx": "train",
    "onnxscript": "export",
    "onnx_ir": "export",
    "openvino": "openvino",
    "tensorboard": "train",
    "optuna": "tune",
    "matplotlib": "plots",
    "umap": "map",
    "jinja2": "report",
    "captum": "explain",
    "pandas": "astro",
    "astropy": "astro",
    "sep": "astro",
    "h5py": "astro",
    "openpyxl": "astro",
    "cdshealpix": "survey",
    "submitit": "survey",
    "ray": "ray",
    "fsspec": "remote",
    "s3fs": "remote",
    "aiohttp": "remote",
    "fastapi": "serve",
    "python_multipart": "serve",
    "uvicorn": "serve",
}

#: What trainings import, and what the export of a network does.
TRAINING = ("torch", "timm", "lightning", "safetensors", "matplotlib", "tensorboard")
EXPORT = ("onnxscript", "onnx", "torch", "timm", "safetensors")

#: Libraries that report their use to their makers, onnxruntime from 1.29 on, and the environment
#: variable that forbids it, unless the user has set it.
_SENDING: dict[str, str] = {"onnxruntime": "ORT_DISABLE_TELEMETRY"}


def require(*modules: str) -> ModuleType:
    """Import libraries, or say which extra brings the missing one; none of them sends anything.

    Parameters
    ----------
    *modules : str
        Import names, for instance ``"torch"`` or ``"lightning.pytorch"``.

    Returns
    -------
    module
        The last of them.

    Raises
    ------
    MissingExtraError
        One of them is not installed; the message has the ``pip install`` line.

    Examples
    --------
    >>> require("json").__name__
    'json'
    """
    module: ModuleType | None = None
    for name in modules:
        if name.partition(".")[0] in _SENDING:
            os.environ.setdefault(_SENDING[name.partition(".")[0]], "1")
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise _missing((error.name or name).split(".")[0], name) from error
    assert module is not None, "require() needs at least one module name"
    return module


def require_installed(*modules: str) -> None:
    """Find optional libraries without importing them, or say which extra brings the missing one.

    What is needed later is asked for at once, and each library is imported when it is used: torch
    alone takes seconds and 300 MB, and timm as long again, of which most networks need nothing.

    Parameters
    ----------
    *modules : str
        Import names, none of them within a package.

    Raises
    ------
    MissingExtraError
        One of them is not installed; the message has the ``pip install`` line.
    """
    for name in modules:
        if not _is_installed(name):
            raise _missing(name, name)


def _is_installed(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return find_spec(name) is not None


def _missing(missing: str, wanted: str) -> MissingExtraError:
    extra = EXTRA_OF.get(missing) or EXTRA_OF.get(wanted.partition(".")[0], "all")
    return MissingExtraError(
        f"{missing} is not installed", hint=f'pip install "galaxyclass[{extra}]"'
    )
