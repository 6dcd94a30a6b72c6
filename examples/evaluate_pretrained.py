"""Score the pretrained model on galaxies whose votes you know.

python examples/evaluate_pretrained.py FOLDER_OF_IMAGES TABLE OUTPUT
"""

import sys

import galaxyclass

images, table, output = sys.argv[1:]
model = galaxyclass.load_model("pretrained")
# It does not say what it was trained on: all of these galaxies are scored, so they must be new.
evaluation = model.evaluate(images, table, output=output, part="all")
print(f"{evaluation.scores.galaxies:,} galaxies")
print(f"RMSE {evaluation.scores.overall.value:.4f}")
print(f"RMSE {evaluation.reference.overall.value:.4f} of the mean vector")
