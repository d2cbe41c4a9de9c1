"""Documents that keep to a JSON schema: by feature of the schema, whole, streamed and cut off."""

from typing import TYPE_CHECKING, Any

import jsonschema_rs

from contract_tests.check import MUST, SHOULD, Check, check
from contract_tests.checks.structured import STRICT, content, document, streamed
from contract_tests.expect import at, cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import choice_of
from contract_tests.samples import CHAT, SCHEMA, SHAPES, json_schema
from contract_tests.server import JSON, SENTENCE, Server, refusal
from contract_tests.sources import doc, issue, live, peer, sdk
from contract_tests.verdict import Broken, Uncooperative, Unsupported

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NEEDS = ("chat.json_schema",)
SAYS = "ResponseFormatJsonSchema/properties/json_schema/properties/strict/anyOf/0"
IGNORED = issue(
    "ollama/ollama#10001",
    "ggml-org/llama.cpp#11988",
    "ggml-org/llama.cpp#10732",
    "router-for-me/CLIProxyAPI#5533",
)
IGNORES = "the server does not keep response_format at all: see structured.schema.forced"
ASK = "Answer in JSON with a value of your own."


async def _kept(server: Server) -> None:
    """Nothing if the server heeds `response_format` at all.

    Raises:
        Uncooperative: it does not, and nothing is known of finer points.
    """
    try:
        document(await content(server, SENTENCE, STRICT))
    except Broken:
        raise Uncooperative(IGNORES) from None


def _fits(schema: JSON, text: str) -> None:
    value = document(text)
    expect(jsonschema_rs.is_valid(schema, value), f"JSON that fits {schema}", text)


@check(
    "structured.schema.forced",
    MUST,
    "With a strict json_schema the content fits the schema, whatever the question.",
    doc(SAYS),
    peer("vllm", "test_response_format_json_schema"),
    IGNORED,
    needs=NEEDS,
    clients="parse() of the SDK, the AI SDK's output and instructor",
    cooperative=True,
)
async def forced(server: Server) -> None:
    _fits(SCHEMA["schema"], await content(server, SENTENCE, STRICT))


@check(
    "structured.schema.stream",
    SHOULD,
    "With a strict json_schema a stream's content joins to a document that fits the schema.",
    doc(SAYS),
    peer("llmprobe", "structured-stream parity"),
    IGNORED,
    needs=("chat.stream", *NEEDS),
    clients="the AI SDK's streamObject",
    cooperative=True,
)
async def stream(server: Server) -> None:
    await _kept(server)
    _fits(SCHEMA["schema"], await streamed(server, SENTENCE, STRICT))


def _shape(shape: str) -> Check:
    @check(
        f"structured.schema.{shape}",
        MUST,
        f"The content fits a strict schema: {shape.replace('_', ' ')}.",
        doc(SAYS),
        peer("ogx", "test_structured_output"),
        IGNORED,
        needs=NEEDS,
        clients="parse() of the SDK, the AI SDK's output and instructor",
        cooperative=True,
    )
    async def fits(server: Server) -> None:
        wanted = json_schema(SHAPES[shape])
        answer = await server.post(CHAT, server.chat_body(ASK, response_format=wanted), fresh=False)
        # Each server knows a subset of JSON schema, and may say so.
        if refused(answer) and "chat.json_schema" not in server.target.declared:
            raise Unsupported(f"the server does not take this schema: {answer.brief()}")
        await _kept(server)
        _fits(SHAPES[shape], await content(server, ASK, wanted))

    return fits


globals().update({f"shape_{shape}": _shape(shape) for shape in SHAPES})


@check(
    "structured.schema.no_extra",
    MUST,
    "With additionalProperties false there are no other keys, even if the user asks for them.",
    doc(SAYS),
    peer("ogx", "mixed_types"),
    needs=NEEDS,
    clients="models that forbid extra keys refuse the document",
    cooperative=True,
)
async def no_extra(server: Server) -> None:
    await _kept(server)
    asked = "Answer in JSON: a colour with the keys name, warm, and also mood."
    text = await content(server, asked, STRICT)
    value = document(text)
    expect(isinstance(value, dict) and set(value) == {"name", "warm"}, "name and warm", text)


@check(
    "structured.schema.order",
    SHOULD,
    "The keys come in the order of the schema.",
    live("structured outputs keep the order of keys"),
    needs=NEEDS,
    clients="schemas that let the model reason in one key before it answers in the next",
    cooperative=True,
)
async def order(server: Server) -> None:
    await _kept(server)
    text = await content(server, SENTENCE, STRICT)
    value = document(text)
    keys = list(value) if isinstance(value, dict) else []
    expect(keys == list(SCHEMA["schema"]["properties"]), "name, then warm", text)


@check(
    "structured.schema.cut",
    SHOULD,
    'A document that the limit of tokens cuts off finishes for "length".',
    sdk("LengthFinishReasonError"),
    doc("CreateChatCompletionResponse/properties/choices/items/properties/finish_reason"),
    needs=(*NEEDS, "chat.max_tokens"),
    clients="parse() reports broken JSON instead of a limit that was too small",
)
async def cut(server: Server) -> None:
    body = server.chat_body(response_format=STRICT, max_tokens=3)
    answer = await server.post(CHAT, body, fresh=False)
    # OpenAI refuses a limit too small for the reply's form.
    if not answer.ok:
        refusal(answer)
    else:
        choice = choice_of(answer.json)
        if choice.get("finish_reason") != "length":
            _fits(SCHEMA["schema"], at(choice, "message", "content", of=str))


@check(
    "structured.schema.sdk",
    SHOULD,
    "The official client parses the document into a class.",
    sdk("chat.completions.parse"),
    needs=NEEDS,
    clients="client.chat.completions.parse()",
    cooperative=True,
)
async def parse(server: Server) -> None:
    from openai import LengthFinishReasonError  # noqa: PLC0415 - see sdk()
    from pydantic import BaseModel  # noqa: PLC0415 - see sdk()

    class Colour(BaseModel):
        name: str
        warm: bool

    async def parses(client: "AsyncOpenAI") -> Any:
        try:
            parsed = await client.chat.completions.parse(
                model=server.model(),
                messages=[{"role": "user", "content": "Answer in JSON: name a colour."}],
                response_format=Colour,
            )
        except LengthFinishReasonError as error:
            raise Uncooperative("the reply was cut off") from error
        return parsed.choices[0].message

    await _kept(server)
    message = await server.sdk(parses, "a reply that the client parses")
    cooperate(not message.refusal, "the model refused")
    expect(isinstance(message.parsed, Colour), "`message.parsed`", repr(message))
