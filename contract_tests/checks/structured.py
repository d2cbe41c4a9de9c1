"""`response_format`: what is accepted, what is refused, and JSON that is nothing but JSON."""

import json
import sys
from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, Check, Level, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, message_of, steady
from contract_tests.samples import CHAT, SCHEMA, closed, json_schema
from contract_tests.server import JSON, Server, refusal
from contract_tests.sources import Source, doc, issue, live, peer, sdk, spec
from contract_tests.verdict import Broken

FORMAT = "CreateChatCompletionRequest/allOf/1/properties/response_format"
NAME = "ResponseFormatJsonSchema/properties/json_schema/properties/name"
OBJECT = {"type": "json_object"}
STRICT = {"type": "json_schema", "json_schema": SCHEMA}
ASK_JSON = "Answer in JSON: name a colour."


def document(text: str) -> Any:
    """The JSON value that is the whole of a text.

    Raises:
        Broken: it is none, or has something around it.
    """
    try:
        return json.loads(text, parse_float=_finite)
    except ValueError as error:
        raise Broken("JSON and nothing else", text) from error


def _finite(number: str) -> float:
    """The number, or the largest double: JSON bounds no number (RFC 8259 §6)."""
    return max(-sys.float_info.max, min(sys.float_info.max, float(number)))


async def content(server: Server, asked: Any, response_format: JSON) -> str:
    """The content of a reply that was neither cut off nor refused by the model."""
    body = await server.chat(asked, response_format=response_format)
    choice = choice_of(body)
    message = message_of(choice)
    cooperate(choice.get("finish_reason") != "length", "the reply was cut off")
    cooperate(not message.get("refusal"), "the model refused")
    return at(message, "content", of=str)  # type: ignore[no-any-return]


async def streamed(server: Server, asked: Any, response_format: JSON) -> str:
    """The joined content of a stream that was not cut off."""
    stream = await server.chat_stream(asked, response_format=response_format)
    cooperate("length" not in stream.finishes(), "the reply was cut off")
    cooperate(not any(one.get("refusal") for one in stream.deltas()), "the model refused")
    return stream.text()


@check(
    "structured.text.same",
    MUST,
    'response_format {"type": "text"} changes nothing.',
    doc("ResponseFormatText"),
    peer("vllm", "test_response_format_text"),
    needs=("chat", "chat.deterministic"),
)
async def text_same(server: Server) -> None:
    texts = []
    plain: JSON = {"temperature": 0}
    for params in (plain, {**plain, "response_format": {"type": "text"}}):
        body = await server.chat(**params)
        texts.append(at(message_of(choice_of(body)), "content", of=str))
    if texts[0] != texts[1]:
        steady(texts[0], await server.chat(**plain, fresh=True))
    expect(texts[0] == texts[1], texts[0], texts[1])


@check(
    "structured.object.json",
    MUST,
    "With json_object the whole content is a JSON object.",
    doc(FORMAT),
    peer("llama.cpp", "test_completion_with_response_format"),
    issue("ROCm/FastFlowLM#554"),
    needs=("chat.json_object",),
    clients="json.loads(content) fails on Markdown fences and on prose",
    cooperative=True,
)
async def object_json(server: Server) -> None:
    text = await content(server, ASK_JSON, OBJECT)
    expect(isinstance(document(text), dict), "a JSON object", text)


@check(
    "structured.object.stream",
    SHOULD,
    "With json_object a stream's content joins to a JSON object.",
    doc(FORMAT),
    peer("llmprobe", "structured-stream parity"),
    needs=("chat.stream", "chat.json_object"),
    cooperative=True,
)
async def object_stream(server: Server) -> None:
    text = await streamed(server, ASK_JSON, OBJECT)
    expect(isinstance(document(text), dict), "a JSON object", text)


def _refuses(
    name: str,
    level: Level,
    rule: str,
    formats: list[Any],
    *sources: Source | tuple[Source, ...],
    needs: str = "chat.json_schema",
    **params: Any,
) -> Check:
    @check(f"structured.{name}", level, rule, *sources, needs=needs)
    async def refuses(server: Server) -> None:
        for wanted in formats:
            body = server.chat_body(response_format=wanted, **params)
            await server.refuses(CHAT, body)

    return refuses


def _schema(**edits: Any) -> JSON:
    edited = {key: value for key, value in {**SCHEMA, **edits}.items() if value is not None}
    return {"type": "json_schema", "json_schema": edited}


