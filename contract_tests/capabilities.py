"""What a server may be able to do, and the probe that finds out.

A capability is there when the server accepts a request that uses it; whether it then works is for
the checks to say. It is not there when the server refuses with a 4xx or 501. Anything else, such
as a 500, counts as there, so that a broken feature fails instead of being skipped.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract_tests.samples import AUDIO, IMAGE, SCHEMA, TEXT_FILE, WEATHER

if TYPE_CHECKING:
    from contract_tests.target import Target
    from contract_tests.wire.exchange import Exchange

# Statuses that say nothing about the request itself.
UNTELLING = frozenset({401, 403, 408, 409, 429})
WORDS = "Repeat exactly this sentence: The quick brown fox jumps over the lazy dog."


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing a server may be able to do.

    Where it is absent, a check that needs it is unsupported; or inconclusive, if the capability is
    a property of the model (`nature`) and not a feature that was refused.
    """

    description: str
    probe: "Callable[[Target], Awaitable[bool]]"
    nature: bool = False


def refused(answer: "Exchange") -> bool:
    """Whether the server refused the request itself, cleanly."""
    client_error = 400 <= answer.status < 500 and answer.status not in UNTELLING
    return client_error or answer.status == 501


def _accepts(
    kind: str, path: str, body: Mapping[str, Any]
) -> "Callable[[Target], Awaitable[bool]]":
    async def probe(target: "Target") -> bool:
        content = {"model": await target.model(kind), **body}
        answer = await target.ask(target.exchange("POST", path, json.dumps(content).encode()))
        return not refused(answer)

    return probe


def _chat(**params: Any) -> "Callable[[Target], Awaitable[bool]]":
    body = {"messages": [{"role": "user", "content": WORDS}], **params}
    return _accepts("chat", "/chat/completions", body)


def _part(part: Mapping[str, Any]) -> "Callable[[Target], Awaitable[bool]]":
    content = [{"type": "text", "text": WORDS}, part]
    return _chat(messages=[{"role": "user", "content": content}])


def _complete(**params: Any) -> "Callable[[Target], Awaitable[bool]]":
    return _accepts("completions", "/completions", {"prompt": WORDS, **params})


def _embed(**params: Any) -> "Callable[[Target], Awaitable[bool]]":
    return _accepts("embeddings", "/embeddings", {"input": WORDS, **params})


async def _models(target: "Target") -> bool:
    return not refused(await target.ask(target.exchange("GET", "/models")))


async def _auth(target: "Target") -> bool:
    answer = await target.ask(target.exchange("GET", "/models", key="sk-certainly-wrong"))
    return answer.status in {401, 403}


async def _cors(target: "Target") -> bool:
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = await target.ask(
        target.exchange("OPTIONS", "/chat/completions", headers=headers, key="")
    )
    return answer.header("access-control-allow-origin") is not None


async def _texts(target: "Target", *bodies: Mapping[str, Any]) -> list[str | None]:
    texts: list[str | None] = []
    for body in bodies:
        content = {
            "model": target.models["chat"],
            "messages": [{"role": "user", "content": WORDS}],
            **body,
        }
        # Not through ask(): the same request must really be sent again.
        answer = await target.send(
            target.exchange("POST", "/chat/completions", json.dumps(content).encode())
        )
        try:
            texts.append(json.loads(answer.body)["choices"][0]["message"]["content"])
        except (ValueError, KeyError, TypeError, IndexError):
            texts.append(None)
    return texts


async def _deterministic(target: "Target") -> bool:
    texts = await _texts(target, *[{"temperature": 0}] * 3)
    return None not in texts and len(set(texts)) == 1


async def _sampling(target: "Target") -> bool:
    hot = [{"temperature": 2, "seed": seed} for seed in range(4)]
    texts = await _texts(target, *hot)
    return len({text for text in texts if text is not None}) > 1


