"""Reading recipes: a shipped recipe by its name or a user's from a file, with changed settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from galaxyclass.arguments import Settings, public
from galaxyclass.errors import ArgumentError, RecipeError
from galaxyclass.io.reading import parse_toml, read_description
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.recipes.settings import as_assignments
from galaxyclass.short import counted, did_you_mean, short_value

#: The recipes that the package ships.
RECIPES: tuple[str, ...] = (
    "fast",
    "best",
    "notebook",
    "resnet34-focal",
    "two-layer-cnn",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "cnn100",
    "resnet10",
)


@public
def load_recipe(name: str | Path, settings: Settings = ()) -> Recipe:
    """Read a recipe and apply changes to it.

    Parameters
    ----------
    name : str or Path
        A shipped recipe, or a TOML file.
    settings : mapping or sequence of str
        Setting -> its value, or ``section.key=value`` each; the value is read as TOML, or as text
        where it is not TOML.

    Raises
    ------
    RecipeError
        No such recipe; not TOML; unknown keys and wrong values, all in one message.

    Examples
    --------
    >>> recipe = load_recipe("notebook", {"training.epochs": 3, "model.head": "tree"})
    >>> recipe.training.epochs, recipe.model.head
    (3, 'tree')
    """
    text = recipe_text(name)
    try:
        data = parse_toml(text)
    except ValueError as error:
        raise RecipeError(f"recipe {name}: not valid TOML", got=str(error)) from error
    data.setdefault("name", Path(name).stem)
    for setting in as_assignments(settings):
        _assign(data, setting)
    return parse_recipe(data, str(name))


def as_recipe(
    recipe: str | Path | Recipe, settings: Settings = (), *, used: Sequence[str] = ()
) -> Recipe:
    """A recipe from a `Recipe`, a name or a file, with changed settings.

    ``used`` are the beginnings of the settings that the caller makes use of; by default all.

    Raises
    ------
    RecipeError
        As for `load_recipe`.
    ArgumentError
        A setting is changed that is not used.
    """
    for setting in as_assignments(settings) if used else ():
        if not setting.startswith(tuple(used)):
            raise ArgumentError(
                "`settings`: it would change nothing here",
                argument="settings",
                wanted=" or ".join(f"{name}…" if name.endswith(".") else name for name in used),
                got=setting,
            )
    if not isinstance(recipe, Recipe):
        return load_recipe(recipe, settings)
    if not settings:
        return recipe
    data = recipe.model_dump()
    for setting in as_assignments(settings):
        _assign(data, setting)
    return parse_recipe(data, recipe.name)


def recipe_text(name: str | Path) -> str:
    """The TOML of a recipe with its comments.

    Raises
    ------
    RecipeError
        No shipped recipe has that name and no such file exists.
    """
    if str(name) in RECIPES:
        file = resources.files("galaxyclass.recipes") / "shipped" / f"{name}.toml"
        return file.read_text(encoding="utf-8")
    try:
        return read_description(name)
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"{name}: not text in UTF-8", got=str(error), hint="save the file as UTF-8"
        ) from error
    except OSError as error:
        raise RecipeError(
            f"no recipe {str(name)!r}",
            wanted=f"{', '.join(RECIPES)}, or a TOML file",
            got=error.strerror or str(error),
            hint=did_you_mean(str(name), RECIPES) or "check the name, or the path",
        ) from error


def parse_recipe(data: Mapping[str, Any], source: str) -> Recipe:
    """Check a recipe's data and build it.

    Raises
    ------
    RecipeError
        Names every unknown key, wrong value and missing key, and what is allowed.
    """
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors()]
        raise RecipeError(
            f"recipe {source}: {counted(len(problems), 'setting is', 'settings are')} not right",
            got="\n".join(problems),
            hint=f"`galaxyclass.load_recipe({source if source in RECIPES else RECIPES[0]!r})` has "
            "every key",
        ) from error


def recipe_toml(recipe: Recipe) -> str:
    """A recipe as TOML with every key, such that `load_recipe` gives it back."""
    return str(recipe)


def _assign(data: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise RecipeError(
            f"`settings`: {assignment!r} is not an assignment",
            wanted="SECTION.KEY=VALUE, for instance training.epochs=40",
        )
    try:
        value: Any = parse_toml(f"value = {text}")["value"]
    except ValueError:
        value = text.strip()
    *sections, last = key.strip().split(".")
    if value == "none" and "none" not in _choices([*sections, last]):
        value = None  # TOML has no null
    table = data
    for section in sections:
        nested = table.setdefault(section, {})
        if not isinstance(nested, dict):
            raise RecipeError(
                f"`settings`: {assignment!r}: {section} is a setting, not a section",
                wanted="SECTION.KEY=VALUE, for instance training.epochs=40",
            )
        table = nested
    table[last] = value


def _explain(problem: Any) -> str:
    """One line for one of pydantic's problems: the setting, its value and what was wanted."""
    path = [str(part) for part in problem["loc"]]
    where = ".".join(path)
    kind, value = problem["type"], problem["input"]
    context = problem.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{where}: no such key{_suggestion(path)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return f"{where}: missing"
    if kind == "literal_error":
        choices = [str(choice) for choice in _choices(path)]
        close = get_close_matches(str(value), choices, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"{where}: {value!r} is not one of {', '.join(choices)}{hint}"
    for sign, text in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most")):
        if sign in context:
            return f"{where}: {short_value(value)} is not {text} {context[sign]}"
    wanted = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "string": "text",
        "tuple": "a list such as [0.9, 1.1]",
        "model": "a section",
    }.get(kind.split("_")[0], problem["msg"])
    return f"{where}: {value!r} is not {wanted}"


def _suggestion(path: list[str]) -> str:
    *sections, last = path
    section = _section(sections)
    if section is None:
        return ""
    keys = list(section.model_fields)
    close = get_close_matches(last, keys, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {'.'.join([*sections, close[0]])}?"
    elsewhere = [
        f"{name}.{last}"
        for name, field in Recipe.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, BaseModel)
        and last in field.annotation.model_fields
    ]
    if elsewhere:
        return f"; did you mean {elsewhere[0]}?"
    return f"; its keys are {', '.join(keys)}"


def _section(path: list[str]) -> type[BaseModel] | None:
    section: Any = Recipe
    for name in path:
        field = section.model_fields.get(name)
        if field is None or not isinstance(field.annotation, type):
            return None
        section = field.annotation
    return section if issubclass(section, BaseModel) else None


def _choices(path: list[str]) -> tuple[Any, ...]:
    """The allowed values of a setting that has a closed set of them."""
    *sections, last = path
    section = _section(sections)
    if section is None or last not in section.model_fields:
        return ()
    choices = get_args(section.model_fields[last].annotation)
    # Of a setting that may also be None, the choices are one level deeper.
    return tuple(
        choice
        for option in choices
        for choice in (get_args(option) if get_origin(option) is Literal else [option])
    )
