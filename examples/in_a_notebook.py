"""Predict images that are in memory, and those that a table names, and plot one galaxy.

python examples/in_a_notebook.py FOLDER_OF_IMAGES
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import galaxyclass

folder = Path(sys.argv[1])
model = galaxyclass.load_model()  # or a run, a bundle, an .onnx file, several of them
print(model)

images = np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.jpg"))[:5]])
print(model.predict(images, include=["uncertainty"]).to_pandas().head())  # (n, height, width, 3)

mine = pd.DataFrame({"path": sorted(map(str, folder.glob("*.jpg")))})
mine["redshift"] = 0.05  # columns of yours go along
predictions = model.predict(mine, include=["uncertainty", "strangeness"])
print(predictions, predictions.to_pandas()[["Class1.1", "Class1.1_lower", "Class1.1_upper"]].head())
predictions.plot(0).savefig("galaxy.png")
