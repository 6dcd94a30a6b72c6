"""Data sets: valid galaxies with their cutouts and targets, split into parts."""
