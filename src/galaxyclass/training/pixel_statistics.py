"""Mean and spread of each pixel and channel over the training galaxies, in one pass."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.networks.network import Network
from galaxyclass.training.data import Batches

#: Galaxies that are read at a time.
_BATCH = 256


def fit_statistics(network: Network, galaxies: Galaxies) -> tuple[Tensor, Tensor]:
    """Mean and spread of the input of a network.

    Parameters
    ----------
    network : Network
    galaxies : Galaxies
        The training galaxies; streamed, never all in memory.

    Returns
    -------
    mean, spread : (1, channels, side, side) float32
        The spread is the population's. A constant pixel has the spread 1, so that it becomes 0
        and not NaN, as in scikit-learn's ``StandardScaler``.
    """
    total = squares = np.zeros(())
    for batch in Batches(galaxies, _BATCH, seed=None):
        values = network.read(batch.cutouts).double().numpy()
        total = total + values.sum(axis=0)
        squares = squares + np.square(values).sum(axis=0)
    mean = total / len(galaxies)
    variance = np.maximum(squares / len(galaxies) - mean**2, 0)
    spread = np.where(variance > 1e-12, np.sqrt(variance), 1.0)
    return _tensor(mean), _tensor(spread)


def _tensor(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
    return torch.from_numpy(values[None]).float()
