"""The grammar of a `response_format`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends.torch.grammar.schemas import json_grammar

if TYPE_CHECKING:
    from backends.protocol import ResponseFormat


def format_grammar(wanted: ResponseFormat) -> dict[str, Any] | None:
    """The grammar of the documents of a format; None: any text will do.

    A schema is enforced whole or refused, strict or not.

    Raises:
        BadRequestError: the schema would take too long.
    """
    if wanted.type == "text":
        return None
    schema = {"type": "object"} if wanted.type == "json_object" else wanted.schema or {}
    return json_grammar(schema, wanted.param)
