"""Fuzz the readers for some minutes: seeded mutations without end, until a fault or the time.

    python -m tests.hostile.fuzz --minutes 10
    python -m tests.hostile.fuzz --seed 7 --minutes 1

Rounds of all that is mutated (`tests.hostile.trials`), each with a seed of its own, in a
process that a crash ends.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.hostile import folders
from tests.hostile.models import mutated_models, mutated_packs, mutated_texts
from tests.hostile.outputs import (
    mutated_archives,
    mutated_bundles,
    mutated_predictions,
    mutated_surveys,
)
from tests.hostile.pictures import cut_pictures, mutated_pictures
from tests.hostile.tables import mutated_tables


def main() -> int:
    """Fuzz; 1 where something was not survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    given = parser.parse_args()
    faulthandler.enable()
    end, tried, faults = time.monotonic() + 60 * given.minutes, 0, 0
    for seed in itertools.count(given.seed):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for trials in (
                partial(mutated_pictures, 200, seed),
                partial(cut_pictures, 40, seed),
                partial(mutated_tables, folder, 100, seed),
                partial(mutated_models, folder, 20, seed),
                partial(mutated_texts, folder, 20, seed),
                partial(mutated_packs, folder, 20, seed),
                partial(mutated_predictions, folder, 40, seed),
                partial(mutated_surveys, folder, 20, seed),
                partial(mutated_bundles, folder, 20, seed),
                partial(mutated_archives, folder, 40, seed),
                partial(folders.mutated_settings, 40, seed),
                partial(folders.mutated_runs, folder, 20, seed),
                partial(folders.mutated_studies, folder, 20, seed),
                partial(folders.mutated_indexes, folder, 20, seed),
                partial(folders.mutated_labels, folder, 20, seed),
                partial(folders.mutated_classifications, folder, 20, seed),
                partial(folders.mutated_tiles, folder, 20, seed),
            ):
                tally = trials()
                tried, faults = tried + tally.tried, faults + len(tally.faults)
                for fault in tally.faults:
                    print(f"seed {seed}, {tally.kind}: {fault}", flush=True)
        if time.monotonic() > end:
            print(f"{tried:,} tried, {tried - faults:,} survived, seeds {given.seed} to {seed}")
            return int(faults > 0)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
