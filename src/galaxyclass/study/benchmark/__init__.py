"""Benchmarks: the speed of packing, training and predicting on this machine, and its limits."""
