"""`POST /completions`: the log probabilities of a legacy completion, whole and streamed."""

from dataclasses import dataclass
from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.checks.completions_stream import single
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of
from contract_tests.samples import COMPLETIONS
from contract_tests.server import JSON, SENTENCE, Server
from contract_tests.sources import doc, issue, live, peer, spec

LOGPROBS = "CreateCompletionResponse/properties/choices/items/properties/logprobs"
LISTS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
NEEDS = ("completions.logprobs",)


@dataclass
class Logprobs:
    """The four lists of one choice, and its text."""

    text: str
    tokens: list[Any]
    token_logprobs: list[Any]
    top_logprobs: list[Any]
    text_offset: list[Any]


def logprobs_of(choice: JSON) -> Logprobs:
    """The log probabilities of one choice."""
    lists = {name: at(choice, "logprobs", name, of=list) for name in LISTS}
    return Logprobs(at(choice, "text", of=str), **lists)


def joined(tokens: list[Any], text: str) -> str:
    """The tokens of a text, joined. It must be ASCII, for a token may be half a character."""
    cooperate(text.isascii(), "the model says more than ASCII")
    return "".join(at(tokens, place, of=str) for place in range(len(tokens)))


async def _asked(server: Server, count: int, **params: Any) -> Logprobs:
    plain = choice_of(await server.complete(max_tokens=16, logprobs=2))
    given = plain.get("logprobs")
    cooperate(given, "the server gives no logprobs: see completions.logprobs.lists")
    body = await server.complete(max_tokens=16, logprobs=count, **params)
    return logprobs_of(choice_of(body))


def _sizes(asked: Logprobs) -> list[int]:
    places = range(len(asked.top_logprobs))
    return [len(at(asked.top_logprobs, place, of=dict)) for place in places]


@check(
    "completions.logprobs.lists",
    MUST,
    "With `logprobs`, a choice tells tokens, token_logprobs, top_logprobs and text_offset.",
    spec(f"{LOGPROBS}/anyOf/0/properties"),
    peer("ogx", "test_openai_completion_logprobs"),
    issue("raullenchai/Rapid-MLX#461"),
    needs=NEEDS,
    clients="lm-eval and LangChain read these lists",
)
async def lists(server: Server) -> None:
    asked = logprobs_of(choice_of(await server.complete(max_tokens=16, logprobs=2)))
    sizes = {name: len(getattr(asked, name)) for name in LISTS}
    expect(len(set(sizes.values())) == 1, "four lists of one length", sizes)
    expect(asked.tokens or not asked.text, "a token at least", sizes)


@check(
    "completions.logprobs.tokens",
    SHOULD,
    "The tokens join to the text.",
    spec(f"{LOGPROBS}/anyOf/0/properties/tokens"),
    peer("vllm", "test_some_logprobs"),
    needs=NEEDS,
)
async def tokens(server: Server) -> None:
    asked = await _asked(server, 2)
    text = joined(asked.tokens, asked.text)
    expect(asked.text.strip() in text, repr(asked.text), asked.tokens)


@check(
    "completions.logprobs.values",
    MUST,
    "Each of `token_logprobs` is a number that is not above 0.",
    spec(f"{LOGPROBS}/anyOf/0/properties/token_logprobs/items"),
    needs=NEEDS,
    clients="perplexities come out wrong",
)
async def values(server: Server) -> None:
    for value in (await _asked(server, 2)).token_logprobs:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        expect(number and value < 0.001, "a logarithm of a probability", value)


@check(
    "completions.logprobs.top",
    MUST,
    "Each of `top_logprobs` has as many entries as `logprobs` asks for, or one more.",
    doc("CreateCompletionRequest/properties/logprobs"),
    peer("vllm", "test_some_logprobs"),
    needs=NEEDS,
)
async def top(server: Server) -> None:
    for count in (2, 5):
        asked = await _asked(server, count)
        cooperate(asked.text, "the model says nothing")
        # Two tokens of one text share an entry, so a single place may have fewer.
        sizes = _sizes(asked)
        expect(
            count <= max(sizes, default=0) <= count + 1, f"{count} or {count + 1} entries", sizes
        )


@check(
    "completions.logprobs.chosen",
    SHOULD,
    "The chosen token is among its `top_logprobs`.",
    doc("CreateCompletionRequest/properties/logprobs"),
    needs=NEEDS,
)
async def chosen(server: Server) -> None:
    asked = await _asked(server, 2)
    for place, token in enumerate(asked.tokens):
        entries = at(asked.top_logprobs, place, of=dict)
        expect(token in entries, f"an entry {token!r}", entries)


