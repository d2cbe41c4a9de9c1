"""The body of `POST /v1/messages`."""

from typing import Any

from backends.anthropic.catalogue import Ways
from backends.anthropic.thinking import thinking_of
from backends.anthropic.tools import tools_of
from backends.anthropic.turns import Conversation
from backends.protocol import GenerationRequest, ResponseFormat, Sampling
from backends.protocol.errors import BadRequestError, UnsupportedParameter

# OpenAI's names of tiers; None is what Anthropic does unasked.
SERVICE_TIERS = {"auto": None, "default": "standard_only"}


def messages_body(
    request: GenerationRequest, ways: Ways, default_max_tokens: int
) -> dict[str, Any]:
    """What Anthropic is asked, always as a stream.

    Raises:
        UnsupportedParameter: Anthropic has no word for it; `param` names it.
        BadRequestError: the messages cannot be arranged as turns, or there are none.
    """
    if request.prompt is not None:
        raise BadRequestError(
            f"The model '{request.model[:100]}' answers chats; it does not complete prompts.",
            param="model",
            code="unsupported_operation",
        )
    chat = Conversation(request.messages)
    body: dict[str, Any] = {"model": request.model, "stream": True, "messages": chat.turns}
    body |= thinking_of(request, ways, default_max_tokens, mid_turn=chat.ends_with_results)
    body |= _sampling(request.sampling)
    body |= tools_of(request)
    body |= _labels(request)
    if chat.system:
        body["system"] = chat.system
    if schema := _schema(request.response_format):
        body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}
    # Anthropic takes no blank ones; these, the adapter finds in the text.
    if stops := [stop for stop in request.stop if stop.strip()]:
        body["stop_sequences"] = stops
    return body


def _sampling(sampling: Sampling) -> dict[str, Any]:
    """What is not the default, which both APIs share: newer models take nothing else."""
    if sampling.temperature > 1:
        raise UnsupportedParameter(
            "Claude's temperature is from 0 to 1.", param="temperature", code="unsupported_value"
        )
    members = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    return {name: value for name, value in members.items() if value != 1}


def _labels(request: GenerationRequest) -> dict[str, Any]:
    """Who asks, at which tier, and whether the prompt is cached."""
    members: dict[str, Any] = {}
    if request.user:
        members["metadata"] = {"user_id": request.user}
    tier = request.service_tier
    if tier is not None and tier not in SERVICE_TIERS:
        raise UnsupportedParameter(
            f"Claude has no service tier '{tier}': send 'auto' or 'default'.",
            param="service_tier",
            code="unsupported_value",
        )
    if tier is not None and (named := SERVICE_TIERS[tier]):
        members["service_tier"] = named
    if request.cache_control is not None:
        members["cache_control"] = dict(request.cache_control)
    return members


def _schema(wanted: ResponseFormat) -> dict[str, Any] | None:
    if wanted.type == "text":
        return None
    if wanted.type == "json_object":
        raise UnsupportedParameter(
            "Claude's JSON follows a schema: send a 'response_format' of type 'json_schema'.",
            param="response_format.type",
        )
    if not wanted.schema:
        raise UnsupportedParameter("Claude's JSON needs a schema.", param=wanted.param)
    return dict(wanted.schema)
