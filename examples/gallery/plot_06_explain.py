"""
Explain an answer
=================

What of a picture does an answer rest on? The map comes with its test.
"""

# %%
# By occlusion: squares are replaced by the picture's own sky, one after the other, and the map is
# how much the answer falls.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import galaxyclass

output = Path(tempfile.mkdtemp()) / "spiral.png"
explanation = galaxyclass.explain(
    "pretrained", ["../galaxies/109086.jpg"], answer="4.1", output=output
)
axes = plt.figure(figsize=(9, 5)).add_axes((0, 0, 1, 1))
axes.imshow(plt.imread(output))
axes.set_axis_off()
plt.show()

# %%
# Without the blue parts fewer volunteers would be predicted to see spiral arms. Whether to believe
# the map is measured: parts are hidden in its order, in random orders, and from the centre
# outwards.
for sentence in explanation.verdict:
    print(sentence)
