"""`max_completion_tokens` and `max_tokens` in chat: how long an answer gets, and what it then says.

Some reasoning models refuse a limit that is too small for any answer; that is unsupported here.
"""

import json
from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import calls_of, choice_of, content_of, tokens_of
from contract_tests.samples import ASK_WEATHER, CHAT, WEATHER
from contract_tests.server import SENTENCE, Messages, Server
from contract_tests.sources import Source, doc, issue, peer, spec
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import Stream

PROPERTIES = "CreateChatCompletionRequest/allOf/1/properties"
LIMIT = spec(f"{PROPERTIES}/max_completion_tokens")
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


async def _limited(
    server: Server, limit: int, name: str = NEW, messages: Messages = SENTENCE, **params: Any
) -> Exchange:
    body = server.chat_body(messages, **{name: limit}, **params)
    answer = await server.post(CHAT, body, fresh=False)
    if refused(answer):
        raise Unsupported(f"the server refuses {name}: {limit}")
    expect(answer.status == 200, "200", answer.brief())
    return answer


async def _said(server: Server, limit: int, name: str = NEW, **params: Any) -> str:
    return content_of(choice_of((await _limited(server, limit, name, **params)).json))


def _within(body: Any) -> None:
    count = tokens_of(body, "completion_tokens")
    expect(count <= SMALL, f"{SMALL} completion tokens at most", body["usage"])


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
        _within((await _limited(server, SMALL, name)).json)

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
    body = (await _limited(server, 1)).json
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
    reason = choice_of((await _limited(server, 1)).json).get("finish_reason")
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
    if full.startswith(cut) and len(cut) < len(full):
        return
    again = await _full(server, temperature=0, fresh=True)
    cooperate(again == full, "the answer at temperature 0 has changed")
    expect(len(cut) < len(full) and full.startswith(cut), f"the beginning of {full!r}", repr(cut))


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
    body = (await _limited(server, AMPLE)).json
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
    _within((await _limited(server, SMALL, reasoning_effort="low")).json)


def _refuses(id: str, value: Any, rule: str) -> Any:  # noqa: A002
    @check(
        f"limits.{id}",
        SHOULD,
        rule,
        spec(f"{PROPERTIES}/max_completion_tokens/type"),
        needs="chat",
    )
    async def refuses(server: Server) -> None:
        names = [NEW, OLD] if await server.target.has("chat.max_tokens") else [NEW]
        for name in names:
            body = server.chat_body(**{name: value})
            await server.refuses(CHAT, body, fresh=False)

    return refuses


zero = _refuses("zero", 0, "A limit of zero is refused.")
negative = _refuses("negative", -1, "A negative limit is refused.")
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
    stream = Stream(await _limited(server, 1, stream=True))
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
    usages = Stream(await _limited(server, SMALL, **options)).usages
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
    whole = (await _said(server, SMALL, temperature=0)).rstrip("\ufffd")
    stream = Stream(await _limited(server, SMALL, temperature=0, stream=True))
    streamed = stream.text().rstrip("\ufffd")
    expect(streamed == whole, f"{whole!r} as a stream too", repr(streamed))


def _is_json(arguments: Any) -> bool:
    try:
        json.loads(arguments)
    except (TypeError, ValueError):
        return False
    return True


def _cut_calls(name: str, needs: str, *, stream: bool) -> Any:
    @check(
        name,
        MUST,
        'A tool call whose arguments the limit cuts has finish_reason "length".',
        FINISH,
        issue("vllm-project/vllm#32152", "vllm-project/vllm#15274"),
        needs=("chat.tools.required", needs),
        clients="the conversation is poisoned with half a call, and the next turn is a 400",
        cooperative=True,
    )
    async def cut_calls(server: Server) -> None:
        asked: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required"}
        whole = await server.chat(ASK_WEATHER, **asked)
        limit = max(1, tokens_of(whole, "completion_tokens") * 2 // 3)
        options = {"stream": True} if stream else {}
        answer = await _limited(server, limit, NEW, ASK_WEATHER, **asked, **options)
        if stream:
            streamed = Stream(answer)
            arguments = [call["arguments"] for call in streamed.tool_calls()]
            reasons = streamed.finishes()
        else:
            choice = choice_of(answer.json)
            arguments = [at(call, "function", "arguments") for call in calls_of(choice)]
            reasons = [choice.get("finish_reason")]
        cooperate(not all(map(_is_json, arguments)), "the limit did not cut the call's arguments")
        expect(reasons == ["length"], 'finish_reason "length"', f"{reasons} for {arguments}")

    return cut_calls


tools = _cut_calls("limits.tools", "chat.tools", stream=False)
stream_tools = _cut_calls("limits.stream.tools", "chat.stream", stream=True)
