"""Calibration: prediction intervals and out-of-distribution scores, fitted and applied."""
