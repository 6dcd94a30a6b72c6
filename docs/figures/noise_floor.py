"""What a perfect model scores: votes are drawn, and their noise measured and computed."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import galaxyclass
from galaxyclass.plots.style import COLOURS, style
from galaxyclass.tasks.scores.noise import noise_floor
from galaxyclass.trees.algebra import conditional_from_joint, joint_from_conditional

ROOT = Path(galaxyclass.__file__).parents[2]
rng = np.random.default_rng(0)
tree = galaxyclass.load_tree("galaxy_zoo_2")
# The true probabilities: what the pretrained model says of the eight example galaxies.
chances = conditional_from_joint(
    tree, galaxyclass.load_model().predict(ROOT / "examples" / "galaxies").values.astype(float)
)


def looked_at(people: int) -> np.ndarray:
    """The joint fractions that so many volunteers give, who answer each question they come to."""
    votes = np.zeros(chances.shape)
    for galaxy, chance in enumerate(chances):
        for question in tree.order:
            where = tree.slices[question]
            parents = tree.parents[question]
            asked = int(votes[galaxy, parents].sum()) if parents.any() else people
            shares = np.nan_to_num(chance[where])
            votes[galaxy, where] = rng.multinomial(asked, shares / max(shares.sum(), 1e-9))
    return votes / people


truth = joint_from_conditional(tree, chances)
numbers = [3, 5, 10, 20, 40, 80, 160]
measured, computed = [], []
for people in numbers:
    drawn = [looked_at(people) for _ in range(60)]
    measured.append(np.sqrt(np.mean([(votes - truth) ** 2 for votes in drawn])))
    computed.append(np.mean([noise_floor(tree, votes, people).value for votes in drawn]))

with style():
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    shares = rng.binomial(40, 0.6, 4000) / 40
    left.hist(shares, bins=np.arange(-0.5, 41) / 40, color=COLOURS[0], weights=[1 / 4000] * 4000)
    left.axvline(0.6, color=COLOURS[1])
    left.set_xlim(0.2, 1)
    left.set_xlabel("fraction that 40 volunteers give")
    left.set_ylabel("share of tables")
    left.set_title("true probability 0.6", fontsize=12)
    right.loglog(numbers, computed, color=COLOURS[0], label="noise floor, computed of votes alone")
    right.loglog(numbers, measured, "o", color=COLOURS[1], label="RMSE of the true probabilities")
    right.set_xticks(numbers, [str(number) for number in numbers])
    right.set_yticks([0.02, 0.05, 0.1], ["0.02", "0.05", "0.1"])
    right.minorticks_off()
    right.set_xlabel("volunteers of a galaxy")
    right.set_ylabel("RMSE")
    right.legend(fontsize=11)
plt.show()
