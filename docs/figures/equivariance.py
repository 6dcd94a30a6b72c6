"""Predictions of one galaxy while it is turned, by the pretrained model."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import galaxyclass
from galaxyclass.plots.style import COLOURS, style

ROOT = Path(galaxyclass.__file__).parents[2]
SHOWN = {"4.1": "spiral arms", "3.1": "a bar", "10.2": "medium wound arms"}
galaxy = Image.open(ROOT / "examples" / "galaxies" / "109086.jpg").crop(
    (0, 0, 423, 423)
)  # odd: a middle
angles = np.arange(0, 361, 15)
# By quarter turns pixels only change places; between them they are interpolated.
turned = [
    np.rot90(np.asarray(galaxy), angle // 90)
    if angle % 90 == 0
    else np.asarray(galaxy.rotate(int(angle), Image.Resampling.BICUBIC))
    for angle in angles
]
values = galaxyclass.load_model().predict(turned)
with style():
    figure, axes = plt.subplots(figsize=(8, 3.6))
    for (code, words), colour in zip(SHOWN.items(), COLOURS, strict=False):
        share = values.table[f"Class{code}"].to_numpy()
        axes.plot(angles, share, color=colour, label=words)
        axes.plot(angles[::6], share[::6], "o", color=colour)
    axes.set_xticks(range(0, 361, 90))
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("turned by, degrees")
    axes.set_ylabel("predicted share")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.12), fontsize=11, ncols=3)
plt.show()
