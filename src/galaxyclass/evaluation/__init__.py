"""Evaluation: a model scored and calibrated on galaxies that it was not trained on; baselines."""
