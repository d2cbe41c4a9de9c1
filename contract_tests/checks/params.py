"""Parameters of a chat request that do not shape its text, or that few servers have."""

from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, Check, Level, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, content_of, message_of, steady, usage_of
from contract_tests.samples import CHAT
from contract_tests.server import REFUSED, Server, refusal
from contract_tests.sources import doc, issue, peer, spec
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange

NEEDS = ("chat",)
PROPERTIES = "CreateChatCompletionRequest/allOf/1/properties"
SHARED = "ModelResponseProperties/properties"
OPEN_QUESTION = "Why is the sky blue?"


def _clean(answer: Exchange) -> None:
    """That a request was accepted, or refused as what the server does not do."""
    if answer.status != 200:
        refusal(answer, (*range(400, 500), 501))


# --- stream ---


@check(
    "params.stream.false",
    SHOULD,
    "`stream: false` is the same as no `stream`.",
    spec(f"{PROPERTIES}/stream"),
    needs=NEEDS,
    clients="clients that always send the key",
)
async def stream_false(server: Server) -> None:
    body = await server.chat(stream=False)
    expect(at(body, "object") == "chat.completion", "a whole chat completion", body)


@check(
    "params.stream_options",
    SHOULD,
    "`stream_options` without a stream is refused.",
    doc("ChatCompletionStreamOptions/anyOf/0"),
    peer("vllm", "test_chat_completion_stream_options"),
    issue("langgenius/dify-plugin-sdks#50", "decolua/9router#3081"),
    needs="chat.usage",
    clients="clients that always send it are refused elsewhere",
)
async def stream_options(server: Server) -> None:
    body = server.chat_body(stream_options={"include_usage": True})
    await server.refuses(CHAT, body)


# --- names for the caller ---

NAMES = {
    "user": spec(f"{SHARED}/user"),
    "safety_identifier": spec(f"{SHARED}/safety_identifier"),
    "prompt_cache_key": spec(f"{SHARED}/prompt_cache_key"),
}


async def _named(server: Server, param: str) -> Any:
    params: dict[str, Any] = {param: "contract"}
    return await server.chat(temperature=0, **params)


def _accepted(param: str) -> Check:
    @check(f"params.{param}.accepted", SHOULD, f"`{param}` is accepted.", NAMES[param], needs=NEEDS)
    async def accepted(server: Server) -> None:
        choice_of(await _named(server, param))

    return accepted


def _harmless(param: str) -> Check:
    @check(
        f"params.{param}.harmless",
        SHOULD,
        f"`{param}` does not change the reply.",
        NAMES[param],
        needs=("chat.temperature", "chat.deterministic"),
    )
    async def harmless(server: Server) -> None:
        plain = content_of(choice_of(await server.chat(temperature=0)))
        seen = content_of(choice_of(await _named(server, param)))
        if seen != plain:
            steady(plain, await server.chat(temperature=0, fresh=True))
        expect(seen == plain, repr(plain), repr(seen))

    return harmless


user, safety_identifier, prompt_cache_key = [_accepted(name) for name in NAMES]
user_harmless, safety_harmless, cache_harmless = [_harmless(name) for name in NAMES]


# --- values that are refused ---


def _refuses(name: str, level: Level, rule: str, source: Any, *needs: str, **params: Any) -> Check:
    @check(f"params.{name}", level, rule, source, needs=needs or NEEDS)
    async def refuses(server: Server) -> None:
        await server.refuses(CHAT, server.chat_body(**params))

    return refuses


