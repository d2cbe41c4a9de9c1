"""The request body: bytes to a wire model, or a clear refusal."""

from collections.abc import Iterator
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from adapter.exchange import ClientGone, Exchange
from backends.protocol.errors import BadRequestError, RequestTooLarge
from backends.protocol.wire import WireModel

Wire = TypeVar("Wire", bound=WireModel)

PARAM_CHARACTERS = 200
BYTES_PER_MB = 1_000_000
FORM = b"multipart/form-data"

# pydantic's kinds of error that deserve a code of OpenAI's, or words without a class name.
_CODES = {
    "missing": "missing_required_parameter",
    "union_tag_not_found": "missing_required_parameter",
}
_REASONS = {
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "dict_type": "Input should be an object",
    "list_type": "Input should be an array",
    "finite_number": "Input should be a finite number",
}


async def read_body(exchange: Exchange, max_body_mb: float, *, forms: bool = False) -> bytes:
    """The whole body.

    Raises:
        RequestTooLarge: it is, or says it is, larger than `max_body_mb`.
        BadRequestError: the content type is not JSON's, nor, with `forms`, that of a form.
    """
    limit = int(max_body_mb * BYTES_PER_MB)
    for name, value in exchange.scope["headers"]:
        if name == b"content-type":
            if not (forms and value.lower().startswith(FORM)):
                _require_json(value)
        elif name == b"content-length" and int(value) > limit:
            raise too_large(max_body_mb)
    message = await exchange.receive()
    chunks: list[bytes] = [message.get("body", b"")]
    size = len(chunks[0])
    while message.get("more_body", False) and size <= limit:
        message = await exchange.receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    if size > limit:
        raise too_large(max_body_mb)
    if message["type"] == "http.disconnect":
        raise ClientGone
    return b"".join(chunks)


def require_size(exchange: Exchange, max_body_mb: float) -> None:
    """Accept a body that does not say that it is too large.

    Raises:
        RequestTooLarge: it does.
    """
    for name, value in exchange.scope["headers"]:
        if name == b"content-length" and int(value) > max_body_mb * BYTES_PER_MB:
            raise too_large(max_body_mb)


def parse(model: type[Wire], body: bytes, *, strict: bool) -> Wire:
    """The body as a wire model; under `strict` an unknown field anywhere is refused.

    Raises:
        BadRequestError: no JSON, no object, or a field that is wrong; `param` is its path.
    """
    fields = fields_of(body)
    try:
        parsed = model.model_validate(fields)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        raise _refusal(details) from None
    except RecursionError:
        raise BadRequestError("The body is nested too deeply.", code="invalid_json") from None
    if strict and (unknown := next(unknown_fields(parsed), None)):
        raise BadRequestError(
            f"Unknown parameter: '{unknown}'.", param=unknown, code="unknown_parameter"
        )
    return parsed


def fields_of(body: bytes) -> dict[str, Any]:
    """The fields of a body.

    Raises:
        BadRequestError: it is no JSON object.
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = "the body is empty" if not body.strip() else str(error)[:100]
        raise BadRequestError(
            f"The body is not valid JSON: {reason}.", code="invalid_json"
        ) from None
    if not isinstance(fields, dict):
        raise BadRequestError("The body must be a JSON object.", code="invalid_json")
    return fields


def unknown_fields(parsed: BaseModel, path: str = "") -> Iterator[str]:
    """The paths of all fields that the wire models do not know."""
    for name in parsed.model_extra or ():
        yield (path + name)[:PARAM_CHARACTERS]
    for name, value in parsed:
        for place, item in _numbered(name, value):
            if isinstance(item, BaseModel):
                yield from unknown_fields(item, f"{path}{place}.")


def _numbered(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, list):
        yield from ((f"{name}.{index}", item) for index, item in enumerate(value))
    else:
        yield name, value


def _refusal(details: ErrorDetails) -> BadRequestError:
    kind = details["type"]
    path = [part for part in details["loc"] if not _is_marker(part)]
    if kind == "union_tag_not_found" and not isinstance(details["input"], dict):
        kind = "model_type"
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        path.append(details["ctx"]["discriminator"].strip("'").removesuffix("()"))
    param = ".".join(str(part) for part in path)[:PARAM_CHARACTERS] or None
    if _CODES.get(kind) == "missing_required_parameter":
        message = f"Missing required parameter: '{param}'."
    else:
        reason = _REASONS.get(kind, details["msg"])
        if kind == "union_tag_invalid":
            expected = details["ctx"]["expected_tags"].replace("'<", "'").replace(">'", "'")
            reason = f"Input should be one of {expected}"
        place = f"Invalid '{param}'" if param else "Invalid request"
        message = f"{place}: {reason}."
    return BadRequestError(message, param=param, code=_CODES.get(kind, "invalid_value"))


def _is_marker(part: Any) -> bool:  # noqa: ANN401 - pydantic's paths hold str and int
    """Whether a part of pydantic's path is a union's tag or a mark, not a field."""
    return isinstance(part, str) and (part == "[key]" or (part[:1] == "<" and part[-1:] == ">"))


def _require_json(value: bytes) -> None:
    media_type = value.partition(b";")[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        shown = media_type.decode("latin-1")[:100]
        raise BadRequestError(
            f"Unsupported content type '{shown}': send application/json.",
            code="unsupported_content_type",
        )


def too_large(max_body_mb: float) -> RequestTooLarge:
    """The error for a body that is larger than it may be."""
    return RequestTooLarge(f"The body is larger than {max_body_mb:g} MB.")
