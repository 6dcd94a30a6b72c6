"""What the tests share: the folder of real galaxies, where there is one."""

from __future__ import annotations

import functools
import logging
import os
import random
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from galaxyclass.simulation.folders import simulate
from tests.support.sky import Sky

# A shell starts what it runs in the background with Ctrl-C ignored, and so would be the children
# of the tests; what a Ctrl-C does is tested there too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A property is right or wrong however busy the machine is: no limit on the time of one example.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command shows the log in its own way: what it set for that is undone after each test."""
    logger = logging.getLogger("galaxyclass")
    level, propagate, handlers = logger.level, logger.propagate, logger.handlers[:]
    yield
    logger.setLevel(level)
    logger.propagate, logger.handlers = propagate, handlers


@pytest.fixture(autouse=True)
def operators_read_once() -> None:
    """torch parses the source of all its operators for each export: a fifth of the time of one."""
    exporter = sys.modules.get("torch.onnx._internal.exporter._registration")
    registry: Any = getattr(exporter, "ONNXRegistry", None)
    if registry is not None and not hasattr(registry.from_torchlib, "cache_info"):
        registry.from_torchlib = staticmethod(functools.cache(registry.from_torchlib))


def _galaxies() -> Path | None:
    candidates = [os.environ.get("GALAXYCLASS_TEST_DATA"), "../shared/data"]
    for candidate in candidates:
        if candidate:
            folder = Path(__file__).parent.parent / candidate
            if (folder / "galaxy-zoo-challenge" / "votes.csv").is_file():
                return folder
    return None


@pytest.fixture(scope="session")
def galaxies() -> Path:
    """The folder of real galaxies; a test that asks for it skips, loudly, where it is absent."""
    folder = _galaxies()
    if folder is None:
        pytest.skip("NO REAL GALAXIES: set GALAXYCLASS_TEST_DATA to the folder that has them")
    return folder


@pytest.fixture(scope="session")
def small_sky(tmp_path_factory: pytest.TempPathFactory) -> Sky:
    """Sixty simulated galaxies of 64 pixels, with votes; their packs are made once."""
    folder = tmp_path_factory.mktemp("sky")
    simulate(60, output=folder / "sky", size=64, seed=3, workers=1)
    return Sky(folder / "sky" / "images", folder / "sky" / "votes.csv", folder / "cache")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="run the files, and the tests in each, in an order drawn by this seed",
    )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path,
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for examples in docstrings only where a file of tests has some.

    Looking imports the file as a second module, and asks for all that each name in it is.
    """
    found = yield
    if file_path.suffix != ".py" or ">>>" in file_path.read_text(encoding="utf-8"):
        return found
    return [collector for collector in found if type(collector) is pytest.Module]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Draw another order, the same in every process: no test may need what another left behind."""
    seed = config.getoption("--shuffle")
    if seed is None:
        return
    draw = random.Random(seed)
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    groups = list(files.values())
    draw.shuffle(groups)
    for group in groups:
        draw.shuffle(group)
    items[:] = [item for group in groups for item in group]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _galaxies() is None:
        terminalreporter.section("real galaxies", sep="!")
        terminalreporter.line("No real galaxies here: the tests that need them were skipped.")
        terminalreporter.line("Set GALAXYCLASS_TEST_DATA to the folder that has them.")
