"""The body of a chat completion that is not streamed."""

import time
from email.utils import parsedate_to_datetime
from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, Check, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, message_of
from contract_tests.server import Server
from contract_tests.sources import doc, issue, live, peer, spec

NEEDS = ("chat",)
RESPONSE = "CreateChatCompletionResponse"
CHOICE = f"{RESPONSE}/properties/choices/items"
FINISHES = ("stop", "length", "tool_calls", "content_filter", "function_call")
TIERS = ("auto", "default", "flex", "scale", "priority", "fast", None)
HOUR_S, DAY_S = 3600, 86400
INCOMPLETE = issue(
    "jingyaogong/minimind#738",
    "pydantic/pydantic-ai#3994",
    "pydantic/pydantic-ai#2996",
    "kevinhermawan/swift-llm-chat-openai#19",
)


async def _choice(server: Server) -> Any:
    return choice_of(await server.chat())


# --- the envelope ---


def _name(key: str) -> Check:
    @check(
        f"chat.{key}.present",
        MUST,
        f"The reply has `{key}`, a string that is not empty.",
        spec(f"{RESPONSE}/required"),
        INCOMPLETE,
        needs=NEEDS,
        clients="pydantic-ai and the OpenRouter SDK fail to parse the reply",
    )
    async def named(server: Server) -> None:
        body = await server.chat()
        expect(at(body, key, of=str).strip(), f"`{key}` not to be empty", body)

    return named


id = _name("id")  # noqa: A001 - the key's own name
model = _name("model")


@check(
    "chat.object",
    MUST,
    'The reply\'s `object` is "chat.completion".',
    spec(f"{RESPONSE}/properties/object"),
    needs=NEEDS,
)
async def object_(server: Server) -> None:
    body = await server.chat()
    expect(at(body, "object") == "chat.completion", '`object` to be "chat.completion"', body)


@check(
    "chat.created.integer",
    MUST,
    "`created` is an integer.",
    spec(f"{RESPONSE}/properties/created"),
    issue("BerriAI/litellm#4654", "BoundaryML/baml#1746"),
    needs=NEEDS,
    clients="Go, Rust and Kotlin clients cannot read a float",
)
async def created(server: Server) -> None:
    at(await server.chat(), "created", of=int)


@check(
    "chat.created.now",
    MUST,
    "`created` is the time of the reply, in seconds since 1970.",
    spec(f"{RESPONSE}/properties/created"),
    needs=NEEDS,
    clients="clients that sort or expire replies by their time",
)
async def created_now(server: Server) -> None:
    made_s = at(await server.chat(), "created")
    expect(isinstance(made_s, int | float), "a number", made_s)
    try:
        now_s = parsedate_to_datetime(server.exchanges[-1].header("date") or "").timestamp()
        slack_s = HOUR_S
    except ValueError:
        # No telling how far the server's clock and ours are apart.
        now_s, slack_s = time.time(), DAY_S
    expect(abs(made_s - now_s) < slack_s, f"about {now_s:.0f}", made_s)


@check(
    "chat.id.prefix",
    SHOULD,
    "`id` begins with `chatcmpl-`.",
    peer("llama.cpp", "test_chat_completion"),
    live("chatcmpl-..."),
    needs=NEEDS,
)
async def id_prefix(server: Server) -> None:
    name = at(await server.chat(), "id")
    expect(str(name).startswith("chatcmpl-"), "chatcmpl-...", name)


@check(
    "chat.id.unique",
    SHOULD,
    "Two replies have two ids.",
    doc(f"{RESPONSE}/properties/id"),
    needs=NEEDS,
    clients="logs and traces that file replies by id",
)
async def id_unique(server: Server) -> None:
    first, second = [at(await server.chat(fresh=True), "id") for _ in range(2)]
    expect(first != second, "two ids", f"{first} twice")


@check(
    "chat.system_fingerprint.type",
    MUST,
    "`system_fingerprint`, if there is one, is a string.",
    spec(f"{RESPONSE}/properties/system_fingerprint"),
    needs=NEEDS,
)
async def fingerprint(server: Server) -> None:
    seen = (await server.chat()).get("system_fingerprint")
    expect(isinstance(seen, str | None), "a string", seen)


@check(
    "chat.system_fingerprint.null",
    MAY,
    "A `system_fingerprint` that is not known is left out, not null.",
    spec(f"{RESPONSE}/properties/system_fingerprint"),
    needs=NEEDS,
)
async def fingerprint_null(server: Server) -> None:
    body = await server.chat()
    expect(body.get("system_fingerprint", "") is not None, "no key or a string", "null")


@check(
    "chat.service_tier",
    MUST,
    "`service_tier`, if there is one, is one of the tiers that the API names.",
    spec("ServiceTier"),
    issue("pydantic/pydantic-ai#4895", "MercuryTechnologies/openai#61"),
    needs=NEEDS,
    clients="pydantic-ai and the Haskell client refuse the reply",
)
async def service_tier(server: Server) -> None:
    tier = (await server.chat()).get("service_tier")
    expect(tier in TIERS, f"one of {TIERS[:-1]}", tier)


# --- the choice ---


@check(
    "chat.choice.index",
    MUST,
    "The first choice has the index 0.",
    spec(f"{CHOICE}/required"),
    issue("microsoft/foundry-local#144"),
    needs=NEEDS,
    clients="openai-python's stream helper raises IndexError",
)
async def index(server: Server) -> None:
    choice = await _choice(server)
    expect(at(choice, "index", of=int) == 0, "index 0", choice)


@check(
    "chat.choice.finish_reason",
    MUST,
    "`finish_reason` is one of the five that the API names, and never null.",
    spec(f"{CHOICE}/properties/finish_reason"),
    issue("earendil-works/pi#4558", "vaadin/flow-components#9195"),
    needs=NEEDS,
    clients="openai-dotnet and vaadin cannot parse the reply; pi waits for the end",
)
async def finish_reason(server: Server) -> None:
    reason = at(await _choice(server), "finish_reason", of=str)
    expect(reason in FINISHES, f"one of {FINISHES}", repr(reason))


@check(
    "chat.choice.finish_text",
    MUST,
    "A reply without tool calls does not finish for `tool_calls` or `function_call`.",
    doc(f"{CHOICE}/properties/finish_reason"),
    needs=NEEDS,
    clients="agents look for calls that are not there",
)
async def finish_text(server: Server) -> None:
    choice = await _choice(server)
    message = message_of(choice)
    cooperate(not message.get("tool_calls"), "the model called a tool that it was not given")
    finish = at(choice, "finish_reason")
    expect(finish not in ("tool_calls", "function_call"), '"stop"', choice)


@check(
    "chat.choice.logprobs",
    MUST,
    "The choice has the key `logprobs`, null unless asked for.",
    spec(f"{CHOICE}/required"),
    needs=NEEDS,
    clients="clients generated from the document miss a required key",
)
async def logprobs(server: Server) -> None:
    seen = at(await _choice(server), "logprobs")
    expect(isinstance(seen, dict | None), "null or an object", seen)
