"""``galaxyclass predict`` as it is typed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from galaxyclass.cli.main import main


@pytest.fixture
def run(fake, tmp_path, monkeypatch):
    module = sys.modules["galaxyclass.prediction.predict"]
    monkeypatch.setattr(module, "open_backend", lambda *_: fake.TreeBackend())
    return fake.save_run(tmp_path / "run")


def _type(*arguments):
    return main(["predict", *map(str, arguments)])


def test_several_files_after_one_option(fake, run, tmp_path, capsys):
    images = fake.save_images(tmp_path / "sky", 3)
    bad = tmp_path / "sky" / "bad.jpg"
    bad.write_text("no")
    output = tmp_path / "p.csv"
    assert _type(run, "--images", *images, bad, "--output", output) == 0
    said = capsys.readouterr()
    assert f"3 galaxies in {output}" in said.out
    assert f"1 images could not be decoded; {tmp_path / 'p_failed.csv'} lists them" in said.out


def test_output_exists_is_told_and_exit_code_1(fake, run, tmp_path, capsys):
    fake.save_images(tmp_path / "sky", 3)
    (tmp_path / "p.csv").touch()
    arguments = (run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv")
    assert _type(*arguments) == 1
    assert "the output exists already" in capsys.readouterr().err
    assert _type(*arguments, "--overwrite") == 0


def test_a_collapse_is_announced(fake, run, tmp_path, capsys, monkeypatch):
    fake.save_images(tmp_path / "sky", 30)
    module = sys.modules["galaxyclass.prediction.predict"]
    nothing = lambda cutouts: fake.said(np.full((len(cutouts), 37), 1e-4, np.float32))  # noqa: E731
    monkeypatch.setattr(module, "open_backend", lambda *_: nothing)
    assert _type(run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv") == 0
    assert "warning: Collapsed: every value is close to 0" in capsys.readouterr().err


def test_precision_reaches_the_network_and_the_note_is_printed(
    fake, run, tmp_path, capsys, monkeypatch
):
    fake.save_images(tmp_path / "sky", 3)
    module = sys.modules["galaxyclass.prediction.predict"]

    def opened(bundle, device, precision):
        backend = fake.LaneBackend(fake.TreeBackend())
        backend.note = f"Computed in {precision} on {device}."
        return backend

    monkeypatch.setattr(module, "open_backend", opened)
    arguments = (run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv")
    assert _type(*arguments, "--precision", "bf16", "--device", "cpu") == 0
    assert "Computed in bf16 on cpu." in capsys.readouterr().out
    assert _type(*arguments, "--precision", "fp8") == 2


def test_ctrl_c_is_130_and_says_how_to_go_on(fake, run, tmp_path, capsys, monkeypatch):
    fake.save_images(tmp_path / "sky", 30)
    module = sys.modules["galaxyclass.prediction.predict"]

    def stopped(cutouts):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "open_backend", lambda *_: stopped)
    assert _type(run, "--images", tmp_path / "sky", "--output", tmp_path / "p.csv") == 130
    assert "run the same command again: it goes on from there" in capsys.readouterr().err
