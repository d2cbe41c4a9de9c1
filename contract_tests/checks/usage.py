"""`usage` of a chat completion that is not streamed."""

from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, Check, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import choice_of, choices_of, content_of, tokens_of, usage_of
from contract_tests.samples import CHAT
from contract_tests.server import SENTENCE, Server
from contract_tests.sources import doc, issue, peer, spec
from contract_tests.verdict import Unsupported

NEEDS = ("chat",)
USAGE = "CompletionUsage"
DETAILS = f"{USAGE}/properties/completion_tokens_details/properties"
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
LIMIT = 5  # tokens


def _detail(body: Any, key: str, name: str) -> Any:
    """A count of the details; None if the server does not give it."""
    details = usage_of(body).get(key)
    expect(isinstance(details, dict | None), f"`{key}` to be an object", details)
    return (details or {}).get(name)


# --- the three counts ---


@check(
    "usage.present",
    SHOULD,
    "A reply tells its `usage`.",
    spec("CreateChatCompletionResponse/properties/usage"),
    issue(
        "tenstorrent/tt-inference-server#3552",
        "sawfwair/mere-run#134",
        "neuralmagic/deepsparse#1496",
    ),
    needs=NEEDS,
    clients="LangChain and pydantic-ai meter nothing",
)
async def present(server: Server) -> None:
    body = await server.chat()
    expect(isinstance(body.get("usage"), dict), "a `usage` object", body.get("usage"))


def _counted(key: str) -> Check:
    @check(
        f"usage.{key}",
        MUST,
        f"`usage.{key}` is an integer, and not negative.",
        spec(f"{USAGE}/required"),
        spec(f"{USAGE}/properties/{key}"),
        needs=NEEDS,
        clients="typed SDKs fail to parse the reply",
    )
    async def counted(server: Server) -> None:
        count = tokens_of(await server.chat(), key)
        expect(count >= 0, f"`{key}` not to be negative", count)

    return counted


prompt_tokens, completion_tokens, total_tokens = [_counted(key) for key in COUNTS]


@check(
    "usage.total",
    MUST,
    "`total_tokens` is the sum of the prompt's and the completion's.",
    doc(f"{USAGE}/properties/total_tokens"),
    issue("router-for-me/CLIProxyAPI#5733", "Clarifai/clarifai-python#978"),
    needs=NEEDS,
    clients="bills that do not add up",
)
async def total(server: Server) -> None:
    body = await server.chat()
    prompt, completion, whole = [tokens_of(body, key) for key in COUNTS]
    expect(whole == prompt + completion, f"{prompt} + {completion}", whole)


@check(
    "usage.nonzero",
    SHOULD,
    "A prompt and a reply with text in them count for more than nothing.",
    issue("tenstorrent/tt-inference-server#3552", "sawfwair/mere-run#134"),
    needs=NEEDS,
    clients="LangChain and pydantic-ai meter nothing",
)
async def nonzero(server: Server) -> None:
    body = await server.chat()
    usage = usage_of(body)
    expect(tokens_of(body) > 0, "tokens of the prompt", usage)
    if any(map(content_of, choices_of(body))):
        expect(tokens_of(body, "completion_tokens") > 0, "tokens of the reply", usage)


@check(
    "usage.same_prompt",
    SHOULD,
    "The same prompt counts the same each time.",
    peer("gpt-oss", "test_usage"),
    needs=NEEDS,
    clients="budgets computed from an earlier count",
)
async def same_prompt(server: Server) -> None:
    first = tokens_of(await server.chat())
    again = tokens_of(await server.chat(fresh=True))
    expect(again == first, str(first), again)


@check(
    "usage.longer_prompt",
    SHOULD,
    "A longer prompt counts for more.",
    peer("gpt-oss", "test_usage_increases_with_longer_input"),
    needs=NEEDS,
)
async def longer_prompt(server: Server) -> None:
    short = tokens_of(await server.chat())
    aside = "The following line is the only one that matters; do as it says. "
    longer = tokens_of(await server.chat(aside * 3 + SENTENCE))
    expect(longer > short + 10, f"well over {short}", longer)


# --- with a limit, with choices ---


