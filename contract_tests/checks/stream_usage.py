"""`usage` in a streamed chat completion: only when asked for, and then in a chunk of its own."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, content_of, usage_of
from contract_tests.server import Server
from contract_tests.sources import doc, issue, live, peer, spec
from contract_tests.wire.stream import DONE, Stream

OPTION = "ChatCompletionStreamOptions/anyOf/0/properties/include_usage"
USAGE = "CreateChatCompletionStreamResponse/properties/usage"
NEEDS = ("chat.stream", "chat.usage")
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


async def _asked(server: Server, **params: Any) -> Stream:
    return await server.chat_stream(**params, stream_options={"include_usage": True})


async def _usage(server: Server, **params: Any) -> dict[str, Any]:
    usages = (await _asked(server, **params)).usages
    expect(usages, "a chunk with the usage", "none")
    return usages[-1]


def _place(stream: Stream) -> int:
    """Where among the chunks the usage is: the last one that has any."""
    places = [
        place for place, one in enumerate(stream.chunks) if isinstance(one.get("usage"), dict)
    ]
    expect(places, "a chunk with the usage", "none")
    return places[-1]


@check(
    "chat.stream.usage.unasked",
    MUST,
    "No chunk has a usage unless it was asked for.",
    doc(USAGE),
    peer("vllm", "test_chat_completion_stream_options"),
    needs="chat.stream",
    clients="clients that do not expect it; meters that count it twice",
)
async def unasked(server: Server) -> None:
    for chunk in (await server.chat_stream()).chunks:
        expect(chunk.get("usage") is None, "no usage", chunk)


@check(
    "chat.stream.usage.declined",
    MUST,
    "With `include_usage: false` no chunk has a usage.",
    doc(OPTION),
    peer("vllm", "test_chat_completion_stream_options"),
    needs=NEEDS,
)
async def declined(server: Server) -> None:
    for chunk in (await server.chat_stream(stream_options={"include_usage": False})).chunks:
        expect(chunk.get("usage") is None, "no usage", chunk)


@check(
    "chat.stream.usage.given",
    MUST,
    "With `include_usage` one chunk has the usage.",
    doc(OPTION),
    peer("vllm", "test_chat_completion_stream_options"),
    issue(
        "janhq/cortex.llamacpp#265",
        "ml-explore/mlx-examples#913",
        "openvinotoolkit/model_server#2640",
    ),
    needs=NEEDS,
    clients="cost meters show 0; LangChain's usage is None",
)
async def given(server: Server) -> None:
    await _usage(server)


@check(
    "chat.stream.usage.last",
    MUST,
    "The chunk with the usage is the last before `[DONE]`.",
    doc(OPTION),
    peer("vllm", "test_chat_completion_stream_options"),
    needs=NEEDS,
    clients="clients that take the usage from the last chunk",
)
async def last(server: Server) -> None:
    stream = await _asked(server)
    place = _place(stream)
    expect(place == len(stream.chunks) - 1, "the usage in the last chunk", stream.chunks[-1])
    before = DONE not in stream.payloads or stream.payloads.index(DONE) > place
    expect(before, "the usage before [DONE]", stream.payloads[-1])


@check(
    "chat.stream.usage.choices",
    MUST,
    "The chunk with the usage has no choices: its `choices` is an empty array.",
    doc(OPTION),
    issue("ROCm/ATOM#1711"),
    needs=NEEDS,
    clients="openai-python: `for choice in None`; others add the choice again",
)
async def choices(server: Server) -> None:
    stream = await _asked(server)
    chunk = stream.chunks[_place(stream)]
    expect(at(chunk, "choices") == [], "`choices` to be []", chunk)


@check(
    "chat.stream.usage.elsewhere",
    MUST,
    "No other chunk has a usage, not even one of zeros.",
    doc(USAGE),
    doc(OPTION),
    issue("ollama/ollama#16509", "router-for-me/CLIProxyAPI#3221"),
    needs=NEEDS,
    clients="meters publish 0, or add the counts up",
)
async def elsewhere(server: Server) -> None:
    stream = await _asked(server)
    place = _place(stream)
    for chunk in [*stream.chunks[:place], *stream.chunks[place + 1 :]]:
        expect(chunk.get("usage") is None, "`usage` to be null", chunk)


@check(
    "chat.stream.usage.null",
    MUST,
    "With `include_usage` every chunk has the key `usage`.",
    doc(OPTION),
    doc(USAGE),
    needs=NEEDS,
)
async def key(server: Server) -> None:
    for chunk in (await _asked(server)).chunks:
        expect("usage" in chunk, "the key `usage`", chunk)


@check(
    "chat.stream.usage.identity",
    MUST,
    "The chunk with the usage has the id and time of the other chunks.",
    doc("CreateChatCompletionStreamResponse/properties/id"),
    doc("CreateChatCompletionStreamResponse/properties/created"),
    needs=NEEDS,
    clients="aggregators take it for another answer",
)
async def identity(server: Server) -> None:
    stream = await _asked(server)
    usage, first = stream.chunks[_place(stream)], stream.chunks[0]
    for name, kind in (("id", str), ("created", int)):
        value = at(first, name, of=kind)
        expect(at(usage, name) == value, f"`{name}` to be {value!r}", usage)


@check(
    "chat.stream.usage.counts",
    MUST,
    "The usage has the three counts, as integers that are not negative.",
    spec("CompletionUsage/required"),
    spec("CompletionUsage/properties"),
    needs=NEEDS,
    clients="typed clients",
)
async def counts(server: Server) -> None:
    usage = await _usage(server)
    for name in COUNTS:
        expect(at(usage, name, of=int) >= 0, f"`{name}` not to be negative", usage)


@check(
    "chat.stream.usage.counted",
    SHOULD,
    "The counts of a stream with text are not zero.",
    doc("CompletionUsage/properties/completion_tokens"),
    live("counts of the whole request"),
    issue("ollama/ollama#16509"),
    needs=NEEDS,
    clients="cost meters show 0",
    cooperative=True,
)
async def counted(server: Server) -> None:
    usage = await _usage(server)
    cooperate((await _asked(server)).text(), "the model answered nothing")
    for name in COUNTS:
        expect(at(usage, name, of=int) > 0, f"`{name}` above 0", usage)


@check(
    "chat.stream.usage.total",
    MUST,
    "`total_tokens` is the sum of the tokens of prompt and completion.",
    doc("CompletionUsage/properties/total_tokens"),
    needs=NEEDS,
)
async def total(server: Server) -> None:
    usage = await _usage(server)
    prompt, completion, whole = (at(usage, name, of=int) for name in COUNTS)
    expect(whole == prompt + completion, f"{prompt} + {completion}", usage)


@check(
    "chat.stream.usage.same",
    SHOULD,
    "The counts of a stream are those of the same answer without a stream.",
    peer("llmprobe", "streamed usage"),
    needs=(*NEEDS, "chat.deterministic"),
    clients="cost meters: a stream costs another price",
)
async def same(server: Server) -> None:
    streamed, stream = await _usage(server, temperature=0), await _asked(server, temperature=0)
    body = await server.chat(temperature=0)
    content = content_of(choice_of(body))
    cooperate(stream.text() == content, "the model does not repeat itself")
    whole = usage_of(body)
    for name in COUNTS:
        expect(at(streamed, name) == at(whole, name), f"`{name}` as in {whole}", streamed)
