"""Predict one image with an exported network, by onnxruntime, numpy and Pillow alone.

python predict_with_onnxruntime.py model.onnx galaxy.jpg
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

network = onnxruntime.InferenceSession(sys.argv[1])
manifest = json.loads(network.get_modelmeta().custom_metadata_map["manifest"])
wanted, outputs = manifest["preprocessing"], manifest["outputs"]
if wanted["cutout"] != "centre":
    sys.exit(f"this network wants the cutout {wanted['cutout']!r}, which only galaxyclass makes")

image = Image.open(sys.argv[2]).convert("RGB" if wanted["colour"] == "rgb" else "L")
side = wanted["frame"] or min(image.size)
side = min(side, *image.size) if wanted.get("beyond") == "whole" else side
size = (wanted["size"], wanted["size"])
# Where the square is larger than the image, the colour of the image's border surrounds it.
pixels = np.asarray(image).reshape(image.height, image.width, -1)
edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
square = Image.new(image.mode, (side, side), tuple(np.median(edge, axis=0).astype(int).tolist()))
square.paste(image, (-((image.width - side) // 2), -((image.height - side) // 2)))
cutouts = np.asarray(square.resize(size, Image.Resampling.BOX)).reshape(1, *size, -1)

(fractions,) = network.run(["values"], {"cutouts": cutouts})[0]
names = outputs.get("classes") or [
    f"{question['text']} {answer['name']}"
    for question in outputs["tree"]["questions"]
    for answer in question["answers"]
]
known = outputs.get("known", [True] * len(names))  # whether training had votes for an answer
for name, fraction, is_known in zip(names, fractions, known, strict=True):
    if is_known:
        print(f"{fraction:.3f}  {name}")
