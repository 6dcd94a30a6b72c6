"""Samples: sound galaxies with their cutouts and targets, split into parts."""

from galaxyclass.samples.parts import read_split, split_parts, write_left_out, write_split
from galaxyclass.samples.prepare import Sample, Source, prepare

__all__ = [
    "Sample",
    "Source",
    "prepare",
    "read_split",
    "split_parts",
    "write_left_out",
    "write_split",
]
