"""
Arrays in, a DataFrame out
==========================

Pictures in memory, a catalogue whose columns come along, and intervals for each number.
"""

# %%
# An array is ``(images, height, width, 3)``, uint8 or floats from 0 to 1. Row 0 is at the top.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

import galaxyclass

files = sorted(Path("../galaxies").glob("*.jpg"))
pixels = np.stack([np.asarray(Image.open(file)) for file in files])
model = galaxyclass.load_model()
predictions = model.predict(pixels, ids=[file.stem for file in files])
print(pixels.shape, predictions.values.shape)

# %%
# A table with a column of paths will do as well. Its other columns come along.
catalogue = pd.DataFrame({"path": map(str, files), "redshift": np.linspace(0.02, 0.09, len(files))})
table = model.predict(catalogue, include=["uncertainty", "strangeness"]).to_pandas()
columns = ["GalaxyID", "redshift", "Class4.1", "Class4.1_lower", "Class4.1_upper", "strangeness"]
print(table[columns].round(2).to_string(index=False))

# %%
# Galaxies in the order of their spiral arms, each with its interval.
table = table.sort_values("Class4.1").reset_index(drop=True)
value = table["Class4.1"]
errors = [value - table["Class4.1_lower"], table["Class4.1_upper"] - value]
plt.errorbar(value, range(len(table)), xerr=errors, fmt="o", capsize=3)
plt.yticks(range(len(table)), table["GalaxyID"].astype(str))
plt.xlabel("share of volunteers who see spiral arms, with 90 % intervals")
plt.xlim(0, 1)
plt.tight_layout()
plt.show()
