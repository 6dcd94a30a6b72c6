"""Names for the types of arrays that many modules take and return."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Numbers with a fraction, of any width.
Floats = NDArray[np.floating]

#: What is computed in 64 bits.
Doubles = NDArray[np.float64]