@check(
    "completions.logprobs.zero",
    SHOULD,
    "`logprobs` 0 tells the chosen tokens alone.",
    spec("CreateCompletionRequest/properties/logprobs/minimum"),
    peer("vllm", "test_zero_logprobs"),
    needs=NEEDS,
)
async def zero(server: Server) -> None:
    await _asked(server, 2)
    body = await server.complete(max_tokens=16, logprobs=0)
    told = at(choice_of(body), "logprobs", of=dict)
    cooperate(at(choice_of(body), "text"), "the model says nothing")
    expect(at(told, "tokens", of=list), "the tokens", told)
    expect(at(told, "token_logprobs", of=list), "their log probabilities", told)
    if at(told, "top_logprobs") is None:
        return
    for entries in at(told, "top_logprobs", of=list):
        alone = entries is None or (isinstance(entries, dict) and len(entries) <= 1)
        expect(alone, "no other tokens", entries)


@check(
    "completions.logprobs.unasked",
    SHOULD,
    "Without `logprobs`, a choice's `logprobs` are null.",
    spec(f"{LOGPROBS}/anyOf/1"),
    spec("CreateCompletionRequest/properties/logprobs/default"),
    needs=NEEDS,
)
async def unasked(server: Server) -> None:
    choice = choice_of(await server.complete(max_tokens=16))
    expect(at(choice, "logprobs") is None, "null", choice)


@check(
    "completions.logprobs.maximum",
    MAY,
    "More than 5 `logprobs` are refused.",
    spec("CreateCompletionRequest/properties/logprobs/maximum"),
    needs=NEEDS,
)
async def maximum(server: Server) -> None:
    body = {"model": server.model("completions"), "prompt": SENTENCE, "max_tokens": 1}
    await server.refuses(COMPLETIONS, {**body, "logprobs": 6})


@check(
    "completions.logprobs.offsets",
    SHOULD,
    "`text_offset` is where each token starts in the text.",
    peer("vllm", "test_completion_text_offset"),
    live("text_offset"),
    needs=NEEDS,
    clients="lm-eval cuts the prompt off by these offsets",
)
async def offsets(server: Server) -> None:
    asked = await _asked(server, 2)
    offsets_fit(asked)


def offsets_fit(asked: Logprobs) -> None:
    """Nothing if each token starts where the one before it ends.

    Raises:
        Broken: it does not.
    """
    joined(asked.tokens, asked.text)
    cooperate(asked.tokens, "the model says nothing")
    starts = asked.text_offset
    # OpenAI counts the prompt too, even without echo; other servers do not.
    start = at(starts, 0, of=int)
    expect(start in (0, len(SENTENCE)), "the first token to start at 0", starts)
    for place, token in enumerate(asked.tokens):
        seen = at(starts, place, of=int)
        expect(seen == start, f"{token!r} to start at {start}", starts)
        start += len(token)


@check(
    "completions.logprobs.echo",
    SHOULD,
    "With `echo`, the prompt's tokens are told too.",
    peer("vllm", "test_echo_logprob_completion"),
    issue("ggml-org/llama.cpp#27174", "EleutherAI/lm-evaluation-harness#2982"),
    needs=("completions.logprobs", "completions.echo"),
    clients="lm-eval scores every choice alike",
)
async def echoed(server: Server) -> None:
    asked = await _asked(server, 2, echo=True)
    text = joined(asked.tokens, asked.text)
    told = SENTENCE in text and asked.text.strip() in text
    expect(told, "the tokens of the prompt, and of what follows", asked.tokens)


@check(
    "completions.logprobs.first",
    SHOULD,
    "With `echo`, the first token has null for its log probabilities.",
    peer("vllm", "test_echo_logprob_completion"),
    needs=("completions.logprobs", "completions.echo"),
    clients="lm-eval skips the first place of the lists",
)
async def first_null(server: Server) -> None:
    asked = await _asked(server, 2, echo=True)
    seen = at(asked.token_logprobs, 0), at(asked.top_logprobs, 0)
    expect(seen == (None, None), "null in token_logprobs and in top_logprobs", seen)


async def _streamed(server: Server) -> Logprobs:
    """The tokens and offsets of all chunks in a row."""
    stream = single(await server.complete_stream(max_tokens=16, logprobs=2))
    every = Logprobs(stream.text(), [], [], [], [])
    for one in stream.of(0):
        if one.get("logprobs") is not None:
            part = logprobs_of(one)
            every.tokens += part.tokens
            every.text_offset += part.text_offset
    return every


@check(
    "completions.stream.logprobs",
    MUST,
    "With `logprobs`, the chunks tell the tokens of their text.",
    spec("CreateCompletionRequest/properties/logprobs"),
    needs=(*NEEDS, "completions.stream"),
)
async def stream_logprobs(server: Server) -> None:
    told = await _streamed(server)
    expect(told.tokens or not told.text, "logprobs in the stream", f"none with {told.text!r}")


@check(
    "completions.stream.offsets",
    SHOULD,
    "When streamed, `text_offset` still counts from the start of the text.",
    peer("vllm", "test_completion_text_offset"),
    needs=(*NEEDS, "completions.stream"),
)
async def stream_offsets(server: Server) -> None:
    told = await _streamed(server)
    cooperate(told.tokens, "the stream has no logprobs: see completions.stream.logprobs")
    offsets_fit(told)
