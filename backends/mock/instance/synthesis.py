"""Which shapes of a schema are tried, and what is refused.

A grammar says which bytes may come next, `document.py` chooses among them, and jsonschema-rs,
loaded when first needed, has the last word.
"""

import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from backends.mock.instance import grammars
from backends.mock.instance.cost import checkable, refusal, require_affordable, require_short
from backends.mock.instance.document import VARIANTS, Document
from backends.mock.instance.pen import Pen, StuckError
from backends.mock.instance.schema import Schema, eager, hints, without
from backends.protocol.errors import BadRequestError

if TYPE_CHECKING:
    from jsonschema_rs import Validator

TIME_S = 1.5
CACHED = 256
MAX_PATTERN_BYTES = 5_000_000
"""Compiled: a hundred letters of any language."""
HARD = ("pattern", "format", "patternProperties", "minLength", "maxLength", "oneOf", "allOf")
"""Keywords that a grammar may have to go without; the document is held to them all the same."""


def instance(schema: Mapping[str, Any] | bool, *, seed: int = 0) -> str:
    """A small JSON document that the schema accepts, the same each time for the same arguments.

    Raises:
        BadRequestError: it is no schema, or nothing was found that it accepts.
    """
    try:
        text = orjson.dumps(schema if isinstance(schema, bool) else dict(schema))
    except TypeError:
        raise refusal("it is no JSON, or nested too deeply") from None
    require_short(text)
    return _instance(text, seed)


def matching(grammar: Mapping[str, Any]) -> str:
    """A short text that a custom tool's Lark grammar or regular expression accepts.

    Raises:
        BadRequestError: it is no such grammar, or nothing was found that it accepts.
    """
    return _matching(grammar["syntax"], grammar["definition"])


@lru_cache(maxsize=CACHED)
def _instance(text: bytes, seed: int) -> str:
    schema = orjson.loads(text)
    if schema is False:
        raise refusal("'false' accepts none")
    schema = {} if schema is True else schema
    missing = require_affordable(schema)
    validator = _validator(schema)
    trouble = None
    for attempt in _attempts(schema, missing, seed):
        try:
            document = attempt.write()
            value = checkable(schema, document)
        except StuckError as stuck:
            trouble = trouble or str(stuck)
            continue
        error = next(validator.iter_errors(value), None)
        if error is None:
            return document
        trouble = trouble or f"'{error.kind.name}' could not be met"
    raise refusal(trouble or "its keywords contradict each other, or are too complex together")


@lru_cache(maxsize=CACHED)
def _matching(syntax: str, definition: str) -> str:
    matcher = grammars.of_text(syntax, definition)
    if matcher is None:
        raise _no_grammar(f"is no {syntax} grammar, or too complex a one")
    reason = ""
    deadline = time.monotonic() + TIME_S
    for variant in range(VARIANTS):
        lot = Random(variant)  # noqa: S311 - the same each time, and no secret
        try:
            return Pen(matcher, lot=lot, deadline=deadline).line()
        except StuckError as stuck:
            reason = str(stuck)
    raise _no_grammar(f"leads to no text: {reason}")


def _no_grammar(reason: str) -> BadRequestError:
    return BadRequestError(f"The grammar's 'definition' {reason}.", code="invalid_grammar")


def _attempts(schema: Schema, missing: frozenset[str], seed: int) -> Iterator[Document]:
    own = hints(schema)
    deadline = time.monotonic() + TIME_S
    for shape in _shapes(without(schema, missing | {"x-guidance"})):
        if time.monotonic() > deadline:
            return
        matcher = grammars.of_schema(shape)
        if matcher is not None:
            for variant in range(VARIANTS):
                yield Document(matcher, own, seed=seed, variant=variant, deadline=deadline)


def _shapes(schema: Schema) -> Iterator[Schema]:
    """What shows most of the schema first, what makes a grammar most easily last."""
    yield eager(schema, closed=True)
    yield eager(schema, closed=False)
    yield schema
    for word in HARD:
        looser = without(schema, frozenset({word}))
        if looser != schema:
            yield looser


def _validator(schema: Schema) -> "Validator":
    import jsonschema_rs  # noqa: PLC0415 - see above

    patterns = jsonschema_rs.FancyRegexOptions(size_limit=MAX_PATTERN_BYTES)
    try:
        return jsonschema_rs.validator_for(
            schema, retriever=_fetch_nothing, pattern_options=patterns
        )
    except jsonschema_rs.ValidationError as error:
        if error.kind.name == "$ref":
            raise refusal("a '$ref' or '$schema' points nowhere") from None
        where = "/".join(["", *map(str, error.instance_path)])[:100]
        raise BadRequestError(
            f"The JSON schema is not valid, or too large, at '{where}'.", code="invalid_schema"
        ) from None


def _fetch_nothing(address: str) -> NoReturn:
    """A schema makes no requests."""
    raise LookupError(address)
