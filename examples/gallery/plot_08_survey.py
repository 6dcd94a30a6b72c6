"""
A survey in small
=================

What a survey of 10⁸ pictures does, with eight: plan shards, run them, watch, merge.
"""

# %%
# Planning reads the names alone. A shard is some thousand pictures; here it is three.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import galaxyclass

folder = Path(tempfile.mkdtemp())
planned = galaxyclass.plan_survey(
    Path("../galaxies").resolve(), output=folder / "night", shard_size=3, measured=False
)
print(planned)

# %%
# Any number of processes on any number of machines may run it; what is done is not done again. Here
# one process does all, and a second call finds nothing left to do.
survey = galaxyclass.open_survey(folder / "night")
print(survey.run(workers=1))
print(survey.run(workers=1))
print(survey.status())

# %%
# Merging compares every shard with the plan before it writes anything.
merged = survey.merge(output=folder / "night.parquet")
print(merged)
table = pd.read_parquet(folder / "night.parquet")

plt.bar(range(len(table)), table["Class1.1"], label="smooth")
plt.bar(range(len(table)), table["Class1.2"], bottom=table["Class1.1"], label="features or disc")
plt.xticks(range(len(table)), table.iloc[:, 0].astype(str), rotation=45)
plt.ylabel("share of volunteers")
plt.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.tight_layout()
plt.show()
