"""What is refused, with which status, and what the message may say."""

import json
import re
from typing import Any

from contract_tests.check import MAY, SHOULD, Check, check
from contract_tests.checks.errors import TRUNCATED, refusals
from contract_tests.expect import expect, show
from contract_tests.samples import CHAT, NO_MODEL
from contract_tests.server import Server, refusal
from contract_tests.sources import issue, live, peer, rfc
from contract_tests.verdict import Uncooperative, Unsupported
from contract_tests.wire.exchange import Exchange

NEEDS = ("chat",)
JSON_TYPE = {"Content-Type": "application/json"}
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
NO_PATH = "/no-such-path-2f1c"
BOUND_BYTES = 32_000
LEAKS = re.compile(
    r"Traceback \(most recent call"
    r'|\bFile "[^"]+", line \d+'
    r"|(?<![\w:/.-])/(usr|home|opt|app|root|var|srv|workspace|mnt|Users)/[\w.-]+"
    r"|site-packages|node_modules"
    r"|\b[A-Za-z]:\\+\w+\\"
    r"|\b\w+\.(py|js|ts|go|rs|cpp|cc|java|rb):\d+"
    r"|\n\s+at \S+ ?\("
    r"|goroutine \d+ \["
)


async def _wrong(server: Server, **params: Any) -> Exchange:
    return await server.post(CHAT, {**server.chat_body(), **params}, fresh=False)


# --- no such thing, no such body ---


@check(
    "errors.unknown_path",
    SHOULD,
    "A path that the API does not have is a 404 with an error body.",
    live("Unknown request URL"),
    issue("ray-project/ray#64833"),
    clients='openai-node prints "404 status code (no body)"',
)
async def unknown_path(server: Server) -> None:
    refusal(await server.get(NO_PATH), 404)
    refusal(await server.post(NO_PATH, {}, fresh=False), 404)


@check(
    "errors.base_url",
    MAY,
    "A base URL whose `/v1` was forgotten is served all the same, or gets an error body.",
    live("Invalid URL (POST /chat/completions)"),
    issue("siyuan-note/siyuan#7731", "tsundereraws/aisub-translator#2"),
    needs=NEEDS,
    clients='openai-node prints "404 status code (no body)", and nobody knows why',
)
async def base_url(server: Server) -> None:
    target = server.target
    if not target.url.endswith("/v1"):
        raise Unsupported("the base URL does not end in /v1")
    exchange = target.exchange("POST", CHAT, json.dumps(server.chat_body()).encode())
    exchange.url = target.url.removesuffix("/v1") + CHAT
    server.exchanges.append(exchange)
    answer = (await target.send(exchange)).in_time()
    if not answer.ok:
        refusal(answer, tuple(range(400, 500)))


@check(
    "errors.wrong_method",
    SHOULD,
    "A method that a path does not have is a 405 or 404 with an error body.",
    live("405 on a method that the route does not take"),
    rfc("RFC 9110 §15.5.6"),
    issue("ray-project/ray#64833"),
    needs=NEEDS,
    clients="openai-node prints no message",
)
async def wrong_method(server: Server) -> None:
    refusal(await server.send("PUT", CHAT, {}, fresh=False), (405, 404, 501))


def _body(name: str, rule: str, content: bytes, source: Any) -> Check:
    @check(f"errors.body.{name}", SHOULD, rule, source, needs=NEEDS)
    async def refused(server: Server) -> None:
        answer = await server.send("POST", CHAT, content=content, headers=JSON_TYPE, fresh=False)
        refusal(answer)

    return refused


