"""Many trainings or timings side by side, each a process."""
