"""
A model of fifty labels
=======================

Labels of your own make a model of your own, in seconds and without torch.
"""

# %%
# Simulated galaxies whose type is known: which of them are elliptical?
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import galaxyclass

folder = Path(tempfile.mkdtemp())
sky = galaxyclass.simulate(120, output=folder / "sky", seed=7)
truth = pd.read_csv(sky.truth)
labels = pd.DataFrame(
    {
        "GalaxyID": truth["GalaxyID"],
        "type": np.where(truth["kind"] == "elliptical", "elliptical", "other"),
    }
)
learnt, others = labels[:60], labels[60:]
print(learnt["type"].value_counts().to_string())

# %%
# Every score is of galaxies that the predictor has not learnt, by cross-validation.
finetuned = galaxyclass.finetune(
    "pretrained", sky.images, learnt, output=folder / "types", network="never"
)
for rung in finetuned.rungs:
    print(f"{rung.title}: accuracy {rung.score}")

# %%
# The result is a model as any other.
paths = [sky.images / f"{galaxy}.jpg" for galaxy in others["GalaxyID"]]
predicted = galaxyclass.load_model(folder / "types").predict(paths).to_pandas()
right = (predicted["type"].to_numpy() == others["type"].to_numpy()).mean()
print(f"{right:.0%} of {len(others)} other galaxies are classified rightly")

# %%
# What would more labels bring? That is measured within the labels.
if finetuned.curve is not None:
    print(f"with {2 * finetuned.galaxies} labels expect {finetuned.curve.with_twice}")

# %%
# Of galaxies that it has not learnt, most get a clear answer.
probability = predicted["elliptical"]
for name, style in (("elliptical", "C0"), ("other", "C1")):
    of_type = others["type"].to_numpy() == name
    plt.hist(probability[of_type], bins=15, range=(0, 1), color=style, alpha=0.7, label=name)
plt.xlabel("probability of an elliptical galaxy")
plt.ylabel("galaxies")
plt.legend()
plt.show()