object_word = _refuses(
    "object.word",
    MAY,
    'json_object is refused where no message has the word "json".',
    [OBJECT],
    live("'messages' must contain the word 'json' in some form"),
    doc(FORMAT),
    needs="chat.json_object",
)
invalid_type = _refuses(
    "invalid.type",
    SHOULD,
    "A response_format of an unknown type is refused.",
    [{"type": "sound"}],
    spec(FORMAT),
    peer("llama.cpp", "test_completion_with_response_format"),
    needs="chat.json_object",
)
invalid_no_type = _refuses(
    "invalid.no_type",
    SHOULD,
    "A response_format without a type is refused.",
    [{}],
    spec("ResponseFormatJsonObject/required"),
    needs="chat.json_object",
)
invalid_no_schema = _refuses(
    "invalid.no_json_schema",
    MUST,
    "The type json_schema without `json_schema` is refused.",
    [{"type": "json_schema"}],
    spec("ResponseFormatJsonSchema/required"),
)
invalid_no_name = _refuses(
    "invalid.no_name",
    MUST,
    "A json_schema without a name is refused.",
    [_schema(name=None)],
    spec("ResponseFormatJsonSchema/properties/json_schema/required"),
)
invalid_name = _refuses(
    "invalid.name",
    MUST,
    "The name of a json_schema has letters, digits, underscores and dashes alone.",
    [_schema(name="my colour"), _schema(name="my.colour")],
    doc(NAME),
)
invalid_name_length = _refuses(
    "invalid.name_length",
    MUST,
    "The name of a json_schema has 64 characters at most.",
    [_schema(name="x" * 65)],
    doc(NAME),
)
NO_SCHEMAS = [json_schema(closed(wrong)) for wrong in ({"type": 123}, {"type": "hiccup"})]
invalid_schema = _refuses(
    "invalid.schema",
    SHOULD,
    "What is no JSON schema is refused, and is no error of the server.",
    NO_SCHEMAS,
    doc("ResponseFormatJsonSchemaSchema"),
    peer("vllm", "test_invalid_json_schema"),
    peer("llama.cpp", "test_completion_with_json_schema"),
)
invalid_schema_stream = _refuses(
    "invalid.schema_stream",
    SHOULD,
    "What is no JSON schema is refused before a stream begins.",
    NO_SCHEMAS,
    doc("ResponseFormatJsonSchemaSchema"),
    peer("vllm", "test_invalid_json_schema"),
    stream=True,
)
invalid_reference = _refuses(
    "invalid.ref",
    SHOULD,
    "A schema with a $ref that points at nothing is refused.",
    [json_schema(closed({"$ref": "#/$defs/nothing"}))],
    doc("ResponseFormatJsonSchemaSchema"),
    peer("vllm", "test_invalid_json_schema"),
)


@check(
    "structured.schema_or_400",
    SHOULD,
    "json_schema is either taken, or refused with an error body.",
    spec(FORMAT),
    issue("llm-exe/llm-exe#662"),
    needs=("chat",),
    clients="LangChain and llm-exe, which fall back to json_object by it",
)
async def schema_or_400(server: Server) -> None:
    answer = await server.post(CHAT, server.chat_body(response_format=STRICT), fresh=False)
    if not answer.ok:
        refusal(answer, (*range(400, 500), 501))


@check(
    "structured.loose",
    MUST,
    "`strict` may be left out, and may be false or null.",
    spec("ResponseFormatJsonSchema/properties/json_schema/required"),
    needs=("chat.json_schema",),
    clients="libraries that send schemas which strict mode does not take",
)
async def loose(server: Server) -> None:
    schema = {key: value for key, value in SCHEMA.items() if key != "strict"}
    for strict in ({}, {"strict": False}, {"strict": None}):
        await server.chat(response_format={"type": "json_schema", "json_schema": schema | strict})


@check(
    "structured.refusal",
    MUST,
    "A refusal stands in `refusal`, which is a text or null, and the content is then null.",
    spec("ChatCompletionResponseMessage/properties/refusal"),
    sdk("ParsedChatCompletionMessage.refusal"),
    needs=("chat.json_schema",),
    clients="parse() takes the sentence of a refusal for the document",
)
async def refused_by_model(server: Server) -> None:
    body = await server.chat(response_format=STRICT)
    message = message_of(choice_of(body))
    said = message.get("refusal")
    expect(said is None or isinstance(said, str), "`refusal` to be a text or null", message)
    expect(not said or message.get("content") is None, "null `content`", message)
