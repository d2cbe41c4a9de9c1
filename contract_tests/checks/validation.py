"""Requests that the schema forbids: fields that are missing, of a wrong type, out of range."""

from typing import Any

from contract_tests.check import MUST, SHOULD, Check, Level, check
from contract_tests.samples import CHAT, COMPLETIONS, EMBEDDINGS, MODERATIONS
from contract_tests.server import Server
from contract_tests.sources import Source, doc, peer, spec

KINDS = {
    CHAT: ("chat", "messages", [{"role": "user", "content": "Say hi."}]),
    COMPLETIONS: ("completions", "prompt", "Say hi."),
    EMBEDDINGS: ("embeddings", "input", "Say hi."),
    MODERATIONS: ("moderations", "input", "Say hi."),
}
SCHEMAS = {
    CHAT: "CreateChatCompletionRequest/allOf/1",
    COMPLETIONS: "CreateCompletionRequest",
    EMBEDDINGS: "CreateEmbeddingRequest",
    MODERATIONS: "CreateModerationRequest",
}
SAMPLING = "ModelResponseProperties/properties"


def _body(server: Server, path: str) -> dict[str, Any]:
    kind, field, value = KINDS[path]
    return {"model": server.model(kind), field: value}


# --- missing ---


def _missing(path: str, field: str, level: Level, *sources: Source) -> Check:
    kind = KINDS[path][0]

    @check(
        f"validation.missing.{kind}_{field}",
        level,
        f"POST {path} without `{field}` is refused.",
        spec(f"{SCHEMAS[path]}/required"),
        sources,
        needs=kind,
    )
    async def missing(server: Server) -> None:
        body = _body(server, path)
        del body[field]
        await server.refuses(path, body, fresh=False)

    return missing


PARAM = peer("vllm", "TestValidationErrorParamFallback")
# A server of one model may well do without its name, and the document gives prompts a default.
chat_messages = _missing(CHAT, "messages", MUST, PARAM)
chat_model = _missing(CHAT, "model", SHOULD, PARAM)
completions_prompt = _missing(
    COMPLETIONS, "prompt", SHOULD, doc("CreateCompletionRequest/properties/prompt")
)
completions_model = _missing(COMPLETIONS, "model", SHOULD)
embeddings_model = _missing(EMBEDDINGS, "model", SHOULD)


# --- of a wrong type, or no word of an enumeration ---


def _wrong(
    name: str,
    rule: str,
    change: dict[str, Any],
    pointer: str,
    needs: str | None = None,
) -> Check:
    @check(
        f"validation.{name}",
        SHOULD,
        rule,
        spec(pointer),
        peer("llama.cpp", "test_invalid_chat_completion_req"),
        needs=needs or "chat",
    )
    async def wrong(server: Server) -> None:
        body = {**_body(server, CHAT), **change}
        await server.refuses(CHAT, body, fresh=False)

    return wrong


def _typed(field: str, value: Any, takes: str, needs: str | None = None) -> Check:
    sampling = field in {"temperature", "top_p"}
    pointer = f"{SAMPLING}/{field}" if sampling else f"{SCHEMAS[CHAT]}/properties/{field}"
    rule = f"`{field}` takes {takes}; {value!r} is refused."
    return _wrong(f"type.{field}", rule, {field: value}, pointer, needs)


type_model = _typed("model", 5, "a text")
type_messages = _typed("messages", "hello", "an array")
type_temperature = _typed("temperature", "hot", "a number", "chat.temperature")
type_top_p = _typed("top_p", "most", "a number")
type_n = _typed("n", "two", "an integer")
type_stream = _typed("stream", "maybe", "a boolean")
type_tools = _typed("tools", "weather", "an array", "chat.tools")
type_response_format = _typed("response_format", "json", "an object", "chat.json_object")


def _message(name: str, rule: str, message: Any, pointer: str) -> Check:
    return _wrong(f"message.{name}", rule, {"messages": [message]}, pointer)


USER = "ChatCompletionRequestUserMessage"
message_number = _message(
    "number", "A message is an object.", 123, f"{SCHEMAS[CHAT]}/properties/messages/items"
)
message_empty = _message("empty", "A message has a role.", {}, f"{USER}/required")
message_role_type = _message(
    "role_type", "A role is a text.", {"role": 123, "content": "hi"}, f"{USER}/properties/role"
)
message_role = _message(
    "role",
    "A role is one of the API's.",
    {"role": "wizard", "content": "hi"},
    f"{USER}/properties/role",
)
message_content = _message(
    "content",
    "Content is a text or parts.",
    {"role": "user", "content": 123},
    f"{USER}/properties/content",
)


def _named(field: str, value: Any, pointer: str, needs: str) -> Check:
    rule = f"`{field}` is one of the values that the API names."
    return _wrong(f"enum.{field}", rule, {field: value}, pointer, needs)


FORMAT = f"{SCHEMAS[CHAT]}/properties/response_format"
enum_response_format = _named("response_format", {"type": "yaml"}, FORMAT, "chat.json_object")
enum_reasoning_effort = _named("reasoning_effort", "extreme", "ReasoningEffort", "chat.reasoning")
enum_service_tier = _named("service_tier", "platinum", "ServiceTier", "chat.service_tier")
enum_verbosity = _named("verbosity", "loud", "Verbosity", "chat.verbosity")


@check(
    "validation.message.none",
    SHOULD,
    "`messages` holds at least one message.",
    spec(f"{SCHEMAS[CHAT]}/properties/messages/minItems"),
    needs="chat",
)
async def message_none(server: Server) -> None:
    body = server.chat_body([])
    await server.refuses(CHAT, body, fresh=False)


@check(
    "validation.prompt.object",
    SHOULD,
    "A prompt is a text, an array of texts, or token ids.",
    spec("CreateCompletionRequest/properties/prompt/oneOf"),
    needs="completions",
)
async def prompt_object(server: Server) -> None:
    body = {**_body(server, COMPLETIONS), "prompt": {"text": "hi"}}
    await server.refuses(COMPLETIONS, body, fresh=False)
