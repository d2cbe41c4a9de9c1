"""Many requests at once, and clients that hang up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from contract_tests.check import SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, content_of
from contract_tests.samples import CHAT
from contract_tests.server import Server
from contract_tests.sources import issue, peer, rfc, spec
from contract_tests.verdict import Broken
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import DONE, Stream

OK = 200
BUSY = (429, 503)
THROTTLES = "/components/responses/TooManyRequests"
WORDS = (
    *("falcon", "granite", "saffron", "teapot", "violin", "walrus", "quartz", "umbrella"),
    *("lantern", "copper", "tulip", "anchor", "biscuit", "compass", "dragon", "feather"),
)
REPEAT = "Repeat exactly this word and nothing else:"
LONG = "Count from 1 to 300, one number a line."
SHORT = "Say hello."
HANG_UP_S = 0.25
PATIENCE_S = 0.8  # beside three times the usual time of a short answer
ROUNDS = 3
HangUp = Callable[[Server], Awaitable[None]]
CANCELS = issue(
    "cubist38/mlx-openai-server#269", "oobabooga/textgen#4521", "2witstudios/PageSpace#1510"
)
STUCK = "cancel buttons and closed tabs leave the server busy for the next caller"


def _body(server: Server, word: str, **params: Any) -> dict[str, Any]:
    return server.chat_body(f"{REPEAT} {word}", **params)


async def _together(server: Server, *bodies: dict[str, Any], fresh: bool) -> list[Exchange]:
    cooperate(len(bodies) > 1, "the run sends one request at a time")
    # All of them come to their end, lest one goes on beside the next check.
    asked = (server.post(CHAT, body, fresh=fresh, late=True) for body in bodies)
    return [answer.in_time() for answer in await asyncio.gather(*asked)]


def _words(server: Server) -> tuple[str, ...]:
    return WORDS[: server.target.concurrency]


async def _crowd(server: Server, **params: Any) -> list[tuple[str, Exchange]]:
    """The answers to different requests, sent at once, with the word that each asked for."""
    words = _words(server)
    bodies = (_body(server, word, **params) for word in words)
    answers = await _together(server, *bodies, fresh=False)
    return list(zip(words, answers, strict=True))


def _turned_away(server: Server) -> list[Exchange]:
    """What a crowd was answered before it was asked again."""
    return [
        exchange
        for exchange in server.target.exchanges
        if exchange.status in BUSY and REPEAT.encode() in exchange.request_body
    ]


def _accepted(answers: list[Exchange]) -> list[Exchange]:
    accepted = [answer for answer in answers if answer.status not in BUSY]
    cooperate(len(accepted) > 1, "the server was too busy for two requests at once")
    for answer in accepted:
        expect(answer.status == OK and not answer.fault, "200", answer.brief())
    return accepted


def _only(word: str, text: str) -> None:
    foreign = [other for other in WORDS if other != word and other in text.lower()]
    expect(not foreign, f"nothing but {word}", text)


@check(
    "load.parallel.same",
    SHOULD,
    "Equal requests, sent at once, get equal answers at temperature 0.",
    peer("llmprobe", "concurrency"),
    needs=("chat", "chat.deterministic"),
    alone=True,
)
async def same(server: Server) -> None:
    body = server.chat_body(temperature=0)
    answers = await _together(server, *[body] * len(_words(server)), fresh=True)
    contents = [content_of(choice_of(answer.json)) for answer in _accepted(answers)]
    expect(all(content == contents[0] for content in contents), "one text", contents)


@check(
    "load.parallel.distinct",
    SHOULD,
    "Answers to different requests, sent at once, do not mix.",
    peer("llama.cpp", "test_completion_parallel_slots"),
    needs="chat",
    clients="one user reads another's answer",
    cooperative=True,
    alone=True,
)
async def distinct(server: Server) -> None:
    crowd = await _crowd(server)
    _accepted([answer for _, answer in crowd])
    told = 0
    for word, answer in crowd:
        if answer.status == OK:
            text = content_of(choice_of(answer.json))
            _only(word, text)
            told += word in text.lower()
    cooperate(told > 1, "the model did not repeat its words")


@check(
    "load.parallel.ids",
    SHOULD,
    "Answers to requests sent at once have ids of their own.",
    spec("CreateChatCompletionResponse/properties/id"),
    needs="chat",
    clients="stores and traces that are keyed by the id",
    alone=True,
)
async def ids(server: Server) -> None:
    accepted = _accepted([answer for _, answer in await _crowd(server)])
    found = [at(answer.json, "id", of=str) for answer in accepted]
    expect(len(set(found)) == len(found), "each id once", found)


@check(
    "load.parallel.streams",
    SHOULD,
    "Streams that run at once do not mix, and each comes to its end.",
    peer("llama.cpp", "test_completion_parallel_slots"),
    needs="chat.stream",
    clients="one user reads another's answer",
    alone=True,
)
async def streams(server: Server) -> None:
    crowd = await _crowd(server, stream=True)
    _accepted([answer for _, answer in crowd])
    for word, answer in crowd:
        if answer.status == OK:
            stream = Stream(answer)
            expect(stream.payloads[-1:] == [DONE], "[DONE] at the end", answer.brief())
            _only(word, stream.text())
            found = {str(chunk.get("id")) for chunk in stream.chunks}
            expect(len(found) == 1, "one id in each stream", sorted(found))


@check(
    "load.overload.refusal",
    SHOULD,
    "Too many requests at once are refused with 429 or 503 and an error body, if at all.",
    spec(f"{THROTTLES}/content/application~1json"),
    rfc("RFC 9110 §15.6.4"),
    needs="chat",
    clients="SDKs wait for these two; a closed or silent connection is an outage",
    alone=True,
)
async def overload(server: Server) -> None:
    answers = [answer for _, answer in await _crowd(server)]
    for answer in [*answers, *_turned_away(server)]:
        if answer.status != OK or answer.fault:
            busy = answer.fault is None and answer.status in BUSY
            expect(busy, "200, 429 or 503", answer.brief())
            message = answer.error.get("message")
            expect(isinstance(message, str), "an error body", answer.brief())


@check(
    "load.overload.retry_after",
    SHOULD,
    "A server that is too busy tells with `Retry-After` when to come back.",
    spec(f"{THROTTLES}/headers/Retry-After"),
    issue("BerriAI/litellm#4695", "openai/openai-openapi#564", "griffinwork40/agent-afk#538"),
    needs="chat",
    clients="the SDKs guess 0.5 to 8 s and burn their two retries",
    alone=True,
)
async def overload_retry_after(server: Server) -> None:
    await _crowd(server)
    for answer in _turned_away(server):
        value = answer.header("retry-after") or answer.header("retry-after-ms")
        expect(value, "a `Retry-After`", answer.brief())


async def _short(server: Server, *, late: bool = False) -> Exchange:
    answer = await server.post(CHAT, server.chat_body(SHORT), late=late)
    cooperate(answer.status not in BUSY, "the server was too busy")
    if answer.timed_out:
        return answer
    expect(answer.status == OK and not answer.fault, "200", answer.brief())
    return answer


async def _hang_up_in_stream(server: Server) -> None:
    body = server.chat_body(LONG, stream=True)
    answer = await server.post(CHAT, body, until=lambda seen: b"data:" in seen, late=True)
    cooperate(answer.status not in BUSY, "the server was too busy")
    expect(answer.timed_out or answer.status == OK, "200", answer.brief())


async def _hang_up_in_silence(server: Server) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(HANG_UP_S):
            await server.post(CHAT, server.chat_body(LONG))


async def _hang_up_often(server: Server) -> None:
    for _ in range(ROUNDS):
        await asyncio.gather(*(_hang_up_in_stream(server) for _ in _words(server)))


async def _stays_prompt(server: Server, hang_up: HangUp) -> None:
    """A short answer takes no longer after `hang_up` than before; a slow one is tried again.

    One that does not come at all proves as much, if it had more time than the limit.
    """
    usual_s = (await _short(server)).duration_s
    limit_s = 3 * usual_s + PATIENCE_S
    took_s: list[float] = []
    while len(took_s) < 2:
        await hang_up(server)
        answer = await _short(server, late=True)
        if answer.duration_s <= limit_s:
            answer.in_time()
        took_s.append(answer.duration_s)
        if took_s[-1] <= limit_s:
            return
    seen = " and ".join(f"{one_s:.1f} s" for one_s in took_s)
    raise Broken(f"the next answer within {limit_s:.1f} s", seen)


@check(
    "load.disconnect.stream",
    SHOULD,
    "After a client has left a stream, the next request does not wait for its end.",
    peer("vllm", "test_request_cancellation"),
    CANCELS,
    needs="chat.stream",
    clients=STUCK,
    alone=True,
)
async def disconnect_stream(server: Server) -> None:
    await _stays_prompt(server, _hang_up_in_stream)


@check(
    "load.disconnect.plain",
    SHOULD,
    "After a client has left before its answer came, the next request does not wait for it.",
    peer("vllm", "test_request_cancellation"),
    CANCELS,
    needs="chat",
    clients=STUCK,
    alone=True,
)
async def disconnect_plain(server: Server) -> None:
    await _stays_prompt(server, _hang_up_in_silence)


@check(
    "load.disconnect.many",
    SHOULD,
    "After many clients have left their streams, the next request is answered as before.",
    peer("vllm", "test_request_cancellation"),
    CANCELS,
    needs="chat.stream",
    clients="each client that leaves takes a slot with it, until none is left",
    alone=True,
)
async def disconnect_many(server: Server) -> None:
    await _stays_prompt(server, _hang_up_often)
