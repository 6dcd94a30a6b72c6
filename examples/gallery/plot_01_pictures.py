"""
Classify pictures and plot them
===============================

From files of pictures to vote fractions, and a figure of one galaxy.
"""

# %%
# The pretrained model comes with the package. It is loaded once and then predicts anything that is
# a picture: a folder, paths, arrays.
from pathlib import Path

import galaxyclass

images = Path("../galaxies")
model = galaxyclass.load_model()
predictions = model.predict(images, include=["uncertainty"])
print(model)
print(predictions)

# %%
# Each galaxy is a mapping from the names of columns to values. ``Class1.1`` is the share of
# volunteers who would say *smooth*, ``Class4.1`` that of those who would see spiral arms.
for galaxy in predictions:
    smooth, spiral = galaxy["Class1.1"], galaxy["Class4.1"]
    print(f"{galaxy.id}  smooth {smooth:.2f}  spiral arms {spiral:.2f}")

# %%
# One galaxy with all its answers. The black lines are 90 % intervals.
figure = predictions[6].plot()

# %%
# The table is written in the format that the name says: CSV, parquet, FITS, VOTable or ECSV.
import tempfile

folder = Path(tempfile.mkdtemp())
written = predictions.write(folder / "predictions.csv")
print(written.read_text()[:60], "…")
