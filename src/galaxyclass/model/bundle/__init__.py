"""A model on disk: a manifest, weights and calibration; data, never code."""
