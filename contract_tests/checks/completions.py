"""`POST /completions`: the shape of an answer, and its limits."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, tokens_of
from contract_tests.server import JSON, Server
from contract_tests.sources import doc, live, peer, spec

NEEDS = ("completions",)
DEFAULT_TOKENS = 16
MILLISECONDS = 10**11
REASONS = ("stop", "length", "content_filter")
# A prompt that nearly every model goes on with until it is cut off.
COUNT = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,"


def text_of(body: JSON) -> str:
    """The text of the first choice."""
    text: str = at(choice_of(body), "text", of=str)
    return text


def _required(key: str, kind: type) -> Any:
    @check(
        f"completions.{key}",
        MUST,
        f"Every answer has `{key}`.",
        spec("CreateCompletionResponse/required"),
        needs=NEEDS,
        clients="typed SDKs fail to parse the answer",
    )
    async def required(server: Server) -> None:
        body = await server.complete(max_tokens=DEFAULT_TOKENS)
        expect(at(body, key, of=kind) not in ("", []), f"`{key}` not to be empty", body)

    return required


answer_id = _required("id", str)
answer_created = _required("created", int)
answer_model = _required("model", str)
answer_choices = _required("choices", list)


@check(
    "completions.object",
    MUST,
    '`object` is "text_completion".',
    spec("CreateCompletionResponse/properties/object/enum"),
    needs=NEEDS,
)
async def answer_object(server: Server) -> None:
    body = await server.complete(max_tokens=DEFAULT_TOKENS)
    expect(at(body, "object") == "text_completion", '`object` to be "text_completion"', body)


@check(
    "completions.id.prefix",
    SHOULD,
    "The id begins with `cmpl-`.",
    live("the ids of legacy completions"),
    peer("vllm", "test_single_completion"),
    needs=NEEDS,
)
async def id_prefix(server: Server) -> None:
    body = await server.complete(max_tokens=DEFAULT_TOKENS)
    expect(at(body, "id", of=str).startswith("cmpl-"), "an id that begins with cmpl-", body["id"])


@check(
    "completions.id.unique",
    MUST,
    "Two answers have two ids.",
    doc("CreateCompletionResponse/properties/id"),
    needs=NEEDS,
    clients="traces and caches that are keyed by the id mix up the answers",
)
async def id_unique(server: Server) -> None:
    bodies = (
        await server.complete(max_tokens=DEFAULT_TOKENS),
        await server.complete(COUNT, max_tokens=3),
    )
    ids = [at(body, "id", of=str) for body in bodies]
    expect(ids[0] != ids[1], "two ids", ids)


@check(
    "completions.created.seconds",
    SHOULD,
    "`created` counts seconds, not milliseconds.",
    spec("CreateCompletionResponse/properties/created"),
    needs=NEEDS,
)
async def created_seconds(server: Server) -> None:
    body = await server.complete(max_tokens=DEFAULT_TOKENS)
    created = at(body, "created", of=int)
    expect(0 <= created < MILLISECONDS, "seconds since 1970", created)


@check(
    "completions.choice.keys",
    MUST,
    "A choice has `text`, `index`, `logprobs` and `finish_reason`.",
    spec("CreateCompletionResponse/properties/choices/items/required"),
    peer("vllm", "test_single_completion"),
    needs=NEEDS,
    clients="typed SDKs fail to parse the answer",
)
async def choice_keys(server: Server) -> None:
    choice = choice_of(await server.complete(max_tokens=DEFAULT_TOKENS))
    at(choice, "text", of=str)
    at(choice, "index", of=int)
    at(choice, "logprobs")
    at(choice, "finish_reason", of=str)


@check(
    "completions.finish.known",
    MUST,
    "`finish_reason` is stop, length or content_filter.",
    spec("CreateCompletionResponse/properties/choices/items/properties/finish_reason/enum"),
    needs=NEEDS,
)
async def finish_known(server: Server) -> None:
    reason = at(choice_of(await server.complete(max_tokens=DEFAULT_TOKENS)), "finish_reason")
    expect(reason in REASONS, f"one of {', '.join(REASONS)}", reason)


@check(
    "completions.max_tokens.limit",
    MUST,
    "No more than `max_tokens` tokens are generated.",
    doc("CreateCompletionRequest/properties/max_tokens"),
    needs=NEEDS,
)
async def max_tokens_limit(server: Server) -> None:
    body = await server.complete(COUNT, max_tokens=3)
    expect(tokens_of(body, "completion_tokens") <= 3, "3 tokens at most", body)


@check(
    "completions.max_tokens.default",
    MUST,
    "Without `max_tokens`, an answer ends after 16 tokens.",
    spec("CreateCompletionRequest/properties/max_tokens/default"),
    needs=NEEDS,
    clients="a script that leaves it out waits, and pays, for a whole context",
    cooperative=True,
)
async def max_tokens_default(server: Server) -> None:
    body = await server.complete(COUNT)
    count = tokens_of(body, "completion_tokens")
    expect(count <= DEFAULT_TOKENS, f"{DEFAULT_TOKENS} tokens at most", body)
    cut = at(choice_of(body), "finish_reason") == "length"
    cooperate(cut, "the model ended its answer by itself")
    expect(count == DEFAULT_TOKENS, f"the answer to be cut after {DEFAULT_TOKENS} tokens", body)


@check(
    "completions.finish.length",
    MUST,
    "An answer that `max_tokens` cut off has the `finish_reason` length.",
    doc("CreateCompletionResponse/properties/choices/items/properties/finish_reason"),
    needs=("completions", "completions.deterministic"),
    clients="agents take half an answer for a whole one",
)
async def finish_length(server: Server) -> None:
    long = text_of(await server.complete(COUNT, max_tokens=DEFAULT_TOKENS, temperature=0))
    body = await server.complete(COUNT, max_tokens=3, temperature=0)
    short = text_of(body)
    cut = long.startswith(short.rstrip()) and len(long.rstrip()) > len(short.rstrip())
    cooperate(cut, "the model had no more to say than 3 tokens")
    expect(at(choice_of(body), "finish_reason") == "length", "`length`", body)


@check(
    "completions.usage",
    SHOULD,
    "An answer tells its usage.",
    spec("CreateCompletionResponse/properties/usage"),
    peer("vllm", "test_single_completion"),
    needs=NEEDS,
    clients="cost meters and rate limiters count nothing",
)
async def usage(server: Server) -> None:
    body = await server.complete(max_tokens=DEFAULT_TOKENS)
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        expect(at(body, "usage", name, of=int) >= 0, f"`{name}` not below 0", body["usage"])
    expect(tokens_of(body, "prompt_tokens") > 0, "a prompt of some tokens", body["usage"])


@check(
    "completions.usage.total",
    MUST,
    "`total_tokens` is `prompt_tokens` plus `completion_tokens`.",
    doc("CompletionUsage/properties/total_tokens"),
    needs=NEEDS,
)
async def usage_total(server: Server) -> None:
    body = await server.complete(max_tokens=DEFAULT_TOKENS)
    total = tokens_of(body, "prompt_tokens") + tokens_of(body, "completion_tokens")
    expect(tokens_of(body, "total_tokens") == total, f"a total of {total}", body["usage"])
