"""`max_completion_tokens` and `max_tokens` in chat: how long an answer gets, and what it then says.

Some reasoning models refuse a limit that is too small for any answer; that is unsupported here.
"""

from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, Level, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import (
    choice_of,
    content_of,
    message_of,
    steady,
    tokens_of,
    usage_of,
)
from contract_tests.samples import CHAT
from contract_tests.server import SENTENCE, Messages, Server
from contract_tests.sources import Source, doc, issue, live, peer, spec
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import Stream

PROPERTIES = "CreateChatCompletionRequest/allOf/1/properties"
LIMIT = spec(f"{PROPERTIES}/max_completion_tokens")
TYPE = spec(f"{PROPERTIES}/max_completion_tokens/type")
ALIAS = spec(f"{PROPERTIES}/max_tokens")
FINISH = doc("CreateChatCompletionResponse/properties/choices/items/properties/finish_reason")
RUNAWAY = issue(
    "abetlen/llama-cpp-python#1907", "ikawrakow/ik_llama.cpp#2321", "voideditor/void#128"
)
CUT = issue(
    "llm-d/llm-d-inference-sim#29", "BerriAI/litellm#25825", "UKGovernmentBEIS/inspect_ai#5143"
)
CUT_CLIENTS = "truncated JSON is taken for complete; LengthFinishReasonError is never raised"
NEW, OLD = "max_completion_tokens", "max_tokens"
SMALL = 5
AMPLE = 500


async def limited(
    server: Server,
    limit: int,
    name: str = NEW,
    messages: Messages = SENTENCE,
    *,
    fresh: bool = False,
    **params: Any,
) -> Exchange:
    """The answer to a chat with that limit.

    Raises:
        Unsupported: the limit is refused.
    """
    body = server.chat_body(messages, **{name: limit}, **params)
    answer = await server.post(CHAT, body, fresh=fresh)
    if refused(answer):
        raise Unsupported(f"the server refuses {name}: {limit}")
    expect(answer.status == 200, "200", answer.brief())
    return answer


async def _said(server: Server, limit: int, name: str = NEW, **params: Any) -> str:
    return content_of(choice_of((await limited(server, limit, name, **params)).json))


def _within(body: Any) -> None:
    count = tokens_of(body, "completion_tokens")
    expect(count <= SMALL, f"{SMALL} completion tokens at most", body["usage"])


def is_cut(text: str) -> bool:
    """Whether a text may be one that a limit of one token has cut."""
    return len(text.split()) <= SMALL


def _cuts(text: str) -> None:
    cooperate(is_cut(text), f"the limit did not cut the answer: see limits.{NEW}")


async def _full(server: Server, **params: Any) -> str:
    text = content_of(choice_of(await server.chat(**params)))
    cooperate(len(text.split()) > SMALL, f"an answer of {SMALL} words or fewer needs no limit")
    return text


@check(
    "limits.accepted",
    MUST,
    "`max_completion_tokens` is accepted.",
    LIMIT,
    RUNAWAY,
    needs="chat",
    clients="clients that have left the deprecated max_tokens",
)
async def accepted(server: Server) -> None:
    body = server.chat_body(max_completion_tokens=AMPLE)
    answer = await server.post(CHAT, body, fresh=False)
    expect(answer.status == 200, "200", answer.brief())


def _bounds(name: str, needs: str, *sources: Source | tuple[Source, ...]) -> Any:
    @check(
        f"limits.{name}",
        MUST,
        f"An answer has no more tokens than `{name}`.",
        *sources,
        needs=needs,
        clients="agents that run away for thousands of tokens",
    )
    async def bounds(server: Server) -> None:
        await _full(server)
        _within((await limited(server, SMALL, name)).json)

    return bounds


max_completion_tokens = _bounds(NEW, "chat", LIMIT, RUNAWAY)
max_tokens = _bounds(OLD, "chat.max_tokens", ALIAS)


@check(
    "limits.alias",
    SHOULD,
    "`max_tokens` and `max_completion_tokens` cut an answer at the same place.",
    doc(f"{PROPERTIES}/max_tokens"),
    needs=("chat.max_tokens", "chat.deterministic"),
)
async def alias(server: Server) -> None:
    await _full(server, temperature=0)
    new = await _said(server, SMALL, NEW, temperature=0)
    old = await _said(server, SMALL, OLD, temperature=0)
    if old != new:
        steady(new, (await limited(server, SMALL, temperature=0, fresh=True)).json)
    expect(old == new, f"{new!r} with max_tokens too", repr(old))


@check(
    "limits.one",
    MUST,
    "A limit of one gives one token.",
    LIMIT,
    peer("llmprobe", "length finish reason"),
    needs="chat",
)
async def one(server: Server) -> None:
    body = (await limited(server, 1)).json
    count = tokens_of(body, "completion_tokens")
    nothing = count == 0 and not content_of(choice_of(body))
    expect(count == 1 or nothing, "one completion token", body["usage"])


