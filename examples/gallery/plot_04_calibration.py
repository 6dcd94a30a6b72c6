"""
A calibration curve, before and after
=====================================

Are predicted fractions right on average, and do intervals hold what they promise? On pictures of
another kind they do not, until the model is calibrated on some of them.
"""

# %%
# Simulated galaxies are such a kind: the pretrained model was calibrated on SDSS's.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import galaxyclass

folder = Path(tempfile.mkdtemp())
sky = galaxyclass.simulate(200, output=folder / "sky", seed=4)
votes = pd.read_csv(sky.table)
to_fit, to_check = votes[:120], votes[120:]
model = galaxyclass.load_model()


def check(model: galaxyclass.Model) -> tuple[np.ndarray, np.ndarray, float]:
    """Predicted and true fractions of the galaxies to check, and the coverage of the intervals."""
    paths = [sky.images / f"{galaxy}.jpg" for galaxy in to_check["GalaxyID"]]
    table = model.predict(paths, include=["uncertainty"]).to_pandas()
    answers = [name for name in to_check.columns if name.startswith("Class")]
    truth = to_check[answers].to_numpy()
    low = table[[f"{name}_lower" for name in answers]].to_numpy()
    high = table[[f"{name}_upper" for name in answers]].to_numpy()
    known = ~np.isnan(truth)
    inside = (low <= truth) & (truth <= high)
    return table[answers].to_numpy()[known], truth[known], float(inside[known].mean())


predicted, truth, before = check(model)
print(f"90 % intervals hold {before:.1%} of the fractions")

# %%
# The calibration is fitted on 120 galaxies, and checked on the others.
dataset = galaxyclass.Dataset(sky.images, to_fit)
calibrated = galaxyclass.calibrate(model, dataset, part="all", output=folder / "calibrated")
after = check(galaxyclass.load_model(folder / "calibrated"))[2]
print(f"after the calibration {after:.1%}")

# %%
# The curve: the mean of the true fractions in each bin of predicted ones. On the line, predictions
# are right on average. A calibration changes the intervals, not the predictions.
edges = np.linspace(0, 1, 11)
place = np.clip(np.digitize(predicted, edges) - 1, 0, 9)
bins = [index for index in range(10) if (place == index).sum() >= 10]
plt.plot([0, 1], [0, 1], color="0.7")
plt.plot(
    [predicted[place == index].mean() for index in bins],
    [truth[place == index].mean() for index in bins],
    "o-",
)
plt.xlabel("predicted fraction")
plt.ylabel("mean of the true fractions")
plt.gca().set_aspect("equal")
plt.show()
