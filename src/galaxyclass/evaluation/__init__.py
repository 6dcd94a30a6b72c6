"""Evaluation: a run's predictions of galaxies that it has not seen, scored and calibrated."""