long_identifier = _refuses(
    "safety_identifier.length",
    MAY,
    "A `safety_identifier` of more than 64 characters is refused.",
    spec(f"{SHARED}/safety_identifier"),
    safety_identifier="x" * 65,
)
many_pairs = _refuses(
    "metadata.pairs",
    SHOULD,
    "`metadata` of more than 16 pairs is refused.",
    doc("Metadata/anyOf/0"),
    "chat.metadata",
    metadata={f"key{number}": "value" for number in range(17)},
)
long_key = _refuses(
    "metadata.key",
    MAY,
    "A key of `metadata` of more than 64 characters is refused.",
    doc("Metadata/anyOf/0"),
    "chat.metadata",
    metadata={"k" * 65: "value"},
)
long_value = _refuses(
    "metadata.value",
    MAY,
    "A value of `metadata` of more than 512 characters is refused.",
    doc("Metadata/anyOf/0"),
    "chat.metadata",
    metadata={"key": "v" * 513},
)
number_value = _refuses(
    "metadata.string",
    MAY,
    "A value of `metadata` that is no string is refused.",
    spec("Metadata/anyOf/0/additionalProperties"),
    "chat.metadata",
    metadata={"key": 1},
)


# --- values that show ---


@check(
    "params.reasoning_effort.none",
    SHOULD,
    "`reasoning_effort: none`, where it is accepted, means no reasoning tokens.",
    doc("ReasoningEffort/anyOf/0"),
    needs="chat.reasoning",
)
async def no_effort(server: Server) -> None:
    answer = await server.post(CHAT, server.chat_body(reasoning_effort="none"))
    if answer.status in REFUSED:
        raise Unsupported("this model always reasons")
    expect(answer.status == 200, "200", answer.brief())
    details = usage_of(answer.json).get("completion_tokens_details")
    seen = details.get("reasoning_tokens") if isinstance(details, dict) else None
    expect(not seen, "no reasoning tokens", seen)


@check(
    "params.verbosity.shows",
    MAY,
    "`verbosity` changes what is said.",
    doc("Verbosity/anyOf/0"),
    needs=("chat.verbosity", "chat.deterministic"),
)
async def verbosity(server: Server) -> None:
    low, high = [
        content_of(choice_of(await server.chat(OPEN_QUESTION, temperature=0, verbosity=level)))
        for level in ("low", "high")
    ]
    other = content_of(choice_of(await server.chat(temperature=0)))
    cooperate(low != other, "the server has one reply for all questions")
    expect(low != high, "another reply at high than at low", repr(low))


# --- what few servers have ---


def _clean_or_refused(param: str, **params: Any) -> Check:
    @check(
        f"params.{param}.clean",
        MUST,
        f"`{param}` is accepted or refused with a 4xx, never an error of the server.",
        spec(f"{PROPERTIES}/{param}"),
        needs=NEEDS,
        clients="SDKs repeat a request that got a 5xx",
    )
    async def clean(server: Server) -> None:
        _clean(await server.post(CHAT, server.chat_body(**params)))

    return clean


prediction = _clean_or_refused("prediction", prediction={"type": "content", "content": "The fox."})
modalities = _clean_or_refused("modalities", modalities=["text"])
web_search = _clean_or_refused("web_search_options", web_search_options={})
store = _clean_or_refused("store", store=True)


@check(
    "params.audio.given",
    SHOULD,
    "A request for `audio` is answered with sound, or refused.",
    spec(f"{PROPERTIES}/audio"),
    needs=NEEDS,
    clients="voice applications stay silent without an error",
)
async def audio(server: Server) -> None:
    sound = {"voice": "alloy", "format": "wav"}
    body = server.chat_body(modalities=["text", "audio"], audio=sound)
    answer = await server.post(CHAT, body)
    _clean(answer)
    if answer.status == 200:
        message = message_of(choice_of(answer.json))
        expect(isinstance(message.get("audio"), dict), "`audio` in the message", message)


@check(
    "params.tools.empty",
    MAY,
    "An empty list of `tools` is the same as none.",
    spec(f"{PROPERTIES}/tools"),
    issue("local-inference-lab/vllm#193", "BerriAI/litellm#33860", "ml-explore/mlx-lm#170"),
    needs=NEEDS,
    clients="Xcode and litellm's bridge send one",
)
async def no_tools(server: Server) -> None:
    choice_of(await server.chat(tools=[]))
