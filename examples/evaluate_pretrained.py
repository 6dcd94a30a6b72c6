"""Score the pretrained model on galaxies whose votes are known.

python examples/evaluate_pretrained.py FOLDER_OF_IMAGES TABLE OUTPUT
"""

import sys

import galaxyclass

images, table, output = sys.argv[1:]
dataset = galaxyclass.Dataset(images, table)
model = galaxyclass.load_model("pretrained")

# The model does not list its training galaxies: make sure that these are others.
evaluation = model.evaluate(dataset, output=output, part="all")
scores, mean_vector = evaluation.scores, evaluation.reference
print(f"{scores.galaxies:,} galaxies")
print(f"RMSE {scores.overall.value:.4f} (mean vector {mean_vector.overall.value:.4f})")
print("answers with an RMSE above 0.2:")
for name, score in zip(model.task.names, scores.answers, strict=True):
    if score.value > 0.2:
        print(f"  {name} {score}")
