"""How JSON schemas are read, and the words in which one is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from backends.protocol.errors import BadRequestError, UnsupportedParameter
from backends.torch.grammar.cost import MAX_BYTES, excess
from backends.torch.grammar.dates import with_real_dates

if TYPE_CHECKING:
    from collections.abc import Mapping

# At most one of these stands where JSON allows space: small models repeat newlines without end.
SPACE = r"\x20|\n\x20{0,16}"

# `\u` is not needed, as all but control characters stand for themselves, and would let half a
# surrogate pair through, or a second spelling of a name that may come once.
ESCAPES = 'nrbtf\\"'

# What llguidance says of a schema, and the keyword it means.
KEYWORDS = (
    (r'Unimplemented keys: \["([^"]+)"', r"the keyword '\1' cannot be enforced"),
    (r"Unknown format: (.{1,50})", r"the 'format' \1 cannot be enforced"),
    (r"oneOf constraints are not supported", "a 'oneOf' whose branches overlap cannot be enforced"),
    (r"patternProperty regexes", "its 'patternProperties' overlap, which cannot be enforced"),
    (r"regex for \w+ range", "bounds so far apart or so fine, of a number, cannot be enforced"),
    (r"if regex is empty|regex too complex", "its 'pattern' keywords are too complex together"),
    (r"[Rr]egex", "a 'pattern' of this form cannot be enforced"),
    (r"Resource '|[Rr]eference|\$ref", "a '$ref' points outside the schema, or at nothing"),
    (r"Unsatisfiable schema: (.{1,200})", r"no document fits it: \1"),
    (r"recursion limit", "it is nested too deeply"),
    (r"panic|fuel|too (?:large|complex|many)|limit", "it is too complex"),
)


def json_grammar(schema: Mapping[str, Any], param: str, *, lenient: bool = False) -> dict[str, Any]:
    """The schema as one of llguidance's grammars; lenient leaves out keywords it cannot enforce.

    Raises:
        BadRequestError: the schema is no JSON, or would take too long.
    """
    try:
        size = len(orjson.dumps(dict(schema)))
    except TypeError:
        reason = "it is no JSON, is nested too deeply, or has an integer of more than 64 bits"
        raise refusal(reason, param) from None
    if size > MAX_BYTES:
        raise refusal(f"it has {size} bytes, more than {MAX_BYTES}", param)
    too_much = excess(schema)
    if too_much:
        raise refusal(f"it has {too_much}, which is too much", param)
    reading = {
        "whitespace_pattern": SPACE,
        "json_allowed_escapes": ESCAPES,
        "coerce_one_of": lenient,
        "lenient": lenient,
    }
    return {"json_schema": {**with_real_dates(dict(schema)), "x-guidance": reading}}


def refusal(reason: str, param: str) -> BadRequestError:
    """The error for a schema that cannot be kept to."""
    return UnsupportedParameter(f"'{param}' cannot be kept to: {reason}.", param=param)


def reason_of(complaint: str) -> str:
    """What llguidance's complaint means, in the words of the schema's author."""
    for pattern, reason in KEYWORDS:
        found = re.search(pattern, complaint)
        if found:
            return found.expand(reason)
    return complaint.strip().partition("\n")[0][:200].rstrip(".") or "it is too complex"
