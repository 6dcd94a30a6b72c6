"""The out-of-distribution score of galaxies, and of pictures unlike those that the model knows."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageFilter

import galaxyclass
from galaxyclass.plots.style import COLOURS, style

ROOT = Path(galaxyclass.__file__).parents[2]
rng = np.random.default_rng(0)
galaxy = Image.open(ROOT / "examples" / "galaxies" / "105121.jpg")
pixels = np.asarray(galaxy)
rows, columns = np.mgrid[:424, :424]
stripes = np.repeat(((rows + columns) // 20 % 2 * 255)[..., None], 3, 2).astype(np.uint8)
pictures = {
    "a spiral": pixels,
    "a round galaxy": np.asarray(Image.open(ROOT / "examples" / "galaxies" / "103181.jpg")),
    "the spiral, blurred": np.asarray(galaxy.filter(ImageFilter.GaussianBlur(6))),
    "three times as large": np.asarray(galaxy.crop((141, 141, 283, 283)).resize((424, 424))),
    "negative": 255 - pixels,
    "blank sky": np.full((424, 424, 3), 8, np.uint8),
    "noise": rng.integers(0, 255, (424, 424, 3), dtype=np.uint8),
    "stripes": stripes,
}
table = galaxyclass.load_model().predict(list(pictures.values()), include=["strangeness"])
scores = table.table["strangeness"].to_numpy()
with style():
    figure, axes = plt.subplots(2, 4, figsize=(9, 5.4))
    for axis, (name, picture), score in zip(axes.flat, pictures.items(), scores, strict=True):
        axis.imshow(picture[110:314, 110:314])
        axis.set_xticks([])
        axis.set_yticks([])
        axis.grid(visible=False)
        colour = COLOURS[1] if score > 1 else COLOURS[2]
        for side in axis.spines.values():
            side.set(visible=True, color=colour, linewidth=4)
        axis.set_title(f"{name}\n{score:.2f}", fontsize=12)
plt.show()
