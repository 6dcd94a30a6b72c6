"""From pictures to votes: three of the example galaxies, by the pretrained model."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import galaxyclass
from galaxyclass.plots.style import COLOURS, style

ROOT = Path(galaxyclass.__file__).parents[2]
SHOWN = {
    "1.1": "smooth",
    "1.2": "features or disc",
    "2.1": "edge-on disc",
    "3.1": "a bar",
    "4.1": "spiral arms",
    "11.2": "two arms",
    "7.1": "completely round",
}
NAMES = ("109086", "103181", "106718")

files = [ROOT / "examples" / "galaxies" / f"{name}.jpg" for name in NAMES]
predictions = galaxyclass.load_model().predict(files, include=["uncertainty"])
with style():
    figure, axes = plt.subplots(
        2, 3, figsize=(8.5, 5.8), height_ratios=[1.15, 1], sharex="row", sharey="row"
    )
    for (picture, bars), file, galaxy in zip(axes.T, files, predictions, strict=True):
        middle = np.asarray(Image.open(file))[110:314, 110:314]
        picture.imshow(middle)
        picture.set_axis_off()
        value = np.array([galaxy[f"Class{code}"] for code in SHOWN])
        low = [galaxy[f"Class{code}_lower"] for code in SHOWN]
        high = [galaxy[f"Class{code}_upper"] for code in SHOWN]
        places = np.arange(len(SHOWN))[::-1]
        bars.barh(places, value, color=COLOURS[0], height=0.7)
        bars.hlines(places, low, high, color="black", linewidth=1.5)
        bars.set_yticks(places, list(SHOWN.values()))
        bars.set_xlim(0, 1.02)
        bars.set_xticks([0, 0.5, 1])
        bars.tick_params(left=False)
        bars.set_xlabel("share of volunteers")
        bars.grid(visible=False, axis="y")
plt.show()