MALFORMED = (peer("ogx", "test_malformed_request_returns_sdk_compatible_error"), live("400"))
NO_OBJECT = peer("vllm", "test_non_object_body_validation")
body_truncated = _body("truncated", "A body that is not JSON is refused.", TRUNCATED, MALFORMED)
body_empty = _body("empty", "An empty body is refused.", b"", MALFORMED)
body_list = _body("list", "A body that is a JSON array is refused.", b"[1]", NO_OBJECT)
body_text = _body("text", "A body that is a JSON text is refused.", b'"hi"', NO_OBJECT)
body_number = _body("number", "A body that is a JSON number is refused.", b"7", NO_OBJECT)
body_null = _body("null", "A body that is null is refused.", b"null", NO_OBJECT)


@check(
    "errors.body.form",
    SHOULD,
    "A form where JSON belongs is refused with a 4xx.",
    peer("vllm", "test_request_wrong_content_type"),
    needs=NEEDS,
)
async def body_form(server: Server) -> None:
    content = b"model=gpt&messages=hi"
    answer = await server.send("POST", CHAT, content=content, headers=FORM_TYPE, fresh=False)
    refusal(answer, (400, 415, 422))


def _streamed(name: str, rule: str, change: dict[str, Any]) -> Check:
    @check(
        f"errors.stream.{name}",
        SHOULD,
        rule,
        peer("llama.cpp", "test_context_size_exceeded_stream"),
        issue("sgl-project/sglang#21900", "openclaw/clawrouter#101", "majiayu000/litellm-rs#170"),
        needs=("chat.stream",),
        clients="retry loops; SDKs raise another class of exception",
    )
    async def same(server: Server) -> None:
        plain = await _wrong(server, **change)
        if plain.status < 400:
            raise Uncooperative("the server accepts it without stream")
        refusal(await _wrong(server, **change, stream=True), plain.status)

    return same


stream_wrong_type = _streamed(
    "wrong_type", "With stream, a wrong type is the same status and JSON.", {"temperature": "hot"}
)
stream_no_messages = _streamed(
    "no_messages", "With stream, no messages are the same status and JSON.", {"messages": None}
)
stream_unknown_model = _streamed(
    "unknown_model",
    "With stream, an unknown model is the same status and JSON.",
    {"model": NO_MODEL},
)


# --- what a refusal leaves behind ---


@check(
    "errors.recovery",
    SHOULD,
    "After a refused request the next good one succeeds.",
    peer("vllm", "test_too_many_chat_logprobs"),
    needs=NEEDS,
)
async def recovery(server: Server) -> None:
    await server.send("POST", CHAT, content=TRUNCATED)
    await server.post(CHAT, {**server.chat_body(), "temperature": "hot"})
    await server.chat("Say hi.", fresh=True)


# --- what a message may say ---


@check(
    "errors.leaks",
    SHOULD,
    "Messages show no path, stack trace or source file of the server.",
    peer("vllm", "TestValidationErrorDoesNotLeakServerPaths"),
    needs=NEEDS,
)
async def leaks(server: Server) -> None:
    for answer in [*await refusals(server), await _wrong(server, temperature="hot")]:
        text = answer.text.replace("\\n", "\n").replace('\\"', '"')
        found = LEAKS.search(text.replace(server.model(), "the model"))
        expect(not found, "no path or stack trace", found and f"{found[0]} in {show(text)}")


def _bounded(name: str, rule: str, params: dict[str, Any]) -> Check:
    @check(
        f"errors.bounded.{name}",
        SHOULD,
        rule,
        peer("vllm", "TestValidationErrorBodyIsBounded"),
        needs=NEEDS,
    )
    async def bounded(server: Server) -> None:
        answer = await _wrong(server, **params)
        if answer.status < 400:
            raise Uncooperative("the server accepts it")
        size = len(answer.body)
        expect(size < BOUND_BYTES, f"less than {BOUND_BYTES} bytes", f"{size}: {answer.brief()}")

    return bounded


bounded_many = _bounded(
    "many", "However many faults a request has, the error is short.", {"messages": [1] * 10_000}
)
bounded_long = _bounded(
    "long", "A long bad value is not echoed whole.", {"temperature": "x" * 100_000}
)
