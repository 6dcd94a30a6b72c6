"""Predict images in memory, then those that a table names, and plot one galaxy.

python examples/in_a_notebook.py FOLDER_OF_IMAGES
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import galaxyclass

files = sorted(Path(sys.argv[1]).glob("*.jpg"))
model = galaxyclass.load_model()  # or a run, a bundle, an .onnx file, several of them
print(model)

images = np.stack([np.asarray(Image.open(file)) for file in files[:5]])
print(model.predict(images, include=["uncertainty"]).to_pandas())

catalogue = pd.DataFrame({"path": map(str, files), "redshift": 0.05})
predictions = model.predict(catalogue, include=["uncertainty", "strangeness"])
print(predictions.to_pandas()[["Class1.1", "Class1.1_lower", "Class1.1_upper", "redshift"]])
predictions.plot(0).savefig("galaxy.png")
