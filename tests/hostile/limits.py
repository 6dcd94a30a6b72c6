"""Commands that run short: of memory, of open files, of the size of files, of permission."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from galaxyclass.short import short_value
from tests.hostile.trials import Tally

#: Limit, as the shell's `ulimit` has it -> the statuses that a command may end with.
LIMITS: dict[str, str] = {
    "4 GB of memory": "ulimit -v 4000000",
    "600 MB of memory": "ulimit -v 600000",
    "24 open files": "ulimit -n 24",
    "files of 1 KB": "ulimit -f 1; trap '' XFSZ",
    "no colours": "export NO_COLOR=1",
    "a closed output": "exec 1>&-",
    "a full output": "exec 1>/dev/full",
    "a locale without UTF-8": "export LC_ALL=C PYTHONUTF8=0",
    "a current folder that is gone": "mkdir gone; cd gone; rmdir ../gone",
    "no home": "export HOME=/nowhere XDG_CACHE_HOME=/nowhere",
}


def short_of_everything(folder: Path) -> Tally:
    """Commands under each limit: they end well, or with a message, never with a traceback."""
    tally = Tally("limits of the system")
    images = folder / "limit images"
    images.mkdir()
    for number in range(30):
        Image.new("RGB", (64, 64), (9 * (number % 25), 30, 60)).save(images / f"{number}.png")
    commands: dict[str, Sequence[str]] = {
        "validate": ("validate", "--images", str(images)),
        "predict": ("predict", "--images", str(images), "--output", "p.csv", "--overwrite"),
    }
    for limit, shell in LIMITS.items():
        for name, command in commands.items():
            tally.add(f"{name} with {limit}", _fault(folder, shell, command))
    return tally


def _fault(folder: Path, shell: str, command: Sequence[str]) -> str:
    done = subprocess.run(
        ["bash", "-c", f'{shell}; exec "$@"', "-", sys.executable, "-m", "galaxyclass", *command],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
        timeout=600,
    )
    errors = done.stderr.decode("utf-8", "replace")
    if "Traceback" in errors:
        return f"a traceback: {short_value(errors.strip().splitlines()[-1])}"
    if done.returncode not in (0, 1):
        return f"status {done.returncode}: {short_value(errors.strip())}"
    if done.returncode == 1 and not errors.strip():
        return "status 1 without a word"
    return ""
