"""Studies: comparisons of many trainings, and benchmarks of speed."""
