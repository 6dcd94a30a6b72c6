"""Empty words, outputs without a name, and options of reading that change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, OutputError
from galaxyclass.images.arrays import decode_array
from galaxyclass.images.render import RenderSettings
from galaxyclass.io.output import require_apart, require_no_image, require_page
from galaxyclass.model.reading import with_reading
from galaxyclass.model.writers import writer_of
from galaxyclass.recipes.preprocessing import Preprocessing


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["predict", "--images", "", "--output", "p.csv"], "--images is empty"),
        (["predict", "--images", ".", "--output="], "--output is empty"),
        (["tree", ""], "an argument is empty"),
    ],
)
def test_an_empty_word_is_not_the_current_folder(
    words: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert what in capsys.readouterr().err


@pytest.mark.parametrize("output", [".", "/", "..", ".csv"])
def test_an_output_without_a_name(output: str) -> None:
    with pytest.raises(OutputError, match="not a kind of table") as refused:
        writer_of(Path(output))
    assert "predictions.csv" in (refused.value.hint or "")
    with pytest.raises(OutputError, match="a page for a browser"):
        require_page(output)


def test_pictures_are_not_written_among_the_images(tmp_path: Path) -> None:
    require_apart(tmp_path / "out", tmp_path / "images")
    with pytest.raises(OutputError, match="in the folder of images"):
        require_apart(tmp_path / "out", tmp_path)
    with pytest.raises(OutputError, match="in the folder of images"):
        galaxyclass.explore(tmp_path, {"id": [1], "class": ["a"]}, output=tmp_path)


def test_settings_of_bands_that_are_not_applied_are_told() -> None:
    grey = np.zeros((9, 9, 3), np.uint8)
    assert decode_array(grey, RenderSettings()).notes == ()
    settings = RenderSettings(stretch="asinh", limits=(0.0, 9.0))
    assert decode_array(grey, settings).notes == (
        "grey levels or colours already: stretch, limits are not applied",
    )


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        ({"limits": (1.0, 0.0)}, "black is not below white"),
        ({"limits": (float("nan"), 1.0)}, "a finite number"),
        ({"limits": (0.0, 1.0), "stretch": "none"}, "limits: the stretch none has no limits"),
        ({"pixel_scale": float("inf")}, "pixel_scale: Input should be a finite number"),
        ({"pixel_scale": 0.3, "scale": "keep"}, "state one of them"),
    ],
)
def test_settings_of_reading_that_contradict(reading: dict[str, object], why: str) -> None:
    model = Preprocessing.model_validate({"picture_size": 424})
    with pytest.raises(ArgumentError, match=why):
        with_reading([model], reading)


def test_an_output_never_replaces_an_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,class\n1,a\n")
    for inputs in ({"images": "here", "table": table}, {"images": [table]}):
        with pytest.raises(ArgumentError, match="which would be lost") as refused:
            galaxyclass.predict(None, output=table, overwrite=True, **inputs)
        assert refused.value.argument == "output"
    with pytest.raises(ArgumentError, match="a file of `images`, which would be lost"):
        galaxyclass.explore(galaxyclass.Dataset("a", "b", also=[("c", table)]), output=table)
    assert table.read_text() == "id,class\n1,a\n"
    for words in (
        ["select", str(table), "--output", str(table)],
        ["select", "p.parquet", "--labelled", str(table), "--output", str(table)],
        ["similar", str(table), "--like", "1", "--gallery", str(table)],
        ["predict", "--images", str(table), "here", "--output", str(table)],
    ):
        assert main([*words, "--overwrite"]) != 0
        assert "which would be lost" in capsys.readouterr().err
    assert table.read_text() == "id,class\n1,a\n"
    require_no_image(tmp_path / "p.fits", [str(tmp_path / "p.fits")])  # not there yet
    with pytest.raises(OutputError, match="one of the images"):
        require_no_image(table, ["other.csv", str(table)])
