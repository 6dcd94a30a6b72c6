"""Prediction: images stream in, a table streams out, whatever happens in between."""

from galaxyclass.prediction.backends import Backend, open_backend
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
    "PredictionSummary",
    "Statistics",
    "check_output",
    "columns_of",
    "describe_problems",
    "find_collapse",
    "measure",
    "open_backend",
    "predict",
    "predict_files",
    "predict_stream",
    "tabulate",
]
