"""Reading recipes: what they say, how they are changed, and every way to get one wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.errors import ArgumentError, RecipeError
from galaxyclass.recipes.read import (
    RECIPES,
    as_recipe,
    load_recipe,
    parse_recipe,
    recipe_text,
    recipe_toml,
)


@pytest.mark.parametrize("name", RECIPES)
def test_shipped_recipe_survives_being_written(name: str) -> None:
    recipe = load_recipe(name)
    assert parse_recipe(tomllib.loads(recipe_toml(recipe)), "written") == recipe


@pytest.mark.parametrize("name", RECIPES)
def test_shipped_recipe_opens_with_the_command_that_runs_it(name: str) -> None:
    assert f"#   galaxyclass train {name} --images DIR" in recipe_text(name)


def test_the_notebook_is_as_it_was() -> None:
    recipe = load_recipe("notebook")
    assert (recipe.images.cutout, recipe.images.size, recipe.images.colour) == (
        "contour",
        150,
        "grey",
    )
    augmentation = recipe.augmentation
    assert augmentation.flip == "both"
    assert augmentation.rotation == pytest.approx(0.3 * 360)
    assert augmentation.zoom == (0.9, 1.1)
    assert augmentation.zoom_axes == "independent"
    assert augmentation.contrast == 0.05
    assert augmentation.fill == "reflect"
    assert (recipe.optimizer.name, recipe.optimizer.lr) == ("adam", 1e-3)
    training = recipe.training
    assert (training.epochs, training.batch_size, training.loss) == (50, 64, "mse")
    assert (training.shuffle_buffer, training.early_stopping, training.keep) == (1024, 0, "last")
    assert recipe.schedule.name == "constant"
    assert recipe.schedule.plateau_factor == 0.2
    assert recipe.schedule.plateau_patience == 7
    assert recipe.schedule.plateau_floor == 1e-5
    assert (recipe.schedule.step_factor, recipe.schedule.step_every) == (0.8, 10)
    assert (recipe.split.validation, recipe.split.test) == (0.2, 0.0)
    assert recipe.model.head == "sigmoid"


@given(epochs=st.integers(1, 10_000), rate=st.floats(1e-8, 10))
def test_assignments_change_what_they_name_alone(epochs: int, rate: float) -> None:
    plain = load_recipe("notebook")
    changed = load_recipe("notebook", [f"training.epochs={epochs}", f"optimizer.lr={rate!r}"])
    assert changed.training.epochs == epochs
    assert changed.optimizer.lr == rate
    assert changed.model == plain.model
    assert changed.training.model_copy(update={"epochs": 50}) == plain.training


def test_none_empties_a_setting() -> None:
    assert load_recipe("fast", ["images.frame=none"]).images.frame is None


def test_none_is_a_word_where_it_is_a_choice() -> None:
    assert load_recipe("fast", ["augmentation.flip=none"]).augmentation.flip == "none"


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(
            "notebook",
            ["training.epocs=3", "model.head=tre", "optimizer.lr=-1", "images.size=big"],
        )
    text = str(caught.value)
    assert "4 settings are not right" in text
    assert "training.epocs: no such key; did you mean training.epochs?" in text
    assert "model.head: 'tre' is not one of auto, sigmoid, softmax, tree, tree_rectified" in text
    assert "did you mean tree?" in text
    assert "optimizer.lr: -1 is not above 0" in text
    assert "images.size: 'big' is not a whole number" in text


def test_a_key_without_its_section_is_found() -> None:
    with pytest.raises(RecipeError, match=r"epochs: no such key; did you mean training\.epochs\?"):
        load_recipe("notebook", ["epochs=3"])


def test_an_assignment_without_equals() -> None:
    with pytest.raises(RecipeError, match=r"wanted: SECTION\.KEY=VALUE"):
        load_recipe("notebook", ["training.epochs"])


def test_a_setting_used_as_a_section() -> None:
    with pytest.raises(RecipeError, match="epochs is a setting, not a section"):
        load_recipe("notebook", ["training.epochs.more=3"])


def test_a_name_nearly_right() -> None:
    with pytest.raises(RecipeError, match="did you mean 'notebook'"):
        load_recipe("notebok")


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[model\n")
    with pytest.raises(RecipeError, match="not valid TOML"):
        load_recipe(file)


def test_a_missing_section_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[about]\ntitle = "mine"\n')
    with pytest.raises(RecipeError, match=r"images: missing\n.*model: missing"):
        load_recipe(file)


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(recipe_text("fast"))
    recipe = load_recipe(file)
    assert recipe.name == "mine"
    assert recipe.model == load_recipe("fast").model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model.input_size=96"], r"model\.input_size: 96 is more than images\.size, 64"),
        (["split.validation=0.6", "split.test=0.6"], "leave nothing to train on"),
        (["augmentation.flip=none", "augmentation.mirror_pairs=['a:b']"], "no mirror images"),
        (["augmentation.zoom=[1.2, 0.8]"], "not a smallest and a largest magnification"),
    ],
)
def test_settings_that_do_not_fit_together(settings: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("fast", settings)


def test_a_setting_that_changes_nothing_is_refused() -> None:
    assert as_recipe("fast", {"split.test": 0.2}, used=["split."]).split.test == 0.2
    with pytest.raises(ArgumentError, match="would change nothing") as caught:
        as_recipe(
            "fast", ["split.test=0.2", "model.head=tree"], used=["split.", "model.input_size"]
        )
    assert (caught.value.argument, caught.value.got) == ("settings", "model.head=tree")
    assert caught.value.wanted == "split.… or model.input_size"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epochs=true", "true is not a whole number|True is not a whole number"),
        ("optimizer.lr=true", "True is not a number"),
        ("split.seed=false", "False is not a whole number"),
        ("images.scale=true", "images.scale"),
        ("images.bands=true", "images.bands"),
        ("model.pretrained=1", "1 is not true or false"),
        ("optimizer.lr=inf", "optimizer.lr: inf"),
        ("training.gradient_clip=1e400", "training.gradient_clip: inf"),
        ("images.softening=inf", "images.softening: inf"),
        ("images.limits=[]", "images.limits: empty"),
        ("images.percentiles=[1, 99]", "state the stretch percentile too"),
    ],
)
def test_values_that_are_no_such_thing(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("fast", settings=[setting])


def test_settings_of_another_stretch_are_refused() -> None:
    with pytest.raises(RecipeError, match="the stretch sqrt has no softening; these have: asinh"):
        load_recipe("fast", settings=["images.stretch=sqrt", "images.softening=0.1"])
    load_recipe("fast", settings={"images.stretch": "percentile", "images.percentiles": (1, 99)})