CAPABILITIES: dict[str, Capability] = {
    "models": Capability("GET /models", _models),
    "auth": Capability("a wrong key is refused", _auth, nature=True),
    "cors": Capability("browsers may call", _cors),
    "chat": Capability("POST /chat/completions", _chat()),
    "chat.stream": Capability("stream", _chat(stream=True)),
    "chat.usage": Capability(
        "stream_options.include_usage", _chat(stream=True, stream_options={"include_usage": True})
    ),
    "chat.n": Capability("n", _chat(n=2)),
    "chat.stop": Capability("stop", _chat(stop=["\u0001"])),
    "chat.seed": Capability("seed", _chat(seed=7)),
    "chat.temperature": Capability("temperature", _chat(temperature=0)),
    "chat.penalties": Capability(
        "frequency_penalty and presence_penalty", _chat(frequency_penalty=1, presence_penalty=1)
    ),
    "chat.logit_bias": Capability("logit_bias", _chat(logit_bias={"100": -100})),
    "chat.logprobs": Capability("logprobs", _chat(logprobs=True, top_logprobs=2)),
    "chat.tools": Capability("tools", _chat(tools=[WEATHER])),
    "chat.tools.required": Capability(
        "tool_choice required", _chat(tools=[WEATHER], tool_choice="required")
    ),
    "chat.tools.parallel": Capability(
        "parallel_tool_calls", _chat(tools=[WEATHER], parallel_tool_calls=False)
    ),
    "chat.tools.allowed": Capability(
        "tool_choice allowed_tools",
        _chat(
            tools=[WEATHER],
            tool_choice={
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "get_weather"}}],
                },
            },
        ),
    ),
    "chat.tools.custom": Capability(
        "custom tools", _chat(tools=[{"type": "custom", "custom": {"name": "note"}}])
    ),
    "chat.functions": Capability("legacy functions", _chat(functions=[WEATHER["function"]])),
    "chat.json_object": Capability(
        "response_format json_object",
        _chat(
            messages=[{"role": "user", "content": "Answer in JSON: name a colour."}],
            response_format={"type": "json_object"},
        ),
    ),
    "chat.json_schema": Capability(
        "response_format json_schema",
        _chat(response_format={"type": "json_schema", "json_schema": SCHEMA}),
    ),
    "chat.image": Capability("image_url parts", _part(IMAGE)),
    "chat.audio": Capability("input_audio parts", _part(AUDIO)),
    "chat.file": Capability("file parts", _part(TEXT_FILE)),
    "chat.reasoning": Capability("reasoning_effort", _chat(reasoning_effort="low")),
    "chat.verbosity": Capability("verbosity", _chat(verbosity="low")),
    "chat.metadata": Capability("metadata", _chat(metadata={"purpose": "contract"})),
    "chat.service_tier": Capability("service_tier", _chat(service_tier="auto")),
    "chat.deterministic": Capability(
        "the same text each time at temperature 0", _deterministic, nature=True
    ),
    "chat.sampling": Capability("other texts at temperature 2", _sampling, nature=True),
    "completions": Capability("POST /completions", _complete()),
    "completions.stream": Capability("stream", _complete(stream=True)),
    "completions.tokens": Capability("prompts of token ids", _complete(prompt=[100, 101, 102])),
    "completions.batch": Capability("several prompts", _complete(prompt=[WORDS, WORDS])),
    "completions.n": Capability("n", _complete(n=2)),
    "completions.stop": Capability("stop", _complete(stop=["\u0001"])),
    "completions.echo": Capability("echo", _complete(echo=True)),
    "completions.suffix": Capability("suffix", _complete(suffix=" The end.")),
    "completions.logprobs": Capability("logprobs", _complete(logprobs=2)),
    "completions.best_of": Capability("best_of", _complete(best_of=2)),
    "completions.usage": Capability(
        "stream_options.include_usage",
        _complete(stream=True, stream_options={"include_usage": True}),
    ),
    "embeddings": Capability("POST /embeddings", _embed()),
    "embeddings.batch": Capability("several inputs", _embed(input=[WORDS, "fox"])),
    "embeddings.tokens": Capability("inputs of token ids", _embed(input=[100, 101, 102])),
    "embeddings.base64": Capability("encoding_format base64", _embed(encoding_format="base64")),
    "embeddings.dimensions": Capability("dimensions", _embed(dimensions=16)),
    "moderations": Capability(
        "POST /moderations", _accepts("moderations", "/moderations", {"input": WORDS})
    ),
    "tokenize": Capability("POST /tokenize", _accepts("chat", "/tokenize", {"prompt": WORDS})),
    "detokenize": Capability(
        "POST /detokenize", _accepts("chat", "/detokenize", {"tokens": [100]})
    ),
}

_CHAT = frozenset(
    {"models", "chat", "chat.stream", "chat.stop", "chat.n", "chat.usage", "chat.temperature"}
)
_COMPLETIONS = frozenset({"models", "completions", "completions.stream", "completions.stop"})
_TOOLS = _CHAT | {"chat.tools", "chat.tools.required", "chat.tools.parallel"}
_STRUCTURED = _CHAT | {"chat.json_object", "chat.json_schema"}

# What `--profile` declares; several may be given, with commas between them.
PROFILES: dict[str, frozenset[str]] = {
    "minimal-chat": frozenset({"models", "chat", "chat.stream"}),
    "chat": _CHAT,
    "completions": _COMPLETIONS,
    "text": _CHAT | _COMPLETIONS | {"completions.n", "completions.echo", "completions.usage"},
    "tools": _TOOLS,
    "structured": _STRUCTURED,
    "embeddings": frozenset(
        {"models", *(name for name in CAPABILITIES if name.startswith("embeddings"))}
    ),
    "full": frozenset(CAPABILITIES) - {"auth", "cors"},
}
