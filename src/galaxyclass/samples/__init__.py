"""Samples: sound galaxies with their cutouts and targets, split into parts."""

from galaxyclass.samples.parts import read_split, split_parts, write_left_out, write_split
from galaxyclass.samples.prepare import Sample, Source, prepare
from galaxyclass.samples.several import Chosen, Parts, Samples, prepare_all

__all__ = [
    "Chosen",
    "Parts",
    "Sample",
    "Samples",
    "Source",
    "prepare",
    "prepare_all",
    "read_split",
    "split_parts",
    "write_left_out",
    "write_split",
]
