"""Oddities of bodies and headers that are right, and servers that can less than others."""

import json
from collections.abc import Callable
from typing import Any

from tests.mutants.families import (
    answers,
    drops,
    drops_in_chunks,
    edits,
    edits_calls,
    edits_each_chunk,
    edits_errors,
    puts,
    puts_in_chunks,
    refuses,
    stack,
)
from tests.mutants.layer import Answer, Call, Layer, around

ALL = "/"
# Objects whose keys are not fields.
MAPS = frozenset(
    {"categories", "category_scores", "category_applied_input_types", "top_logprobs", "metadata"}
)
OPTIONAL = (
    "system_fingerprint",
    "service_tier",
    "usage.prompt_tokens_details",
    "usage.completion_tokens_details",
)
ASKED = (
    *("tools", "functions", "logprobs", "logit_bias", "metadata", "service_tier"),
    *("stream_options", "response_format", "n", "best_of", "echo", "suffix"),
)
PLAIN: tuple[Any, ...] = (None, False, 1, [], {}, {"type": "text"})


def _api(call: Call) -> bool:
    return call.method in {"GET", "POST"} and not call.path.startswith(("/metrics", "/health"))


def _everywhere(edit: Callable[[Any], Any]) -> Layer:
    """Edits answers, chunks and errors alike, in place."""
    return stack(
        edits(edit, ALL, _api), edits_each_chunk(edit, ALL, _api), edits_errors(edit, _api)
    )


# --- contents ---


def _asks_number(call: Call) -> bool:
    wanted = call.param("response_format")
    schema = wanted.get("json_schema", {}).get("schema", {}) if isinstance(wanted, dict) else {}
    value = schema.get("properties", {}).get("value", {}) if isinstance(schema, dict) else {}
    return isinstance(value, dict) and value == {"type": "number"}


LARGE_NUMBER = puts("choices.*.message.content", '{"value": -2e4543}', when=_asks_number)


# --- headers ---


def _spelt_types(_: Call, answer: Answer) -> None:
    spelt = "Text/Event-Stream;charset=UTF-8" if answer.is_stream else "Application/JSON"
    if any(name == b"content-type" for name, _ in answer.headers) and answer.body:
        answer.set_header("content-type", spelt)


def _titled(_: Call, answer: Answer) -> None:
    answer.headers = [(name.title(), value) for name, value in answer.headers]
    answer.headers.append((b"Server", b"odd"))


def _no_length(_: Call, answer: Answer) -> None:
    if answer.body:
        answer.set_header("content-length", None)


# --- JSON ---


def _extra(value: Any, name: str = "") -> None:
    """An unknown key in every object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _extra(inner, key)
        if name not in MAPS:
            value["x_extra"] = {"of": ["another", "server", 1]}
    elif isinstance(value, list):
        for inner in value:
            _extra(inner, name)


def _backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _backwards(value[key]) for key in reversed(value)}
    return [_backwards(one) for one in value] if isinstance(value, list) else value


def _reprinted(call: Call, answer: Answer) -> None:
    """Pretty, in ASCII, with the keys the other way round."""
    if not _api(call) or not answer.body:
        return
    if answer.is_stream:
        frames = answer.body.split(b"\n\n")[:-1]
        printed = (
            b"data: " + json.dumps(_backwards(json.loads(one[6:]))).encode() for one in frames[:-1]
        )
        answer.body = b"".join(one + b"\n\n" for one in (*printed, frames[-1]))
    else:
        answer.body = (json.dumps(_backwards(json.loads(answer.body)), indent=4) + "\n").encode()


def _renamed(body: Any) -> None:
    """Another scheme of ids."""
    if isinstance(body, dict) and str(body.get("id")).startswith(("chatcmpl-", "cmpl-")):
        body["id"] = "gen/" + str(body["id"]).partition("-")[2].upper()


def _named(call: Call) -> bool:
    return isinstance(call.param("tool_choice"), dict)


def _stops(old: Any) -> Any:
    return "stop" if old == "tool_calls" else old


def _last_four(body: Any) -> None:
    if isinstance(body.get("stop"), list):
        body["stop"] = body["stop"][-4:]


def _of_the_framework(body: Any) -> Any:
    return {"detail": "Not Found"}


def _no_route(call: Call) -> bool:
    parts = call.path.strip("/").split("/")
    stored = parts[:2] == ["chat", "completions"] and (len(parts) > 2 or call.method != "POST")
    return stored or parts[0].startswith("no-such")


def _one_model(call: Call) -> bool:
    return call.path.startswith("/models/")


def _names_custom(call: Call) -> bool:
    choice = call.param("tool_choice")
    return isinstance(choice, dict) and choice.get("type") == "custom"


def _another_kind(body: Any) -> None:
    """Errors as vLLM types them."""
    body["error"]["type"] = "BadRequestError"


# --- servers that can less ---


def _not_plain(call: Call) -> str | None:
    """The parameter of a request that asks for more than plain text."""
    if call.path not in {"/chat/completions", "/completions"}:
        return None
    messages = call.param("messages")
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else []:
            if isinstance(part, dict) and part.get("type") in {"image_url", "input_audio", "file"}:
                return "messages"
    return next((name for name in ASKED if call.param(name) not in PLAIN), None)


def _plain_only(call: Call) -> Answer | None:
    if (name := _not_plain(call)) is None:
        return None
    message = f"{name} is not supported."
    error = {"message": message, "type": "invalid_request_error", "param": name, "code": None}
    return Answer.of(422 if name == "messages" else 400, {"error": error})


def _no_chat(call: Call) -> bool:
    return not call.path.replace("//", "/").startswith(("/chat/completions", "/models"))


EXTRA = _everywhere(_extra)
PRINTED = around(after=_reprinted)
SPARSE = stack(
    _everywhere(_renamed),
    *(one for key in OPTIONAL for one in (drops(key, ALL), drops_in_chunks(key, ALL))),
    drops("choices.*.message.annotations"),
)
NAMED_STOP = stack(
    puts("choices.*.finish_reason", _stops, when=_named),
    puts_in_chunks("choices.*.finish_reason", _stops, when=_named),
)
TYPES = around(after=_spelt_types)
TITLED = around(after=_titled)
CHUNKED = around(after=_no_length)
ERRORS = edits_errors(_another_kind, _api)
PLAIN_ONLY = around(before=_plain_only)
CHAT_ONLY = refuses(_no_chat, 404)
UNPROCESSABLE = answers(400, 422)
FIVE_STOPS = edits_calls(_last_four)
FRAMEWORK_404 = edits_errors(_of_the_framework, _no_route)
CREATED_NOW = puts("created", 1_800_000_000, "/models", _one_model)
NO_NAMED_CUSTOM = refuses(_names_custom)
