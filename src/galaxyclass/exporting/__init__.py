"""A run's network as ONNX, which any program can run: with all that is known about it inside."""

from galaxyclass.exporting.check import Check, pictures
from galaxyclass.exporting.export import Exported, export, write_network

__all__ = ["Check", "Exported", "export", "pictures", "write_network"]
