"""What is read of a body that is handed on: its fields, and of them the model and the provider."""

import re
from typing import Any

import jiter
import orjson

from adapter.exchange import Exchange
from adapter.parse.body import FORM
from adapter.relay.form import model_in_form
from adapter.relay.members import members_of, written
from backends.protocol.errors import BadRequestError

PASSTHROUGH = "passthrough"  # one name for all, for paths are any client's to invent
UTF_8 = re.compile(rb"""charset\s*=\s*["']?(?:utf-?8|us-ascii)["']?\s*(?:;|$)""", re.IGNORECASE)
MODEL = re.compile(rb'"model"\s*:\s*("(?:[^"\\]|\\.)*")')


def fields_in(exchange: Exchange, body: bytes) -> dict[str, Any]:
    """The fields of a body; of a form, its model alone.

    Raises:
        BadRequestError: it is no JSON object or no form, or could be read in two ways.
    """
    if is_form(exchange):
        return model_in_form(content_type(exchange), body)
    return members_of(body)


def is_form(exchange: Exchange) -> bool:
    """Whether the body is a form."""
    return content_type(exchange).lower().startswith(FORM)


def content_type(exchange: Exchange) -> bytes:
    """The type of the body, empty where it has none.

    Raises:
        BadRequestError: it has two, or one of another charset: an upstream might take another.
    """
    kinds = [value for name, value in exchange.scope["headers"] if name == b"content-type"]
    if len(kinds) > 1:
        raise BadRequestError("There is more than one Content-Type.", code="invalid_content_type")
    kind = kinds[0] if kinds else b""
    if kind.lower().count(b"charset") != len(UTF_8.findall(kind)):
        raise BadRequestError("Unsupported charset: send UTF-8.", code="unsupported_content_type")
    return kind


def model_of(fields: dict[str, Any], default: str | None = None) -> str:
    """The model that a body names, or the default where it names none.

    Raises:
        BadRequestError: it names none.
    """
    model = fields.get("model")
    if model is None:
        model = default
    if isinstance(model, str):
        return model
    if model is None:
        code, message = "missing_required_parameter", "Missing required parameter: 'model'."
    else:
        code, message = "invalid_value", "Invalid 'model': Input should be a valid string."
    raise BadRequestError(message, param="model", code=code)


def names_model(exchange: Exchange, body: bytes) -> bool:
    """Whether a request is one for a model; some of what merely passes through is for none.

    A key for some models alone must name one, wherever it sends a body.
    """
    path: str = exchange.scope["path"]
    if exchange.operation != PASSTHROUGH:
        return True
    if not body:
        return path == "/v1/responses" and exchange.scope["method"] == "POST"
    return (
        path.startswith("/v1/responses")
        or not exchange.key.models.allows("")
        or "model" in fields_in(exchange, body)
    )


def without_provider(body: bytes, fields: dict[str, Any]) -> tuple[str | None, bytes]:
    """The provider that a body names, and the body without it."""
    provider = fields.get("provider")
    if not isinstance(provider, str):
        return None, body
    return provider, written({k: v for k, v in fields.items() if k != "provider"})


def renamed(body: bytes, fields: dict[str, Any], model: str) -> bytes:
    """The body with another model, and every other byte as it was.

    Raises:
        BadRequestError: it is a form.
    """
    if not body.lstrip().startswith(b"{"):
        raise BadRequestError("In a form, a model must have its own name.", param="model")
    wanted = fields | {"model": model}
    new = orjson.dumps(model)
    for found in MODEL.finditer(body):
        changed = body[: found.start(1)] + new + body[found.end(1) :]
        # A nested field may have the same name.
        if jiter.from_json(changed) == wanted:
            return changed
    return written(wanted)
