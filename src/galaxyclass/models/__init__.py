"""Networks: encoders (timm's, and the few that timm lacks) with heads that obey the tree."""

from galaxyclass.models.describe import Layer, NetworkDescription, describe
from galaxyclass.models.encoders import ENCODERS, ONE_SIZE
from galaxyclass.models.equivariant import write_out
from galaxyclass.models.heads import HEADS, link, resolve_head
from galaxyclass.models.network import Committee, Estimate, Network, build_network
from galaxyclass.models.recovered import recover_weights
from galaxyclass.models.weights import load_weights, read_weights, write_weights

__all__ = [
    "ENCODERS",
    "HEADS",
    "ONE_SIZE",
    "Committee",
    "Estimate",
    "Layer",
    "Network",
    "NetworkDescription",
    "build_network",
    "describe",
    "link",
    "load_weights",
    "read_weights",
    "recover_weights",
    "resolve_head",
    "write_out",
    "write_weights",
]
