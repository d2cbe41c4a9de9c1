"""Streamed chat completions: the text, in whole characters and the same as without a stream."""

from typing import Any

from contract_tests.check import SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, content_of, steady
from contract_tests.samples import REPEAT_UNICODE
from contract_tests.server import SENTENCE, Server
from contract_tests.sources import issue, live, peer, rfc
from contract_tests.wire.stream import Stream

NEEDS = ("chat.stream",)
LONG = 40  # characters, which no tokenizer makes one token of


@check(
    "chat.stream.pieces",
    SHOULD,
    "A text of many tokens comes in more than one piece.",
    peer("ogx", "test_response_streaming_incremental_content"),
    live("a chunk holds one token or a few"),
    needs=NEEDS,
    clients="chat windows, which show nothing until all is there",
    cooperative=True,
)
async def pieces(server: Server) -> None:
    stream = await server.chat_stream()
    texts = [text for delta in stream.deltas() if (text := delta.get("content"))]
    cooperate(len(stream.text()) >= LONG, "the model answered in a few words only")
    expect(len(texts) > 1, "several chunks with text", f"one chunk with {texts}")


# --- the same as without a stream ---


async def _both(server: Server, question: str) -> tuple[Stream, dict[str, Any]]:
    """The streamed answer and the whole one, to be compared.

    Raises:
        Uncooperative: they differ, but so do two whole answers, or two streamed ones.
    """
    stream = await server.chat_stream(question, temperature=0)
    whole = choice_of(await server.chat(question, temperature=0))
    if stream.text() != content_of(whole):
        steady(content_of(whole), await server.chat(question, temperature=0, fresh=True))
        again = await server.chat_stream(question, temperature=0, fresh=True)
        steady(stream.text(), again.text())
    return stream, whole


@check(
    "chat.stream.same.text",
    SHOULD,
    "The deltas put together are the text that the answer has without a stream.",
    peer("vllm", "test_chat_streaming"),
    peer("llama.cpp", "test_completion_stream_vs_non_stream"),
    needs=("chat.stream", "chat.deterministic"),
    clients="whoever reads the stream gets another answer",
)
async def same_text(server: Server) -> None:
    stream, whole = await _both(server, SENTENCE)
    expect(stream.text() == content_of(whole), f"{content_of(whole)!r}", repr(stream.text()))


@check(
    "chat.stream.same.finish",
    SHOULD,
    "The finish_reason is the one that the answer has without a stream.",
    peer("vllm", "test_chat_streaming"),
    needs=("chat.stream", "chat.deterministic"),
)
async def same_finish(server: Server) -> None:
    stream, whole = await _both(server, SENTENCE)
    reason = at(whole, "finish_reason")
    expect(stream.finishes() == [reason], f"{reason!r}", stream.finishes())


# --- characters of several bytes ---


@check(
    "chat.stream.unicode.whole",
    SHOULD,
    "No chunk holds a part of a character: it is held back until it is whole.",
    rfc("RFC 8259 §8.1"),
    issue("mattn/tensai#110", "deeplethe/utopia#764", "danielmiessler/Fabric#2203"),
    needs=NEEDS,
    clients="everyone who writes Chinese, Japanese or emoji sees � instead",
    cooperative=True,
)
async def unicode_whole(server: Server) -> None:
    stream = await server.chat_stream(REPEAT_UNICODE)
    for delta in stream.deltas():
        text = delta.get("content")
        torn = isinstance(text, str) and any(one == "\ufffd" or _half(one) for one in text)
        expect(not torn, "whole characters", ascii(delta))
    cooperate("🎉" in stream.text(), "the model did not repeat the emoji")


def _half(character: str) -> bool:
    """Whether it is one of the two UTF-16 units of a character."""
    return 0xD800 <= ord(character) <= 0xDFFF


@check(
    "chat.stream.unicode.same",
    SHOULD,
    "Characters of several bytes come as they do without a stream.",
    peer("vllm", "test_chat_streaming"),
    issue("mattn/tensai#110"),
    needs=("chat.stream", "chat.deterministic"),
    clients="characters that span two tokens are lost",
)
async def unicode_same(server: Server) -> None:
    stream, whole = await _both(server, REPEAT_UNICODE)
    expect(stream.text() == content_of(whole), ascii(content_of(whole)), ascii(stream.text()))
