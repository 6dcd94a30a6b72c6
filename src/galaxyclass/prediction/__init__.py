"""Prediction: images stream in, a table streams out, whatever happens in between."""

from galaxyclass.prediction.alone import network_alone, prepare_alone
from galaxyclass.prediction.backends import (
    Backend,
    LaneBackend,
    is_concurrent,
    natural_batch_size,
    open_backend,
)
from galaxyclass.prediction.checks import Statistics, describe_problems, find_collapse, measure
from galaxyclass.prediction.columns import Columns, columns_of, tabulate
from galaxyclass.prediction.ids import ImageIds
from galaxyclass.prediction.job import PredictionSummary, predict_files
from galaxyclass.prediction.predict import check_output, predict
from galaxyclass.prediction.stream import Batch, predict_stream

__all__ = [
    "Backend",
    "Batch",
    "Columns",
    "ImageIds",
    "LaneBackend",
    "PredictionSummary",
    "Statistics",
    "check_output",
    "columns_of",
    "describe_problems",
    "find_collapse",
    "is_concurrent",
    "measure",
    "natural_batch_size",
    "network_alone",
    "open_backend",
    "predict",
    "predict_files",
    "predict_stream",
    "prepare_alone",
    "tabulate",
]
