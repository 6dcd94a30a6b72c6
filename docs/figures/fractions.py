"""The same votes as joint and as conditional fractions: one galaxy, three questions."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import galaxyclass
from galaxyclass.plots.style import COLOURS, style
from galaxyclass.trees.algebra import conditional_from_joint

ROOT = Path(galaxyclass.__file__).parents[2]
SHOWN = ("1.1", "1.2", "1.3", "2.1", "2.2", "9.1", "9.2", "9.3")

file = ROOT / "examples" / "galaxies" / "114044.jpg"
tree = galaxyclass.load_tree("galaxy_zoo_2")
joint = galaxyclass.load_model().predict([file]).values[0]
conditional = conditional_from_joint(tree, joint)
index = [tree.codes.index(code) for code in SHOWN]
labels = [f"{code} {tree.answers[i].name}" for code, i in zip(SHOWN, index, strict=True)]
places = -np.array([0, 1, 2, 3.6, 4.6, 6.2, 7.2, 8.2])
with style():
    figure, (picture, left, right) = plt.subplots(
        1, 3, figsize=(9.5, 3.8), width_ratios=[0.9, 1, 1], sharey=False
    )
    picture.imshow(np.asarray(Image.open(file))[110:314, 110:314])
    picture.set_axis_off()
    for axes, values, title in (
        (left, joint, "joint: of all volunteers"),
        (right, conditional, "conditional: of those asked"),
    ):
        axes.barh(places, values[index], color=COLOURS[0], height=0.75)
        for place, value in zip(places, values[index], strict=True):
            axes.text(value + 0.02, place, f"{value:.2f}", va="center", fontsize=11)
        axes.set_title(title)
        axes.set_xlim(0, 1.15)
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks(places, labels if axes is left else [""] * len(labels))
        axes.tick_params(left=False)
        axes.grid(visible=False, axis="y")
plt.show()
