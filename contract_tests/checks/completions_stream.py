"""`POST /completions` with `stream`: the chunks of a legacy completion."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.checks.completions import COUNT, REASONS, text_of
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import steady
from contract_tests.server import SENTENCE, Server
from contract_tests.sources import doc, issue, peer, spec
from contract_tests.wire.stream import DONE, Stream

NEEDS = ("completions.stream",)
USAGE = "ChatCompletionStreamOptions/anyOf/0/properties/include_usage"
FINISH = "CreateCompletionResponse/properties/choices/items/properties/finish_reason"
EXACT = ("completions.stream", "completions.deterministic")


async def _stream(server: Server) -> Stream:
    return await server.complete_stream(max_tokens=16)


async def _metered(server: Server) -> Stream:
    options = {"include_usage": True}
    return await server.complete_stream(max_tokens=16, stream_options=options)


def _strays(stream: Stream) -> list[Any]:
    """The choices of another index than 0, of which one prompt without `n` has none."""
    return [one for one in stream.choices if one.get("index", 0) != 0]


def single(stream: Stream) -> Stream:
    """The stream of one choice.

    Raises:
        Uncooperative: its chunks are of several indices.
    """
    cooperate(not _strays(stream), "one text has several indices: see completions.stream.index")
    return stream


@check(
    "completions.stream.events",
    MUST,
    "`stream` is answered with server-sent events.",
    doc("CreateCompletionRequest/properties/stream"),
    needs=NEEDS,
    clients="the official SDKs iterate over nothing",
)
async def events(server: Server) -> None:
    stream = await _stream(server)
    seen = stream.exchange.media_type
    expect(seen == "text/event-stream", "content type text/event-stream", seen or "none")
    expect(stream.chunks, "a chunk", stream.exchange.brief())


@check(
    "completions.stream.object",
    MUST,
    'Every chunk\'s `object` is "text_completion".',
    spec("CreateCompletionResponse/properties/object/enum"),
    peer("vllm", "test_completion_streaming"),
    needs=NEEDS,
    clients="typed SDKs refuse chunks of a chat",
)
async def chunk_object(server: Server) -> None:
    for chunk in (await _stream(server)).chunks:
        expect(at(chunk, "object") == "text_completion", '`object` to be "text_completion"', chunk)


@check(
    "completions.stream.id",
    MUST,
    "All chunks of a stream have the same id.",
    doc("CreateCompletionResponse/properties/id"),
    issue("raullenchai/Rapid-MLX#461"),
    needs=NEEDS,
    clients="clients that gather chunks by their id",
)
async def one_id(server: Server) -> None:
    ids = {at(chunk, "id", of=str) for chunk in (await _stream(server)).chunks}
    expect(len(ids) == 1 and "" not in ids, "one id", sorted(ids))


@check(
    "completions.stream.head",
    MUST,
    "Every chunk has `created`, `model` and `choices`.",
    spec("CreateCompletionResponse/required"),
    needs=NEEDS,
    clients="typed SDKs fail to parse the chunk",
)
async def head(server: Server) -> None:
    for chunk in (await _stream(server)).chunks:
        at(chunk, "created", of=int)
        at(chunk, "model", of=str)
        at(chunk, "choices", of=list)


@check(
    "completions.stream.choice",
    MUST,
    "A chunk's choice has `text` and `index`, and no delta.",
    spec("CreateCompletionResponse/properties/choices/items/required"),
    doc("CreateCompletionResponse"),
    needs=NEEDS,
    clients="openai-python gives text None: joining the pieces raises TypeError",
)
async def choice(server: Server) -> None:
    choices = (await _stream(server)).choices
    expect(choices, "a choice", "chunks without choices")
    for one in choices:
        at(one, "text", of=str)
        at(one, "index", of=int)
        expect("delta" not in one, "no delta", one)


@check(
    "completions.stream.index",
    MUST,
    "With one prompt and no `n`, every chunk's choice has the index 0.",
    doc("CreateCompletionRequest/properties/n"),
    needs=NEEDS,
    clients="clients take each chunk for a text of its own",
)
async def index(server: Server) -> None:
    strays = _strays(await _stream(server))
    expect(not strays, "the index 0 in every chunk", strays)


@check(
    "completions.stream.done",
    MUST,
    "The stream ends with `data: [DONE]`.",
    doc("CreateCompletionRequest/properties/stream"),
    peer("vllm", "test_completion_streaming"),
    needs=NEEDS,
    clients="clients that wait for it hang or report a cut connection",
)
async def done(server: Server) -> None:
    stream = await _stream(server)
    ends = stream.payloads[-1:] == [DONE] and stream.payloads.count(DONE) == 1
    expect(ends, "[DONE] once, at the end", stream.payloads[-2:] or stream.exchange.brief())


@check(
    "completions.stream.same",
    MUST,
    "The chunks join to the text of the whole answer.",
    doc("CreateCompletionRequest/properties/stream"),
    peer("vllm", "test_completion_streaming"),
    needs=EXACT,
)
async def same_text(server: Server) -> None:
    whole = text_of(await server.complete(max_tokens=16, temperature=0))
    seen = single(await server.complete_stream(max_tokens=16, temperature=0)).text()
    if seen != whole:
        steady(whole, await server.complete(max_tokens=16, temperature=0, fresh=True))
        again = await server.complete_stream(max_tokens=16, temperature=0, fresh=True)
        steady(seen, single(again).text())
    expect(seen == whole, repr(whole), repr(seen))


@check(
    "completions.stream.finish",
    SHOULD,
    "Each choice gets exactly one `finish_reason`, of the known ones.",
    spec(f"{FINISH}/enum"),
    peer("vllm", "test_completion_streaming"),
    needs=NEEDS,
    clients="clients cannot tell a whole answer from a cut one",
)
async def finish(server: Server) -> None:
    seen = single(await _stream(server)).finishes()
    expect(len(seen) == 1 and seen[0] in REASONS, f"one of {', '.join(REASONS)}", seen)


@check(
    "completions.stream.finish_last",
    SHOULD,
    "`finish_reason` is null until a choice's last chunk.",
    peer("vllm", "test_completion_streaming"),
    needs=NEEDS,
    clients="clients stop reading at it",
)
async def finish_last(server: Server) -> None:
    choices = single(await _stream(server)).of(0)
    early = [one for one in choices[:-1] if one.get("finish_reason") is not None]
    expect(not early, "null before the last chunk", early)


@check(
    "completions.stream.usage_unasked",
    MUST,
    "Without `include_usage`, no chunk tells a usage.",
    doc(USAGE),
    doc("CreateChatCompletionStreamResponse/properties/usage"),
    peer("vllm", "test_completion_stream_options"),
    issue("ollama/ollama#16509", "router-for-me/CLIProxyAPI#3221"),
    needs=NEEDS,
    clients="cost meters take a count in the middle for the last one, and publish 0",
)
async def usage_unasked(server: Server) -> None:
    seen = (await _stream(server)).usages
    expect(not seen, "no usage", seen)


@check(
    "completions.stream.usage_last",
    MUST,
    "With `include_usage`, one more chunk before `[DONE]` has the usage and no choices.",
    doc(USAGE),
    peer("vllm", "test_completion_stream_options"),
    needs="completions.usage",
    clients="cost meters read the chunk without choices",
)
async def usage_last(server: Server) -> None:
    last = (await _metered(server)).chunks[-1]
    expect(at(last, "choices") == [], "the last chunk to have no choices", last)
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        at(last, "usage", name, of=int)


@check(
    "completions.stream.usage_null",
    MUST,
    "With `include_usage`, the other chunks have `usage` null.",
    doc(USAGE),
    peer("vllm", "test_completion_stream_options"),
    needs="completions.usage",
)
async def usage_null(server: Server) -> None:
    for chunk in (await _metered(server)).chunks:
        if chunk.get("choices"):
            expect(at(chunk, "usage") is None, "`usage` null", chunk)


def _finishes(stream: Stream, count: int) -> None:
    indices = {at(one, "index", of=int) for one in stream.choices}
    wanted = list(range(count))
    expect(sorted(indices) == wanted, f"the indices {wanted}", sorted(indices))
    counts = [len(stream.finishes(index)) for index in wanted]
    seen = ", ".join(f"index {index}: {counts[index]}" for index in wanted)
    expect(counts == [1] * count, "one finish_reason for each index", seen)


@check(
    "completions.stream.n",
    SHOULD,
    "With `n`, every index is streamed, and finishes once.",
    peer("vllm", "test_parallel_streaming"),
    spec("CreateCompletionRequest/properties/n"),
    needs=("completions.stream", "completions.n"),
)
async def several_choices(server: Server) -> None:
    single(await _stream(server))
    _finishes(await server.complete_stream(COUNT, max_tokens=4, n=3), 3)


@check(
    "completions.stream.batch",
    SHOULD,
    "Several prompts are streamed under an index each.",
    peer("vllm", "test_batch_completions"),
    spec("CreateCompletionRequest/properties/prompt/oneOf/1"),
    needs=("completions.stream", "completions.batch"),
)
async def several_prompts(server: Server) -> None:
    single(await _stream(server))
    _finishes(await server.complete_stream([SENTENCE, COUNT], max_tokens=4), 2)


@check(
    "completions.stream.stop",
    SHOULD,
    "No part of a `stop` sequence is streamed, even if it began in an earlier token.",
    doc("StopConfiguration"),
    issue("ggml-org/llama.cpp#13780"),
    needs=(*EXACT, "completions.stop"),
    clients="agents see the beginning of a marker that they asked to be cut off",
)
async def stop(server: Server) -> None:
    text = text_of(await server.complete(max_tokens=16, temperature=0))
    space = text.find(" ", len(text) // 3)
    sequence = text[space - 2 : space + 4]
    first = text.find(sequence)
    cooperate(space > 2 and first == space - 2, "the model says no words to stop between")
    params: dict[str, Any] = {"max_tokens": 16, "temperature": 0, "stop": sequence}
    seen, wanted = single(await server.complete_stream(**params)).text(), text[:first]
    ends = seen.rstrip() == wanted.rstrip()
    if not ends:
        steady(text, await server.complete(max_tokens=16, temperature=0, fresh=True))
        steady(seen, single(await server.complete_stream(**params, fresh=True)).text())
    expect(ends, f"{wanted!r}, up to {sequence!r}", repr(seen))
