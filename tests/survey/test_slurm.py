"""A real Slurm takes shards, or refuses them; skipped, loudly, where none can be started."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from galaxyclass import Survey, SurveyError
from galaxyclass.cli.main import main
from galaxyclass.survey.slurm import slurm_array_limit
from tests.support.own_slurm import OwnSlurm, asked, why_no_slurm
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_no_slurm()), reason=why_no_slurm() or "one can be started"),
]
pytest.importorskip("submitit", reason="submitit is not installed: Slurm is not tried")

Planned = Callable[..., Survey]
#: Partitions that Slurm does not start a job of, which it takes all the same.
PARTITIONS = (
    "PartitionName=short Nodes=ALL MaxTime=5 State=UP",
    "PartitionName=theirs Nodes=ALL AllowAccounts=astronomy State=UP",
    "PartitionName=down Nodes=ALL State=DOWN",
    "PartitionName=closed Nodes=ALL State=INACTIVE",
)


@contextmanager
def started(settings: dict[str, str]) -> Iterator[OwnSlurm]:
    """Start a Slurm, and end it."""
    place = Path(tempfile.mkdtemp(prefix="slurm"))  # a short path: it holds sockets
    own = OwnSlurm(place, 2, settings, PARTITIONS)
    try:
        yield own
    finally:
        own.end()
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def slurm() -> Iterator[OwnSlurm]:
    """A Slurm whose arrays have four tasks at most."""
    with started({"MaxArraySize": "5"}) as own:
        yield own


@pytest.mark.slow
def test_it_does_all_shards(slurm: OwnSlurm, planned: Planned) -> None:
    survey = planned(shard_size=10)
    assert slurm_array_limit() == 4
    jobs = survey.run_slurm(cores=1, memory=1, minutes=10)  # an array of six is refused
    assert (jobs.tasks, jobs.shards, jobs.warnings) == (4, 6, ())
    wait_until(lambda: survey.status().done == 6, seconds=300)
    assert survey.run_slurm().tasks == 0
    wait_until(lambda: asked("squeue", "-h") == "", seconds=60)


@pytest.mark.parametrize(
    ("asked_for", "says", "hint"),
    [
        ({"partition": "nowhere"}, "Invalid partition name", "that is up as `partition`"),
        ({"partition": "closed"}, "partition not available", "that is up as `partition`"),
        ({"memory": 10**5}, "node configuration is not available", "less `memory`"),
        ({"gpus": 3}, "generic resource", "fewer `gpus`"),
        ({"settings": ["constraint=large"]}, "Invalid feature", "`sinfo -o"),
        ({"settings": ["array=0-9"]}, "Invalid job array", "`array_limit`"),
        ({"settings": ["colour=red"]}, "unrecognized option '--colour=red'", "`man sbatch`"),
    ],
    ids=str,
)
def test_what_it_refuses(
    asked_for: dict, says: str, hint: str, slurm: OwnSlurm, planned: Planned
) -> None:
    survey = planned()
    with pytest.raises(SurveyError, match="Slurm refuses the job") as caught:
        survey.run_slurm(**{"cores": 1, "memory": 1, **asked_for})
    assert says in str(caught.value.got)
    assert hint in str(caught.value.hint)
    assert asked("squeue", "-h") == ""
    assert list((survey.folder / "logs").iterdir()) == []


@pytest.mark.parametrize(
    ("asked_for", "says", "hint"),
    [
        ({"partition": "short", "minutes": 10}, "PartitionTimeLimit", "fewer `minutes`"),
        ({"cores": 64}, "PartitionConfig", "`cores`"),
        ({"partition": "down"}, "PartitionDown", "that is up as `partition`"),
        ({"partition": "theirs"}, "theirs allows astronomy", "name an `account`"),
        ({"partition": "theirs", "account": "biology"}, "astronomy", "name an `account`"),
    ],
    ids=str,
)
def test_what_it_takes_and_never_starts(
    asked_for: dict, says: str, hint: str, slurm: OwnSlurm, planned: Planned
) -> None:
    jobs = planned().run_slurm(**{"cores": 1, "memory": 1, "minutes": 1, **asked_for})
    slurm.cancel()
    assert len(jobs.warnings) == 1
    assert f"has taken job {jobs.job}, but does not start it" in jobs.warnings[0]
    assert says in jobs.warnings[0]
    assert hint in jobs.warnings[0]


@pytest.mark.thorough
def test_a_full_queue(planned: Planned, capfd: pytest.CaptureFixture[str]) -> None:
    """sbatch itself tries for two minutes."""
    night = str(planned().folder)
    with started({"MaxJobCount": "3"}) as slurm:
        subprocess.run(["sbatch", "--hold", "--wrap=true"], check=True, cwd=slurm.place)
        assert main(["survey", "run", night, "--slurm", "--cores", "1", "--memory", "1"]) == 1
    errors = capfd.readouterr().err
    assert "Resource temporarily unavailable" in errors
    assert "the queue is full: wait until some jobs have ended, or hand over fewer tasks" in errors
    assert "--array-limit" in errors


@pytest.mark.slow
def test_no_controller(slurm: OwnSlurm, planned: Planned) -> None:
    slurm.kill("slurmctld")
    try:
        with pytest.raises(SurveyError, match="Slurm refuses the job") as caught:
            planned().run_slurm(cores=1, memory=1)
    finally:
        slurm.start_control()
        wait_until(slurm.answers, seconds=60)
    assert "controller does not answer" in str(caught.value.hint)
