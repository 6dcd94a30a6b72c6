"""Galaxies with known morphology, and the volunteers who look at them."""

from galaxyclass.simulation.contest import SimulatedContest, simulate_hundred
from galaxyclass.simulation.folders import SimulatedFolder, simulate
from galaxyclass.simulation.impressions import impress
from galaxyclass.simulation.morphology import Morphology, draw_morphology
from galaxyclass.simulation.pictures import render
from galaxyclass.simulation.volunteers import Volunteers, expect, load_volunteers, vote

__all__ = [
    "Morphology",
    "SimulatedContest",
    "SimulatedFolder",
    "Volunteers",
    "draw_morphology",
    "expect",
    "impress",
    "load_volunteers",
    "render",
    "simulate",
    "simulate_hundred",
    "vote",
]
