"""A release is made in a clone: changelog, metadata, commit and tag; or nothing at all."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.scripts.conftest import Load

ROOT = Path(__file__).parents[2]
DAY = "2026-12-01"


def git(at: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=at, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What a release changes, without the package."""
    root = tmp_path / "repository"
    (root / "changes").mkdir(parents=True)
    for name in ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", "codemeta.json"):
        shutil.copyfile(ROOT / name, root / name)
    shutil.copyfile(ROOT / "changes" / "template.md", root / "changes" / "template.md")
    (root / "changes" / "7.added.md").write_text("A new thing.\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    for key, value in (("user.name", "A"), ("user.email", "a@b.c")):
        git(root, "config", key, value)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "First")
    return root


@pytest.fixture
def script(load: Load, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load("release")

    def build(clone: Path, dist: Path, version: str) -> None:
        dist.mkdir()
        (dist / f"galaxyclass-{version}.tar.gz").write_text("built")

    monkeypatch.setattr(module, "build", build)
    return module


def test_a_release_is_one_commit_and_one_tag(
    script: ModuleType, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.release(repository, "0.1.0", tmp_path / "dist", dry_run=False, day=DAY)
    assert git(repository, "describe") == "v0.1.0"
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "--format=%s").splitlines() == ["Release 0.1.0", "First"]
    changelog = (repository / "CHANGELOG.md").read_text()
    assert "## [0.1.0] - 2026-12-01" in changelog
    assert "- A new thing." in changelog
    assert "Unreleased" not in changelog
    assert "Nothing was released yet" not in changelog
    assert not list((repository / "changes").glob("7*"))
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert (citation["version"], citation["date-released"]) == ("0.1.0", DAY)
    codemeta = json.loads((repository / "codemeta.json").read_text())
    assert (codemeta["version"], codemeta["dateModified"]) == ("0.1.0", DAY)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Release 0.1.0"
    assert lines[2].startswith(" 4 files changed")
    assert lines[-1].startswith("now: git push origin main v0.1.0")
    (repository / "changes" / "8.fixed.md").write_text("A fault.\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "Second")
    script.release(repository, "0.1.1", tmp_path / "next", dry_run=False, day="2026-12-02")
    assert (
        "version: 0.1.1\ndate-released: '2026-12-02'" in (repository / "CITATION.cff").read_text()
    )


def test_a_dry_run_changes_nothing(
    script: ModuleType, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "switch", "--quiet", "--create", "topic")
    before = git(repository, "rev-parse", "HEAD")
    script.release(repository, "0.2.0rc1", tmp_path / "dist", dry_run=True, day=DAY)
    assert git(repository, "rev-parse", "HEAD") == before
    assert git(repository, "tag") == ""
    assert git(repository, "status", "--porcelain") == ""
    assert (tmp_path / "dist" / "galaxyclass-0.2.0rc1.tar.gz").exists()
    assert "dry run: this repository has no new commit and no tag" in capsys.readouterr().out


def test_what_is_not_committed_or_not_on_main_is_refused(
    script: ModuleType, repository: Path, tmp_path: Path
) -> None:
    (repository / "new.txt").touch()
    with pytest.raises(script.ReleaseError, match=r"not committed:\n\?\? new\.txt"):
        script.release(repository, "0.1.0", tmp_path / "dist", dry_run=True, day=DAY)
    (repository / "new.txt").unlink()
    git(repository, "switch", "--quiet", "--create", "topic")
    with pytest.raises(script.ReleaseError, match="on branch topic"):
        script.release(repository, "0.1.0", tmp_path / "dist", dry_run=False, day=DAY)


def test_a_failed_build_leaves_nothing(
    script: ModuleType, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(clone: Path, dist: Path, version: str) -> None:
        script.run("git", "no-such-command", at=clone)

    monkeypatch.setattr(script, "build", fail)
    with pytest.raises(script.ReleaseError, match="failed: git no-such-command"):
        script.release(repository, "0.1.0", tmp_path / "dist", dry_run=False, day=DAY)
    assert git(repository, "tag") == ""
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("new", "is no version"),
        ("v0.3.0", "is written '0.3.0'"),
        ("0.3.0-rc1", "is written '0.3.0rc1'"),
        ("0.3.0.dev1", "is not a release"),
        ("0.3.0+local", "is not a release"),
        ("0.2.0", "is not newer than v0.2.0"),
        ("0.1.9", "is not newer than v0.2.0"),
    ],
)
def test_versions_that_cannot_be_released(script: ModuleType, text: str, message: str) -> None:
    with pytest.raises(script.ReleaseError, match=message):
        script.checked_version(text, ["v0.1.0", "v0.2.0", "other", "v0.2.0rc1"])
