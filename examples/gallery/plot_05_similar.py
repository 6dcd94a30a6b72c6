"""
Similar galaxies
================

Galaxies that look like one that you found, and those that are least like all others.
"""

# %%
# The embedding is what the network sees in a picture, 256 numbers. A file of predictions can carry
# it.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

import galaxyclass

folder = Path(tempfile.mkdtemp())
sky = galaxyclass.simulate(100, output=folder / "sky", seed=5)
model = galaxyclass.load_model()
model.predict_to_file(
    sky.images, output=folder / "sky.parquet", include=["embedding", "strangeness"]
)

# %%
# The first search makes an index beside the file; each compares all galaxies.
liked = "100016"
found = galaxyclass.similar(folder / "sky.parquet", like=[liked], count=5)
table = found.to_pandas()
print(table[["GalaxyID", "similarity", "Class1.1"]].round(2).to_string(index=False))

# %%
ids = [liked, *table["GalaxyID"].astype(str)]
figure, axes = plt.subplots(1, len(ids), figsize=(11, 2.4))
for axis, galaxy in zip(axes, ids, strict=True):
    axis.imshow(Image.open(sky.images / f"{galaxy}.jpg").crop((106, 106, 318, 318)))
    axis.set_axis_off()
    axis.set_title("like this one" if galaxy == liked else galaxy, fontsize=10)
plt.show()

# %%
# ``where`` takes conditions on any column, and `select` the galaxies that are worth a label: those
# the model is least sure about, or the strangest ones.
strange = galaxyclass.select(folder / "sky.parquet", by="strange", count=3)
print(strange.to_pandas().iloc[:, :3].to_string(index=False))