@check(
    "usage.length",
    SHOULD,
    'A reply that finishes for "length" counts as many tokens as its limit.',
    peer("vllm", "test_single_chat_session"),
    needs=NEEDS,
    cooperative=True,
)
async def length(server: Server) -> None:
    request = server.chat_body(max_completion_tokens=LIMIT)
    answer = await server.post(CHAT, request, fresh=False)
    if refused(answer):
        raise Unsupported(f"the server refuses max_completion_tokens: {LIMIT}")
    expect(answer.status == 200, "200", answer.brief())
    body = answer.json
    reason = at(choice_of(body), "finish_reason")
    cooperate(reason == "length", f"the reply finished for {reason}")
    count = tokens_of(body, "completion_tokens")
    expect(count == LIMIT, f"{LIMIT} tokens", count)


@check(
    "usage.n.prompt",
    SHOULD,
    "`n` choices count their prompt once.",
    doc("CreateChatCompletionRequest/allOf/1/properties/n"),
    issue("inclusionAI/AReno#460", "Clarifai/clarifai-python#978"),
    needs="chat.n",
    clients="bills for n prompts",
)
async def n_prompt(server: Server) -> None:
    one = tokens_of(await server.chat())
    two = tokens_of(await server.chat(n=2))
    expect(two == one, f"{one}, as with one choice", two)


# --- details ---


@check(
    "usage.details",
    MUST,
    "Every count in the details of the usage is an integer, and not negative.",
    spec(f"{USAGE}/properties/prompt_tokens_details"),
    spec(f"{USAGE}/properties/completion_tokens_details"),
    needs=NEEDS,
    clients="typed SDKs fail to parse the reply",
)
async def details(server: Server) -> None:
    usage = usage_of(await server.chat())
    for key in ("prompt_tokens_details", "completion_tokens_details"):
        found = usage.get(key)
        expect(isinstance(found, dict | None), f"`{key}` to be an object", found)
        for name, seen in (found or {}).items():
            if not name.endswith("_tokens"):
                continue
            count = isinstance(seen, int) and not isinstance(seen, bool) and seen >= 0
            expect(seen is None or count, f"`{key}.{name}` to be a count", seen)


@check(
    "usage.cached",
    SHOULD,
    "No more tokens of the prompt are cached than it has.",
    doc(f"{USAGE}/properties/prompt_tokens_details/properties/cached_tokens"),
    needs=NEEDS,
    clients="bills below zero",
)
async def cached(server: Server) -> None:
    body = await server.chat()
    seen = _detail(body, "prompt_tokens_details", "cached_tokens") or 0
    prompt = tokens_of(body)
    expect(isinstance(seen, int) and seen <= prompt, f"{prompt} at most", seen)


@check(
    "usage.reasoning.within",
    SHOULD,
    "No more tokens of the completion are reasoning than it has.",
    doc(f"{DETAILS}/reasoning_tokens"),
    needs=NEEDS,
)
async def reasoning_within(server: Server) -> None:
    body = await server.chat()
    seen = _detail(body, "completion_tokens_details", "reasoning_tokens") or 0
    completion = tokens_of(body, "completion_tokens")
    expect(isinstance(seen, int) and seen <= completion, f"{completion} at most", seen)


@check(
    "usage.reasoning.counted",
    SHOULD,
    "Reasoning counts as completion, beside the text of the reply.",
    doc(f"{DETAILS}/rejected_prediction_tokens"),
    issue("router-for-me/CLIProxyAPI#5733"),
    needs="chat.reasoning",
    clients="bills that leave the reasoning out",
    cooperative=True,
)
async def reasoning_counted(server: Server) -> None:
    body = await server.chat(reasoning_effort="low")
    seen = _detail(body, "completion_tokens_details", "reasoning_tokens")
    cooperate(isinstance(seen, int) and seen > 0, "the model did not reason")
    text = content_of(choice_of(body))
    cooperate(text, "the reply has no text")
    least = seen + len(text.split()) // 2  # no tokenizer gets two whole words into each token
    expect(tokens_of(body, "completion_tokens") >= least, f"{least} or more", usage_of(body))


@check(
    "usage.refused",
    MAY,
    "A request that was refused has no usage.",
    doc(f"{USAGE}"),
    needs=NEEDS,
)
async def not_billed(server: Server) -> None:
    answer = await server.post(CHAT, server.chat_body([]), fresh=False)
    cooperate(not answer.ok, "the server takes an empty list of messages")
    expect('"usage"' not in answer.text, "no `usage`", answer.brief())
