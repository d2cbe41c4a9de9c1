"""The parent of all wire models, and the two generic types they are built with."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

T = TypeVar("T")


class WireModel(BaseModel):
    """A JSON object: exact types, finite numbers, unknown properties kept in `model_extra`."""

    model_config = ConfigDict(
        strict=True,
        extra="allow",
        allow_inf_nan=False,
        protected_namespaces=(),
        serialize_by_alias=True,
        defer_build=True,  # at its first use, which halves the time of the import
    )


class _NotNull:
    """Takes null out of what a field accepts, not out of its Python type."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


Omittable = Annotated[T | None, _NotNull()]
"""May be left out, and is then None; an explicit null is refused."""

Array = Annotated[list[T], Field(fail_fast=True)]
"""Stops at its first faulty item, so that a long array gives a short error."""
