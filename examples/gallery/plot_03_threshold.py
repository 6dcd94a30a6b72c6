"""
A threshold of your own
=======================

Which galaxies are spirals? That depends on whether the sample should be pure or complete.
"""

# %%
# Simulated galaxies come with volunteers' votes, and stand for the labels that you have.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import precision_recall_curve

import galaxyclass

sky = galaxyclass.simulate(120, output=Path(tempfile.mkdtemp()) / "sky", seed=3)
votes = pd.read_csv(sky.table)
predicted = galaxyclass.load_model().predict(sky.images).to_pandas()
galaxies = votes.merge(predicted, on="GalaxyID", suffixes=("_true", "")).dropna(
    subset=["Class4.1_true"]
)

# %%
# Call a spiral what half of all volunteers see spiral arms in. Purity is the share of the chosen
# galaxies that are spirals, completeness the share of the spirals that are chosen.
is_spiral = galaxies["Class4.1_true"] > 0.5
purity, completeness, thresholds = precision_recall_curve(is_spiral, galaxies["Class4.1"])
print(f"{is_spiral.sum()} spirals among {len(galaxies)} galaxies")

# %%
# The lowest threshold from which on the sample is as pure as wanted:
wanted = 0.9
pure = purity[:-1] >= wanted
threshold = thresholds[pure][0] if pure.any() else thresholds[-1]
chosen = galaxies[galaxies["Class4.1"] >= threshold]
found = is_spiral[chosen.index].sum()
print(f"Class4.1 >= {threshold:.2f}: {len(chosen)} galaxies, {found} of them spirals")

plt.plot(thresholds, purity[:-1], label="purity")
plt.plot(thresholds, completeness[:-1], label="completeness")
plt.axvline(threshold, color="black", linewidth=1)
plt.xlabel("threshold on Class4.1")
plt.ylim(0, 1.03)
plt.legend()
plt.show()

# %%
# The pretrained model was made for real galaxies, not for simulated ones; take your own labels to
# choose a threshold that you will use. ``galaxyclass report --purity 0.9`` does it for
# classes.
