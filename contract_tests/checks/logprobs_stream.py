"""`logprobs` of streamed chats: what the whole answer has, chunk by chunk."""

from contract_tests.check import MUST, SHOULD, check
from contract_tests.checks.logprobs import (
    CLIENTS,
    ENTRY,
    NEEDS,
    REQUEST,
    TWO,
    asked,
    entries_of,
    joins,
    number,
    require_bytes,
    top,
)
from contract_tests.expect import at, cooperate, expect
from contract_tests.server import JSON, Server
from contract_tests.sources import doc, issue, peer, spec
from contract_tests.wire.stream import Stream

CHUNK = "CreateChatCompletionStreamResponse/properties/choices/items/properties/logprobs"
STREAMED = (NEEDS, "chat.stream")
NOISE = 0.2  # of logprobs of the same tokens, computed in another batch


def _given(stream: Stream) -> list[JSON]:
    """The entries of every chunk of a stream; most streams end with a chunk that has none."""
    return [
        entry
        for choice in stream.of(0)
        if choice.get("logprobs") is not None
        and at(choice, "logprobs", of=dict).get("content") is not None
        for entry in entries_of(choice)
    ]


def _streamed(stream: Stream) -> list[JSON]:
    """The entries of a stream.

    Raises:
        Uncooperative: there are none.
    """
    entries = _given(stream)
    cooperate(entries, "the stream has no logprobs: see logprobs.stream.content")
    return entries


@check(
    "logprobs.stream.absent",
    MUST,
    "No stream has logprobs that nobody has asked for.",
    spec(f"{REQUEST}/logprobs/default"),
    needs="chat.stream",
)
async def stream_absent(server: Server) -> None:
    for choice in (await server.chat_stream()).of(0):
        expect(choice.get("logprobs") is None, "`logprobs` to be null", choice)


@check(
    "logprobs.stream.content",
    SHOULD,
    "A stream has its logprobs too, and their tokens join to the text.",
    doc(f"{CHUNK}/properties/content"),
    peer("llama.cpp", "test_logprobs_stream"),
    issue("vllm-project/vllm#5008", "sgl-project/sglang#4440"),
    needs=STREAMED,
    clients="streaming UIs that show confidence",
)
async def stream_content(server: Server) -> None:
    stream = await server.chat_stream(**TWO)
    cooperate(stream.text(), "the model says nothing")
    entries = _given(stream)
    expect(entries, "logprobs in the chunks", stream.choices)
    expect(joins(entries, stream.text()), f"tokens that join to {stream.text()!r}", entries)


@check(
    "logprobs.stream.entry",
    MUST,
    "A streamed entry has `token`, `logprob`, `bytes` and `top_logprobs`.",
    spec(f"{ENTRY}/required"),
    needs=STREAMED,
    clients=CLIENTS,
)
async def stream_entry(server: Server) -> None:
    for entry in _streamed(await server.chat_stream(**TWO)):
        for one in (entry, *top(entry)):
            at(one, "token", of=str)
            number(one)
            require_bytes(one)


@check(
    "logprobs.stream.same",
    SHOULD,
    "At temperature 0 the streamed logprobs are those of the whole answer.",
    peer("llama.cpp", "test_logprobs_stream"),
    needs=(*STREAMED, "chat.deterministic"),
)
async def stream_same(server: Server) -> None:
    text, entries = await asked(server, temperature=0)
    stream = await server.chat_stream(temperature=0, **TWO)
    cooperate(stream.text() == text, "the answer at temperature 0 has changed")
    streamed = _streamed(stream)
    # One of them may end with an entry for the token that ended the answer.
    count = min(len(entries), len(streamed))
    expect(abs(len(entries) - len(streamed)) <= 1, f"{len(entries)} entries", len(streamed))
    for whole, one in zip(entries[:count], streamed[:count], strict=True):
        same = at(whole, "token") == at(one, "token")
        close = abs(number(whole) - number(one)) < NOISE
        expect(same and close, f"{whole['token']!r} with {number(whole)}", one)
