"""Tiles of a survey: sources of a catalogue, or found, cut out of FITS files with positions."""