@check(
    "limits.length",
    MUST,
    'An answer that the limit cuts has finish_reason "length".',
    FINISH,
    CUT,
    needs="chat",
    clients=CUT_CLIENTS,
)
async def length(server: Server) -> None:
    await _full(server)
    choice = choice_of((await limited(server, 1)).json)
    _cuts(content_of(choice))
    reason = choice.get("finish_reason")
    expect(reason == "length", 'finish_reason "length"', repr(reason))


@check(
    "limits.prefix",
    SHOULD,
    "A limit cuts the answer and does not change it.",
    LIMIT,
    needs="chat.deterministic",
)
async def prefix(server: Server) -> None:
    full = await _full(server, temperature=0)
    cut = (await _said(server, SMALL, temperature=0)).rstrip("\ufffd")
    begins = full.startswith(cut) and len(cut) < len(full)
    if not begins:
        steady(full, await server.chat(temperature=0, fresh=True))
    expect(begins, f"the beginning of {full!r}", repr(cut))


@check(
    "limits.enough",
    MUST,
    'An answer that ends before the limit has finish_reason "stop".',
    FINISH,
    needs="chat",
    cooperative=True,
)
async def enough(server: Server) -> None:
    usual = tokens_of(await server.chat(), "completion_tokens")
    cooperate(usual < AMPLE // 2, "the answer is too long for the limit")
    body = (await limited(server, AMPLE)).json
    cooperate(tokens_of(body, "completion_tokens") < AMPLE, "the answer was too long for the limit")
    reason = choice_of(body).get("finish_reason")
    expect(reason == "stop", 'finish_reason "stop"', repr(reason))


@check(
    "limits.reasoning",
    MUST,
    "`max_completion_tokens` counts reasoning too.",
    doc(f"{PROPERTIES}/max_completion_tokens"),
    needs="chat.reasoning",
    clients="budgets that are spent many times over",
)
async def reasoning(server: Server) -> None:
    free = await server.chat(reasoning_effort="low")
    details = usage_of(free).get("completion_tokens_details")
    counted = isinstance(details, dict) and details.get("reasoning_tokens")
    shown = message_of(choice_of(free)).get("reasoning_content")
    cooperate(counted or shown, "the model does not reason")
    _within((await limited(server, SMALL, reasoning_effort="low")).json)


def _refuses(
    id: str,  # noqa: A002
    value: Any,
    rule: str,
    level: Level = SHOULD,
    source: Source = TYPE,
) -> Any:
    @check(f"limits.{id}", level, rule, source, needs="chat")
    async def refuses(server: Server) -> None:
        names = [NEW, OLD] if await server.target.has("chat.max_tokens") else [NEW]
        for name in names:
            body = server.chat_body(**{name: value})
            await server.refuses(CHAT, body, fresh=False)

    return refuses


SENSE = live("a limit below 1 is a 400")  # of which the document says nothing
zero = _refuses("zero", 0, "A limit of zero is refused.", SHOULD, SENSE)
# Some servers take -1 for no limit.
negative = _refuses("negative", -1, "A negative limit is refused.", MAY, SENSE)
fraction = _refuses("fraction", 1.5, "A limit that is no whole number is refused.")
text = _refuses("text", "5", "A limit in quotes is refused.")


@check(
    "limits.stream.length",
    MUST,
    'A stream that the limit cuts ends with finish_reason "length".',
    FINISH,
    CUT,
    needs="chat.stream",
    clients=CUT_CLIENTS,
)
async def stream_length(server: Server) -> None:
    await _full(server)
    stream = Stream(await limited(server, 1, stream=True))
    _cuts(stream.text())
    expect(stream.finishes() == ["length"], 'finish_reason "length"', stream.finishes())


@check(
    "limits.stream.bound",
    MUST,
    "A stream has no more tokens than the limit.",
    LIMIT,
    needs="chat.usage",
)
async def stream_bound(server: Server) -> None:
    await _full(server)
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    usages = Stream(await limited(server, SMALL, **options)).usages
    cooperate(usages, "the stream has no usage")
    count = at(usages[-1], "completion_tokens", of=int)
    expect(count <= SMALL, f"{SMALL} completion tokens at most", usages[-1])


@check(
    "limits.stream.text",
    SHOULD,
    "A stream is cut where the whole answer is cut.",
    LIMIT,
    needs=("chat.stream", "chat.deterministic"),
)
async def stream_text(server: Server) -> None:
    # Half a character at the end is nothing in one, and a replacement in the other.
    said = await _said(server, SMALL, temperature=0)
    stream = Stream(await limited(server, SMALL, temperature=0, stream=True))
    whole, streamed = said.rstrip("\ufffd"), stream.text().rstrip("\ufffd")
    if streamed != whole:
        steady(said, (await limited(server, SMALL, temperature=0, fresh=True)).json)
    expect(streamed == whole, f"{whole!r} as a stream too", repr(streamed))
