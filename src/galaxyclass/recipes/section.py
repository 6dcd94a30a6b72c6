"""What all sections of a recipe refuse: unknown keys, truth values as numbers, infinite numbers."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

#: The largest whole number of a setting; a seed may be as large.
_LARGEST = 2**32 - 1


class Section(BaseModel):
    """A section of a recipe: immutable, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _is_of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true where a number is wanted, and 1 where true is: pydantic converts both."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        is_flag = bool in (annotation, *get_args(annotation))
        if isinstance(value, bool) and not is_flag:
            kinds = ("int", "float")
            wanted = next((kind for kind in kinds if kind in str(annotation)), "string")
            raise PydanticKnownError(f"{wanted}_type")  # type: ignore[arg-type]
        if is_flag and isinstance(value, int | float) and not isinstance(value, bool):
            raise PydanticKnownError("bool_type")
        return value

    @field_validator("*")
    @classmethod
    def _fits(cls, value: Any) -> Any:
        """Refuse whole numbers that torch has no room for."""
        if isinstance(value, int) and value > _LARGEST:
            raise PydanticKnownError("less_than_equal", {"le": _LARGEST})
        return value
