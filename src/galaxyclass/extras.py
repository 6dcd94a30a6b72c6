"""Which extra of the package brings which library, and the message when it is missing."""

from __future__ import annotations

import importlib
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


def require(*modules: str) -> ModuleType:
    """Import optional libraries, or say which extra brings the missing one.

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
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = (error.name or name).split(".")[0]
            extra = EXTRA_OF.get(missing) or EXTRA_OF.get(name.split(".")[0], "all")
            raise MissingExtraError(
                f"{missing} is not installed",
                hint=f'pip install "galaxyclass[{extra}]"',
            ) from error
    assert module is not None, "require() needs at least one module name"
    return module
