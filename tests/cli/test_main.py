"""The command line as a whole: help that can be acted on, exit codes, messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxyclass.cli.main import COMMANDS, main
from galaxyclass.recipes.read import load_recipe


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert f"  {name}" in text
        assert summary in text


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example" in text
    assert f"  galaxyclass {name}" in text
    options = text[text.index("Options:") :]
    for line in options.splitlines():
        if line.strip().startswith("--"):
            following = options[options.index(line) + len(line) :].lstrip("\n")
            explained = len(line.split("  ")) > 2 or following.startswith("    ")
            assert explained, f"{name}: {line.strip()} has no help"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_list_says_what_the_command_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([name, "--help"])
    assert "Usage:" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("galaxyclass, version ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "Did you mean 'train'?"),
        (["predict", "--output", "p.csv"], "Missing option '--images'"),
        (["train", "fast"], "Missing --images, --output"),
        (["train"], "galaxyclass train --resume RUN"),
        (["train", "--resume", "run", "--seed", "3"], "leave out --seed"),
        (["train", "fast", "--resume", "run"], "leave out recipe"),
        (["simulate", "--cuont", "3", "--output", "x"], "--count"),
        (["train", "fast", "--device", "gpu"], "'gpu' is not one of"),
    ],
)
def test_a_wrong_command_line_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recipes", "noteboo"], "did you mean 'notebook'?"),
        (["recipes", "fast", "--set", "model.haed=tree"], "did you mean model.head?"),
        (["train", "--resume", "nowhere"], "nowhere: not a run"),
        (
            ["train", "fast", "--images", "x", "--output", "y", "--set", "training.epochs=0"],
            "training.epochs: 0 is not at least 1",
        ),
        (["train", "fast", "--images", "nowhere", "--output", "run"], "nowhere"),
        (["predict", "nowhere", "--images", "x.jpg", "--output", "p.csv"], "nowhere"),
        (["validate", "--images", "x" * 300], "--images is too long"),
        (["simulate", "--count", "1", "--output", "x" * 300], "--output is too long"),
    ],
)
def test_a_wrong_input_exits_with_1_and_says_so_in_few_lines(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert message in text
    assert "Traceback" not in text
    assert len(text.splitlines()) < 8
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_as_a_file_is_a_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "fast", "--set", "model.width=0.5", "--toml"]) == 0
    file = tmp_path / "half.toml"
    file.write_text(capsys.readouterr().out)
    recipe, wanted = load_recipe(file), load_recipe("fast", {"model.width": 0.5})
    assert recipe == wanted.model_copy(update={"name": "half"})
    assert main(["recipes", "--toml"]) == 2
    assert "--toml needs NAME" in capsys.readouterr().err


def test_recipes_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    assert "notebook        Six convolutional blocks" in capsys.readouterr().out
    assert main(["recipes", "notebook"]) == 0
    text = capsys.readouterr().out
    assert "Published: RMSE 0.0926" in text
    assert "848,133 trainable parameters, 1,152 batch-norm statistics, 849,285 in all" in text


def test_several_values_after_one_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["recipes", "fast", "--set", "training.epochs=3", "--set", "optimizer.lr=0.5"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "epochs            3 " in text
    assert "lr                0.5" in text


def test_a_library_that_cannot_be_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(**_: object) -> None:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")

    monkeypatch.setattr("galaxyclass.cli.main.group.main", load)
    assert main(["recipes"]) == 1
    shown = capsys.readouterr().err
    assert "error: a library cannot be loaded\n  got:    libtorch_cpu.so" in shown
    assert "ulimit -v" in shown
