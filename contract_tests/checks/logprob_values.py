"""What the `logprobs` of chat say: logarithms of probabilities, of the tokens of the text."""

from math import exp

from contract_tests.check import SHOULD, check
from contract_tests.checks.logprobs import (
    ENTRY,
    NEEDS,
    REQUEST,
    TOP,
    TWO,
    asked,
    joins,
    number,
    require_bytes,
    top,
)
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import usage_of
from contract_tests.server import Server
from contract_tests.sources import doc, issue, peer

ALMOST = 0.01
SPECIAL = 3  # tokens that count in the usage and are not shown
LOWEST = -9999


@check(
    "logprobs.range",
    SHOULD,
    "No logprob is above 0, or below -9999.",
    doc(f"{ENTRY}/properties/logprob"),
    peer("llama.cpp", "test_logprobs"),
    needs=NEEDS,
)
async def in_range(server: Server) -> None:
    for entry in (await asked(server))[1]:
        for one in (entry, *top(entry)):
            expect(LOWEST <= number(one) <= 0, "a logprob from -9999 to 0", one)


@check(
    "logprobs.top.order",
    SHOULD,
    "The alternatives come with the likeliest first.",
    doc(TOP),
    needs=NEEDS,
)
async def top_order(server: Server) -> None:
    for entry in (await asked(server))[1]:
        values = [number(one) for one in top(entry)]
        expect(values == sorted(values, reverse=True), "the likeliest first", values)


@check(
    "logprobs.top.sum",
    SHOULD,
    "The probabilities of one token's alternatives sum to 1 at most.",
    doc(f"{ENTRY}/properties/logprob"),
    needs=NEEDS,
)
async def top_sum(server: Server) -> None:
    for entry in (await asked(server))[1]:
        total = sum(exp(min(number(one), 0)) for one in top(entry))
        expect(total <= 1 + ALMOST, "probabilities that sum to 1 at most", entry)


@check(
    "logprobs.top.agrees",
    SHOULD,
    "A token that is among its alternatives has the same logprob there.",
    doc(TOP),
    issue("sgl-project/sglang#2088"),
    needs=NEEDS,
    clients="wrong scores, in silence",
)
async def agrees(server: Server) -> None:
    for entry in (await asked(server))[1]:
        token = at(entry, "token", of=str)
        same = [number(one) for one in top(entry) if at(one, "token") == token]
        close = not same or any(abs(one - number(entry)) < ALMOST for one in same)
        expect(close, "one logprob for one token", entry)


@check(
    "logprobs.greedy",
    SHOULD,
    "At temperature 0 each token is the likeliest of its own alternatives.",
    doc(TOP),
    issue("sgl-project/sglang#2088"),
    needs=(NEEDS, "chat.temperature"),
    clients="wrong scores, in silence",
)
async def greedy(server: Server) -> None:
    for entry in (await asked(server, temperature=0))[1]:
        ranked = top(entry)
        if ranked:
            best = max(map(number, ranked))
            close = number(entry) >= best - ALMOST
            listed = at(entry, "token") in [at(one, "token") for one in ranked]
            expect(close and listed, "the token as the likeliest one", entry)


@check(
    "logprobs.joined",
    SHOULD,
    "The tokens join to the text.",
    doc(f"{ENTRY}/properties/bytes/anyOf/0"),
    peer("llama.cpp", "test_logprobs"),
    needs=NEEDS,
    clients="highlighters of doubtful words",
)
async def joined(server: Server) -> None:
    text, entries = await asked(server)
    tokens = [at(entry, "token", of=str) for entry in entries]
    expect(joins(entries, text), f"tokens that join to {text!r}", tokens)


@check(
    "logprobs.bytes",
    SHOULD,
    "`bytes` are the token's bytes in UTF-8.",
    doc(f"{ENTRY}/properties/bytes/anyOf/0"),
    needs=NEEDS,
)
async def of_bytes(server: Server) -> None:
    for entry in (await asked(server))[1]:
        for one in (entry, *top(entry)):
            require_bytes(one)
            token, raw = at(one, "token", of=str), one["bytes"]
            if token.isascii() and not token.startswith(("<", "bytes:")) and raw:
                expect(bytes(raw) == token.encode(), f"the bytes of {token!r}", raw)


@check(
    "logprobs.usage",
    SHOULD,
    "There are as many entries as completion tokens, but for special ones.",
    doc(f"{REQUEST}/logprobs"),
    peer("vllm", "test_some_logprobs_chat"),
    needs=NEEDS,
)
async def usage(server: Server) -> None:
    _, entries = await asked(server)
    counted = usage_of(await server.chat(**TWO))
    details = counted.get("completion_tokens_details")
    reasoning = details.get("reasoning_tokens") if isinstance(details, dict) else 0
    cooperate(not reasoning, "reasoning has tokens without logprobs")
    count = at(counted, "completion_tokens", of=int)
    expect(abs(count - len(entries)) <= SPECIAL, f"about {count} entries", len(entries))
