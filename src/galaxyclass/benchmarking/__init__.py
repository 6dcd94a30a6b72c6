"""How fast this machine packs, trains and predicts, and how near that is to what it could do."""

from galaxyclass.benchmarking.benchmark import benchmark
from galaxyclass.benchmarking.results import Benchmark, Speed

__all__ = ["Benchmark", "Speed", "benchmark"]
