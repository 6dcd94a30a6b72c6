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
from galaxyclass.prediction.ensemble import Ensemble, Member
from galaxyclass.prediction.ids import ImageIds
from galaxyclass.prediction.included import INCLUDES
from galaxyclass.prediction.job import PredictionSummary, predict_files
from galaxyclass.prediction.predict import check_output, open_bundles, open_members, predict
from galaxyclass.prediction.stream import Batch, predict_stream
from galaxyclass.prediction.views import make_views

__all__ = [
    "INCLUDES",
    "Backend",
    "Batch",
    "Columns",
    "Ensemble",
    "ImageIds",
    "LaneBackend",
    "Member",
    "PredictionSummary",
    "Statistics",
    "check_output",
    "columns_of",
    "describe_problems",
    "find_collapse",
    "is_concurrent",
    "make_views",
    "measure",
    "natural_batch_size",
    "network_alone",
    "open_backend",
    "open_bundles",
    "open_members",
    "predict",
    "predict_files",
    "predict_stream",
    "prepare_alone",
    "tabulate",
]
