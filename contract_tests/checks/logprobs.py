"""`logprobs` of chat: one entry for each token, with its alternatives."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, content_of
from contract_tests.samples import CHAT
from contract_tests.server import JSON, Server
from contract_tests.sources import doc, issue, peer, spec

ENTRY = "ChatCompletionTokenLogprob"
TOP = f"{ENTRY}/properties/top_logprobs"
CHOICE = "CreateChatCompletionResponse/properties/choices/items/properties/logprobs"
REQUEST = "CreateChatCompletionRequest/allOf/1/properties"
SHAPE = issue("abetlen/llama-cpp-python#1787", "BerriAI/litellm#21932", "vllm-project/vllm#4795")
CLIENTS = "typed SDKs refuse the answer; lm-eval scores nothing"
NEEDS = "chat.logprobs"

TWO: JSON = {"logprobs": True, "top_logprobs": 2}


def entries_of(choice: JSON) -> list[JSON]:
    """The entries of `logprobs.content`."""
    content = at(choice, "logprobs", "content", of=list)
    return [at(choice, "logprobs", "content", place, of=dict) for place in range(len(content))]


async def asked(server: Server, **params: Any) -> tuple[str, list[JSON]]:
    """The text with two alternatives, or as `params` say, and its entries.

    Raises:
        Uncooperative: even a plain request gets none.
    """
    logprobs = choice_of(await server.chat(**TWO)).get("logprobs")
    given = isinstance(logprobs, dict) and logprobs.get("content")
    cooperate(given, "the server gives no logprobs: see logprobs.content")
    sent = {key: value for key, value in {**TWO, **params}.items() if value is not None}
    choice = choice_of(await server.chat(**sent))
    text = content_of(choice)
    cooperate(text, "the model says nothing")
    return text, entries_of(choice)


def top(entry: JSON) -> list[JSON]:
    """The alternatives of an entry."""
    count = len(at(entry, "top_logprobs", of=list))
    return [at(entry, "top_logprobs", place, of=dict) for place in range(count)]


def number(entry: JSON) -> float:
    """The logprob of an entry or an alternative."""
    value = at(entry, "logprob")
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    expect(numeric, "`logprob` to be a number", entry)
    return float(value)


def require_bytes(entry: JSON) -> None:
    """Look at the bytes of an entry or an alternative.

    Raises:
        Broken: they are no bytes.
    """
    value = at(entry, "bytes")
    whole = isinstance(value, list) and all(type(one) is int and 0 <= one < 256 for one in value)
    expect(value is None or whole, "`bytes` to be an array of bytes, or null", entry)


def joins(entries: list[JSON], text: str) -> bool:
    """Whether the entries' tokens, or else their bytes, hold the text."""
    tokens = "".join(at(entry, "token", of=str) for entry in entries)
    for entry in entries:
        require_bytes(entry)
    raw = b"".join(bytes(entry["bytes"] or ()) for entry in entries)
    return text.strip() in tokens or text.strip() in raw.decode(errors="replace")


@check(
    "logprobs.absent",
    MUST,
    "Nobody gets logprobs who has not asked for them.",
    spec(f"{REQUEST}/logprobs/default"),
    peer("vllm", "test_no_logprobs_chat"),
    needs="chat",
)
async def absent(server: Server) -> None:
    requests: list[JSON] = [{}]
    if await server.target.has(NEEDS):
        requests.append({"logprobs": False})
    for params in requests:
        choice = choice_of(await server.chat(**params))
        found = choice.get("logprobs")
        expect(found is None, "`logprobs` to be null", found)


@check(
    "logprobs.content",
    MUST,
    "`logprobs: true` gives `logprobs.content`, an entry for each token.",
    doc(f"{CHOICE}/anyOf/0/properties/content/anyOf/0"),
    SHAPE,
    needs=NEEDS,
    clients=CLIENTS,
)
async def content(server: Server) -> None:
    choice = choice_of(await server.chat(**TWO))
    text = content_of(choice)
    cooperate(text, "the model says nothing")
    expect(entries_of(choice), f"entries for the text {text!r}", choice)


@check(
    "logprobs.refusal",
    MUST,
    "The `logprobs` object has `refusal` too, mostly null.",
    spec(f"{CHOICE}/anyOf/0/required"),
    needs=NEEDS,
)
async def refusal(server: Server) -> None:
    await asked(server)
    logprobs = at(choice_of(await server.chat(**TWO)), "logprobs", of=dict)
    expect("refusal" in logprobs, "`refusal`", logprobs)


def _key(name: str, rule: str) -> Any:
    @check(
        f"logprobs.entry.{name}",
        MUST,
        rule,
        spec(f"{ENTRY}/required"),
        spec(f"{ENTRY}/properties/{name}"),
        SHAPE,
        needs=NEEDS,
        clients=CLIENTS,
    )
    async def key(server: Server) -> None:
        for entry in (await asked(server))[1]:
            if name == "token":
                at(entry, "token", of=str)
            elif name == "logprob":
                number(entry)
            elif name == "bytes":
                require_bytes(entry)
            else:
                top(entry)

    return key


token = _key("token", "Each entry has `token`, a string.")
logprob = _key("logprob", "Each entry has `logprob`, a number.")
entry_bytes = _key("bytes", "Each entry has `bytes`: an array, or null.")
top_logprobs = _key("top_logprobs", "Each entry has `top_logprobs`, an array.")


@check(
    "logprobs.top.entry",
    MUST,
    "Each alternative has `token`, `logprob` and `bytes`.",
    spec(f"{TOP}/items/required"),
    SHAPE,
    needs=NEEDS,
    clients=CLIENTS,
)
async def top_entry(server: Server) -> None:
    for entry in (await asked(server))[1]:
        for one in top(entry):
            at(one, "token", of=str)
            number(one)
            require_bytes(one)


@check(
    "logprobs.top.count",
    MUST,
    "There are alternatives, and no more of them than `top_logprobs`.",
    doc(f"{REQUEST}/top_logprobs"),
    peer("vllm", "test_some_logprobs_chat"),
    needs=NEEDS,
)
async def top_count(server: Server) -> None:
    _, entries = await asked(server)
    counts = [len(top(entry)) for entry in entries]
    expect(max(counts) > 0, "alternatives", entries)
    expect(all(count <= 2 for count in counts), "two alternatives at most", counts)


@check(
    "logprobs.top.zero",
    MUST,
    "With `top_logprobs` of 0, or without it, the lists of alternatives are empty.",
    doc(f"{REQUEST}/top_logprobs"),
    peer("vllm", "test_zero_logprobs_chat"),
    needs=NEEDS,
)
async def top_zero(server: Server) -> None:
    for count in (0, None):
        for entry in (await asked(server, top_logprobs=count))[1]:
            expect(top(entry) == [], "no alternatives", entry)


@check(
    "logprobs.top.twenty",
    SHOULD,
    "`top_logprobs` of 20 is accepted.",
    spec(f"{REQUEST}/top_logprobs/maximum"),
    needs=NEEDS,
)
async def top_twenty(server: Server) -> None:
    body = server.chat_body(logprobs=True, top_logprobs=20)
    answer = await server.post(CHAT, body, fresh=False)
    expect(answer.status == 200, "200", answer.brief())


@check(
    "logprobs.top.alone",
    SHOULD,
    "`top_logprobs` without `logprobs: true` is refused.",
    doc(f"{REQUEST}/top_logprobs"),
    needs=NEEDS,
)
async def top_alone(server: Server) -> None:
    await server.refuses(CHAT, server.chat_body(top_logprobs=2), fresh=False)
