"""Requests at the limits: too large, too deep, too many; and what a cache may not change."""

import json
from typing import Any

from contract_tests.check import MAY, SHOULD, check
from contract_tests.expect import cooperate, expect
from contract_tests.reading import choice_of, content_of
from contract_tests.samples import CHAT, json_schema
from contract_tests.server import SENTENCE, Server, refusal
from contract_tests.sources import live, peer, rfc, sdk, spec
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import Stream

LARGE_BYTES = (4_000_000, 33_000_000)  # the second only where the first is accepted
DEPTH = 100_000
SCHEMA_DEPTH = 200
MANY = 100_000
MORE_THAN_ANY_CONTEXT = 10_000_000
INVALID = (400, 413, 422)
BUSY = (429, 503)
ACCEPTED = 200
SERVER_ERROR = 500
PREFIX = (
    "Read this first, and then do what the last line says. A ship left the harbour in the morning "
    "with nine sailors, four barrels of water and a map. By noon the wind had turned, and they "
    "went back for a second map.\n"
)
STOPS = "one caller stops the server for all"
BOUNDED = peer("vllm", "TestValidationErrorBodyIsBounded")


async def _sends(server: Server, content: bytes) -> Exchange:
    """The answer, which comes in time from a server that answers a plain chat in time.

    Raises:
        TimedOut: it answers no plain chat in time either.
    """
    await server.chat()
    answer = await server.send("POST", CHAT, content=content, late=True)
    expect(not answer.timed_out, "an answer in the time in which a chat has one", answer.fault)
    return answer


async def _posts(server: Server, body: dict[str, Any]) -> Exchange:
    return await _sends(server, json.dumps(body).encode())


@check(
    "load.body.large",
    SHOULD,
    "A body that is too large is refused with 413 or 400 and an error body.",
    rfc("RFC 9110 §15.5.14"),
    sdk("APIStatusError"),
    needs="chat",
    clients="a closed connection looks like an outage, and is tried again",
    alone=True,
)
async def large(server: Server) -> None:
    # White space makes the body large, and leaves it cheap for a server without a limit.
    body = json.dumps(server.chat_body()).encode()
    for size in LARGE_BYTES:
        answer = await _sends(server, body[:-1] + b" " * size + b"}")
        # Where the connection is closed during the upload, the refusal may be lost on the way.
        cooperate(not answer.fault, "the connection was closed before an answer could be read")
        if answer.status != ACCEPTED:
            refusal(answer, (413, 400))
            return


@check(
    "load.body.nested",
    SHOULD,
    "JSON that is nested without reason is refused with a 4xx, in time.",
    rfc("RFC 8259 §9"),
    BOUNDED,
    needs="chat",
    clients=STOPS,
    alone=True,
)
async def nested(server: Server) -> None:
    head = json.dumps({"model": server.model()})[:-1].encode()
    deep = b"[" * DEPTH + b"]" * DEPTH
    refusal(await _sends(server, head + b', "messages": ' + deep + b"}"), INVALID)


@check(
    "load.body.messages",
    SHOULD,
    "A hundred thousand invalid messages are refused with a 4xx, in time.",
    spec("CreateChatCompletionRequest/allOf/1/properties/messages/items"),
    BOUNDED,
    needs="chat",
    clients=STOPS,
    alone=True,
)
async def messages(server: Server) -> None:
    refusal(await _posts(server, server.chat_body([{}] * MANY)), INVALID)


@check(
    "load.body.schema",
    SHOULD,
    "A schema that is nested very deep is no 5xx, and takes no longer than allowed.",
    live("a schema of more than ten levels is a 400"),
    BOUNDED,
    needs="chat.json_schema",
    clients=STOPS,
    alone=True,
)
async def schema(server: Server) -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(SCHEMA_DEPTH):
        deep = {
            "type": "object",
            "properties": {"a": deep},
            "required": ["a"],
            "additionalProperties": False,
        }
    # Few tokens, so that a server which can do it is not made to write all the levels.
    body = server.chat_body("Answer in JSON.", response_format=json_schema(deep), max_tokens=9)
    answer = await _posts(server, body)
    expect(answer.fault is None and answer.status < SERVER_ERROR, "no 5xx", answer.brief())


@check(
    "load.max_tokens.same",
    SHOULD,
    "`max_tokens` beyond the context is accepted, or refused, alike with and without a stream.",
    spec("CreateChatCompletionRequest/allOf/1/properties/max_tokens"),
    live("max_tokens is too large is a 400"),
    needs="chat.stream",
    clients="clients that set it to the largest number",
)
async def max_tokens(server: Server) -> None:
    params: dict[str, Any] = {"max_tokens": MORE_THAN_ANY_CONTEXT}
    plain = await server.post(CHAT, server.chat_body(**params))
    streamed = await server.post(CHAT, server.chat_body(stream=True, **params))
    cooperate(not {plain.status, streamed.status} & {*BUSY}, "the server was too busy")
    if plain.status == ACCEPTED:
        expect(streamed.status == ACCEPTED, "200, as without a stream", streamed.brief())
        expect(Stream(streamed).choices, "choices in the stream", streamed.brief())
    else:
        refusal(plain)
        refusal(streamed, plain.status)


@check(
    "load.cache.same",
    MAY,
    "A prompt that the server has seen before gets the same answer at temperature 0.",
    peer("llmprobe", "caching"),
    needs=("chat", "chat.deterministic"),
    clients="answers change when a cache is warm",
)
async def cache(server: Server) -> None:
    asked = [PREFIX + SENTENCE, PREFIX + "What colour is the sky? One word.", PREFIX + SENTENCE]
    bodies = [await server.chat(text, temperature=0, fresh=True) for text in asked]
    cold, _, warm = (content_of(choice_of(body)) for body in bodies)
    expect(warm == cold, f"the text of the first answer: {cold}", warm)
