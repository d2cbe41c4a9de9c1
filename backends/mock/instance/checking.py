"""Holds a document to its schema by jsonschema-rs, which is loaded when first needed."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NoReturn

import orjson

from backends.mock.instance.cost import refusal
from backends.mock.instance.schema import PATTERNS, Schema, schemas, target, within
from backends.protocol.errors import BadRequestError

MAX_PATTERN_BYTES = 5_000_000
"""Compiled: a hundred letters of any language."""
MAX_MATCHED = 2_000
"""The longest string that is held to a pattern: the time grows with the square of it."""
MAX_VISITS = 20_000

MEMBERS = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "items",
        "patternProperties",
        "prefixItems",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords whose schemas are for the members of a value, not for the value itself."""


class Check:
    """A schema that documents are held to.

    Raises:
        BadRequestError: it is none; the message says where.
    """

    def __init__(self, schema: Schema) -> None:
        import jsonschema_rs  # noqa: PLC0415 - see above

        self._schema = schema
        self._matches = any(PATTERNS & part.keys() for part in schemas(schema))
        patterns = jsonschema_rs.FancyRegexOptions(size_limit=MAX_PATTERN_BYTES)
        try:
            self._validator = jsonschema_rs.validator_for(
                schema, retriever=_fetch_nothing, pattern_options=patterns
            )
        except jsonschema_rs.ValidationError as error:
            if error.kind.name == "$ref":
                raise refusal("a '$ref' or '$schema' points nowhere") from None
            where = "/".join(["", *map(str, error.instance_path)])[:100]
            raise BadRequestError(
                f"The JSON schema is not valid, or too large, at '{where}'.", code="invalid_schema"
            ) from None

    def fault(self, document: str) -> str | None:
        """What is wrong with the document, or why it cannot be told; None: nothing."""
        longest = max(map(len, document.split('"')))
        if self._matches and longest > MAX_MATCHED:
            return f"a string of {longest} characters is too long for a 'pattern'"
        value = orjson.loads(document)
        if not self._is_affordable(value):
            return "its '$ref' fan out too far"
        error = next(self._validator.iter_errors(value), None)
        return None if error is None else f"'{error.kind.name}' could not be met"

    def _is_affordable(self, value: object) -> bool:
        """Whether a validator gets through soon: references that fan out cost it 2**n visits."""
        pending: list[tuple[Any, Any]] = [(self._schema, value)]
        for _ in range(MAX_VISITS):
            if not pending:
                return True
            part, place = pending.pop()
            if isinstance(part, dict):
                pending += islice(_visits(self._schema, part, place), MAX_VISITS)
        return False


def _visits(root: Schema, part: Schema, value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """The schemas that a validator goes on to, each with the value that it is for."""
    members = value.values() if isinstance(value, dict) else value
    members = list(members) if isinstance(value, dict | list) else []
    for word, inside in part.items():
        if word in {"$defs", "definitions"}:
            continue
        if word == "$ref":
            yield target(root, str(inside)), value
        elif word == "properties":
            if isinstance(inside, dict) and isinstance(value, dict):
                yield from ((inside[name], value[name]) for name in inside.keys() & value.keys())
        elif word in MEMBERS and isinstance(inside, list):
            yield from zip(inside, members, strict=False)
        elif word == "propertyNames":
            yield from ((inside, "") for _ in members)
        else:
            values = members if word in MEMBERS else [value]
            yield from ((one, each) for one in within(part, word) for each in values)


def _fetch_nothing(address: str) -> NoReturn:
    """A schema makes no requests."""
    raise LookupError(address)
