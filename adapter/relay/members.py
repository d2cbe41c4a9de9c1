"""The members of a JSON body that is handed on, each of them once.

What is decided here must be what the upstream reads. Of two members of one name some parsers take
the first and some the last, and Go's takes one whose case differs too: such a body is refused.
"""

import json
from typing import Any

import jiter

from adapter.parse.body import fields_of
from backends.protocol.errors import BadRequestError
from backends.protocol.wire import (
    CreateChatCompletionRequest,
    CreateCompletionRequest,
    CreateEmbeddingRequest,
    CreateModerationRequest,
)

READ = (
    CreateChatCompletionRequest,
    CreateCompletionRequest,
    CreateEmbeddingRequest,
    CreateModerationRequest,
)
KNOWN = frozenset(name for request in READ for name in request.model_fields) | {
    "background",
    "conversation",
    "instructions",
    "previous_response_id",
    "provider",
}


def members_of(body: bytes) -> dict[str, Any]:
    """The members of a body.

    Raises:
        BadRequestError: it is no JSON object, or has a member twice, or in another spelling.
    """
    fields: dict[str, Any]
    try:
        fields = jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        # Whatever is wrong is told in the words of every other request.
        fields = fields_of(body)
        _require_once(body)
    if not isinstance(fields, dict):
        fields = fields_of(body)
    for name in fields:
        if name not in KNOWN:
            require_spelling(name)
    return fields


def written(fields: dict[str, Any]) -> bytes:
    """The body that has these members, whole numbers of any size unharmed.

    Raises:
        BadRequestError: a number is larger than JSON's readers bear.
    """
    try:
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise BadRequestError("A number in the body is too large.", code="invalid_json") from None
    return text.encode()


def require_spelling(name: str) -> None:
    """Accept a name that no parser takes for another one.

    Raises:
        BadRequestError: but for its case it is the name of a known member.
    """
    known = name.casefold()
    if known in KNOWN and name != known:
        raise BadRequestError(
            f"Unknown parameter: '{name}'. Write '{known}'.", param=name, code="unknown_parameter"
        )


def _require_once(body: bytes) -> None:
    """Accept a body each of whose members stands in it once; those of a member may be doubled."""
    try:
        # The outermost object is the last to be whole.
        pairs = json.loads(body, object_pairs_hook=list, parse_int=str, parse_float=str)
    except RecursionError:
        raise BadRequestError("The body is nested too deeply.", code="invalid_json") from None
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise BadRequestError(
                f"The parameter '{name[:100]}' stands twice in the body.",
                param=name[:100],
                code="duplicate_parameter",
            )
        names.add(name)
