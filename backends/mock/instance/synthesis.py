"""Which documents are attempted, and what is refused."""

import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import Any

import orjson

from backends.mock.instance import grammars
from backends.mock.instance.checking import Check
from backends.mock.instance.choices import VARIANTS
from backends.mock.instance.cost import refusal, require_affordable, require_short
from backends.mock.instance.document import Document
from backends.mock.instance.pen import Pen, StuckError
from backends.mock.instance.schema import Schema, hints
from backends.mock.instance.shapes import shapes
from backends.protocol.errors import BadRequestError

TIME_S = 1.5
CACHED = 256


def instance(schema: Mapping[str, Any] | bool, *, seed: int = 0) -> str:
    """A small JSON document that the schema accepts, the same each time for the same arguments.

    Raises:
        BadRequestError: it is no schema, or nothing was found that it accepts.
    """
    try:
        text = orjson.dumps(schema if isinstance(schema, bool) else {**schema})
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
    check = Check(schema)
    trouble = None
    for attempt in _attempts(schema, missing, seed):
        try:
            document = attempt.write()
        except StuckError as stuck:
            fault: str | None = str(stuck)
        else:
            fault = check.fault(document)
            if fault is None:
                return document
        trouble = trouble or fault
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
    for shape in shapes(schema, missing):
        if time.monotonic() > deadline - TIME_S / 2:
            return  # to make a grammar may take as long again
        matcher = grammars.of_schema(shape)
        if matcher is not None:
            for variant in range(VARIANTS):
                yield Document(matcher, own, seed=seed, variant=variant, deadline=deadline)
