"""
A decision tree of your own
===========================

Votes of any project are read on a tree of its own: a file of a few lines, or made of a table.
"""

# %%
# A table of counts, as a project of 300 galaxies would have it: everybody is asked whether there is
# a disc, and those who see one whether there is a ring.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import galaxyclass

rng = np.random.default_rng(0)
asked = rng.integers(30, 50, 300)
discs = rng.binomial(asked, rng.beta(1, 1, 300))
rings = rng.binomial(discs, rng.beta(0.5, 2, 300))
votes = pd.DataFrame(
    {
        "id": [f"galaxy{number}" for number in range(300)],
        "look_disc_count": discs,
        "look_smooth_count": asked - discs,
        "ring_yes_count": rings,
        "ring_no_count": discs - rings,
    }
)

# %%
# The tree is guessed: a question is asked of those answers whose votes add up to its own.
folder = Path(tempfile.mkdtemp())
guessed = galaxyclass.guess_tree(votes)
(folder / "own.toml").write_text(guessed.text)
print(guessed.text)

# %%
# It is read as the trees that come with the package are.
tree = galaxyclass.load_tree(folder / "own.toml")
for question in tree.questions:
    answers = ", ".join(answer.name for answer in question.answers)
    print(
        f"{question.code} {question.text}  {answers}  asked of: {question.asked_of or 'everybody'}"
    )

# %%
# With ``Dataset(images, table, tree="own.toml")`` a model is trained on it. Few volunteers see a
# ring:
plt.hist(rings / np.maximum(discs, 1), bins=20)
plt.xlabel("share of those asked who see a ring")
plt.ylabel("galaxies")
plt.show()
