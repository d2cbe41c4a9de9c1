"""Which variant of a union an input means, so that only this variant reports its faults.

A tag stands in the path of an error, always in angle brackets: `messages.0.<user>.content`.
Whoever shows that path to a client drops these parts.
"""

from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import BaseModel, Discriminator, Tag

TextT = TypeVar("TextT", bound=str)
OtherT = TypeVar("OtherT")

_ARRAYS: dict[type, str] = {str: "<texts>", int: "<tokens>", list: "<token-arrays>"}


def by_field(name: str) -> Discriminator:
    """Chooses among objects by a field of theirs: the value `user` has the tag `<user>`."""

    def tag(value: object) -> str | None:
        chosen = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        return f"<{chosen[:64]}>" if isinstance(chosen, str) else None

    tag.__name__ = name  # pydantic's message names the function, as it repeats the tag
    return Discriminator(tag)


def by_form(expected: str) -> Discriminator:
    """Chooses `<text>`, `<array>` or `<object>`; `expected` tells a client which may be."""

    def tag(value: object) -> str | None:
        if isinstance(value, str):
            return "<text>"
        if isinstance(value, list):
            return "<array>"
        return "<object>" if isinstance(value, (dict, BaseModel)) else None

    return _told(tag, expected)


def by_item(expected: str) -> Discriminator:
    """Chooses `<text>` or an array by its first item; `expected` tells a client which may be.

    The arrays are `<texts>` (so is an empty one), `<tokens>`, `<token-arrays>` and `<objects>`.
    """

    def tag(value: object) -> str | None:
        if not isinstance(value, list):
            return "<text>" if isinstance(value, str) else None
        return _ARRAYS.get(type(value[0]), "<objects>") if value else "<texts>"

    return _told(tag, expected)


def _told(tag: Callable[[object], str | None], expected: str) -> Discriminator:
    return Discriminator(
        tag,
        custom_error_type="form_type",
        custom_error_message=f"Input should be {expected}",
    )


TextOrArray = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[OtherT, Tag("<array>")],
    by_form("a string or an array"),
]
TextOrObject = Annotated[
    Annotated[TextT, Tag("<text>")] | Annotated[OtherT, Tag("<object>")],
    by_form("a string or an object"),
]
