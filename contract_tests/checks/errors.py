"""The envelope of every refusal."""

from typing import Any

from contract_tests.check import MUST, Check, check
from contract_tests.expect import at, expect
from contract_tests.samples import CHAT, NO_MODEL
from contract_tests.server import Server
from contract_tests.sources import issue, spec
from contract_tests.verdict import Uncooperative
from contract_tests.wire.exchange import Exchange

NEEDS = ("chat",)
TRUNCATED = b'{"model": '
ENVELOPE = issue(
    "ray-project/ray#64833",
    "vllm-project/vllm#12886",
    "ogx-ai/ogx#2002",
    "UOR-Foundation/uor-r4#679",
)


async def refusals(server: Server) -> list[Exchange]:
    """What the server refuses of three requests that no server can serve."""
    answers = [
        await server.send("POST", CHAT, content=TRUNCATED, fresh=False),
        await server.post(CHAT, {"model": server.model()}, fresh=False),
        await server.post(CHAT, {**server.chat_body(), "model": NO_MODEL}, fresh=False),
    ]
    refused = [one for one in answers if one.status >= 400 and not one.fault]
    if not refused:
        raise Uncooperative("the server refuses nothing")
    return refused


# --- the envelope ---


@check(
    "errors.envelope.object",
    MUST,
    'The body of a refusal is {"error": {...}}.',
    spec("ErrorResponse/required"),
    ENVELOPE,
    needs=NEEDS,
    clients='openai-node prints "status code (no body)"; SDKs lose code and message',
)
async def envelope(server: Server) -> None:
    for answer in await refusals(server):
        at(answer.json, "error", of=dict)


def _text(key: str) -> Check:
    @check(
        f"errors.envelope.{key}",
        MUST,
        f"An error has `{key}`, a text.",
        spec("Error/required"),
        spec(f"Error/properties/{key}"),
        ENVELOPE,
        issue("ayunis-core/ayunis-core#705"),
        needs=NEEDS,
        clients="typed clients fail inside their error handler",
    )
    async def text(server: Server) -> None:
        for answer in await refusals(server):
            at(answer.json, "error", key, of=str)

    return text


envelope_message = _text("message")
envelope_type = _text("type")


def _nullable(key: str) -> Check:
    @check(
        f"errors.envelope.{key}",
        MUST,
        f"An error has `{key}`, null where there is none to give.",
        spec("Error/required"),
        issue("stdapi-ai/stdapi.ai#296"),
        needs=NEEDS,
        clients="typed clients fail to parse the error",
    )
    async def present(server: Server) -> None:
        for answer in await refusals(server):
            expect(key in at(answer.json, "error", of=dict), f"`{key}` in the error", answer.text)

    return present


envelope_param = _nullable("param")
envelope_code = _nullable("code")


def _no_number(key: str, sources: Any, clients: str) -> Check:
    @check(
        f"errors.envelope.{key}_type",
        MUST,
        f"An error's `{key}` is a text or null, never a number.",
        spec(f"Error/properties/{key}"),
        sources,
        needs=NEEDS,
        clients=clients,
    )
    async def typed(server: Server) -> None:
        for answer in await refusals(server):
            value = at(answer.json, "error", of=dict).get(key)
            expect(value is None or isinstance(value, str), f"`{key}` a text or null", answer.text)

    return typed


param_type = _no_number("param", issue("ayunis-core/ayunis-core#705"), "typed clients")
code_type = _no_number(
    "code",
    issue("sgl-project/sglang#32808", "sashabaranov/go-openai#244", "weaviate/weaviate#3551"),
    "go-openai, weaviate and openai-java throw inside the error handler",
)


@check(
    "errors.media_type",
    MUST,
    "A refusal is application/json.",
    spec("/components/responses/TooManyRequests/content"),
    needs=NEEDS,
    clients="SDKs parse no error body of another type",
)
async def media_type(server: Server) -> None:
    for answer in await refusals(server):
        expect(
            answer.media_type == "application/json",
            "content-type application/json",
            answer.header("content-type") or "no content-type",
        )
