"""What a server may be able to do, and what a profile declares."""

from dataclasses import dataclass

from contract_tests.probes import (
    WORDS,
    Probe,
    accepts,
    allows_browsers,
    asks_for_a_key,
    chat,
    complete,
    deterministic_chat,
    deterministic_completion,
    embed,
    has_document,
    is_fuzzed,
    lists_models,
    part,
    retrieves_models,
    samples_chat,
    tokenize,
)
from contract_tests.samples import AUDIO, IMAGE, NOTE, SCHEMA, TEXT_FILE, WEATHER, chosen


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing a server may be able to do.

    Where it is absent, a check that needs it is unsupported; or inconclusive, if the capability is
    a property of the model (`nature`) and not a feature that was refused.
    """

    description: str
    probe: Probe
    nature: bool = False


CAPABILITIES: dict[str, Capability] = {
    "openapi": Capability("an OpenAPI document was given with --openapi", has_document),
    "fuzz": Capability("fuzzing was asked for with --fuzz", is_fuzzed),
    "models": Capability("GET /models", lists_models),
    "models.retrieve": Capability("GET /models/{id}", retrieves_models),
    "auth": Capability("a wrong key is refused", asks_for_a_key),
    "cors": Capability("browsers may call", allows_browsers),
    "chat": Capability("POST /chat/completions", chat()),
    "chat.stream": Capability("stream", chat(stream=True)),
    "chat.stream.obfuscation": Capability(
        "stream_options.include_obfuscation",
        chat(stream=True, stream_options={"include_obfuscation": False}),
    ),
    "chat.usage": Capability(
        "stream_options.include_usage", chat(stream=True, stream_options={"include_usage": True})
    ),
    "chat.n": Capability("n", chat(n=2)),
    "chat.max_tokens": Capability("max_tokens", chat(max_tokens=3)),
    "chat.stop": Capability("stop", chat(stop=["\u0001"])),
    "chat.seed": Capability("seed", chat(seed=7)),
    "chat.top_p": Capability("top_p", chat(top_p=0.5)),
    "chat.temperature": Capability("temperature", chat(temperature=0)),
    "chat.penalties": Capability(
        "frequency_penalty and presence_penalty", chat(frequency_penalty=1, presence_penalty=1)
    ),
    "chat.logit_bias": Capability("logit_bias", chat(logit_bias={"100": -100})),
    "chat.logprobs": Capability("logprobs", chat(logprobs=True, top_logprobs=2)),
    "chat.tools": Capability("tools", chat(tools=[WEATHER])),
    "chat.tools.required": Capability(
        "tool_choice required", chat(tools=[WEATHER], tool_choice="required")
    ),
    "chat.tools.named": Capability(
        "tool_choice of a function", chat(tools=[WEATHER], tool_choice=chosen("get_weather"))
    ),
    "chat.tools.parallel": Capability(
        "parallel_tool_calls", chat(tools=[WEATHER], parallel_tool_calls=False)
    ),
    "chat.tools.allowed": Capability(
        "tool_choice allowed_tools",
        chat(
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
    "chat.tools.custom": Capability("custom tools", chat(tools=[NOTE])),
    "chat.tools.custom.named": Capability(
        "tool_choice of a custom tool", chat(tools=[NOTE], tool_choice=NOTE)
    ),
    "chat.functions": Capability("legacy functions", chat(functions=[WEATHER["function"]])),
    "chat.json_object": Capability(
        "response_format json_object",
        chat(
            messages=[{"role": "user", "content": "Answer in JSON: name a colour."}],
            response_format={"type": "json_object"},
        ),
    ),
    "chat.json_schema": Capability(
        "response_format json_schema",
        chat(response_format={"type": "json_schema", "json_schema": SCHEMA}),
    ),
    "chat.image": Capability("image_url parts", part(IMAGE)),
    "chat.audio": Capability("input_audio parts", part(AUDIO)),
    "chat.file": Capability("file parts", part(TEXT_FILE)),
    "chat.reasoning": Capability("reasoning_effort", chat(reasoning_effort="low")),
    "chat.verbosity": Capability("verbosity", chat(verbosity="low")),
    "chat.metadata": Capability("metadata", chat(metadata={"purpose": "contract"})),
    "chat.service_tier": Capability("service_tier", chat(service_tier="auto")),
    "chat.deterministic": Capability(
        "the same text each time at temperature 0", deterministic_chat, nature=True
    ),
    "chat.sampling": Capability("texts that differ at temperature 2", samples_chat, nature=True),
    "completions": Capability("POST /completions", complete()),
    "completions.stream": Capability("stream", complete(stream=True)),
    "completions.tokens": Capability("prompts of token ids", complete(prompt=[100, 101, 102])),
    "completions.token_arrays": Capability(
        "several prompts of token ids", complete(prompt=[[100, 101], [102, 103]])
    ),
    "completions.batch": Capability("several prompts", complete(prompt=[WORDS, WORDS])),
    "completions.n": Capability("n", complete(n=2)),
    "completions.stop": Capability("stop", complete(stop=["\u0001"])),
    "completions.echo": Capability("echo", complete(echo=True)),
    "completions.suffix": Capability("suffix", complete(suffix=" The end.")),
    "completions.logprobs": Capability("logprobs", complete(logprobs=2)),
    "completions.best_of": Capability("best_of", complete(best_of=2)),
    "completions.seed": Capability("seed", complete(seed=7)),
    "completions.deterministic": Capability(
        "the same completion each time at temperature 0", deterministic_completion, nature=True
    ),
    "completions.usage": Capability(
        "stream_options.include_usage",
        complete(stream=True, stream_options={"include_usage": True}),
    ),
    "embeddings": Capability("POST /embeddings", embed()),
    "embeddings.batch": Capability("several inputs", embed(input=[WORDS, "fox"])),
    "embeddings.tokens": Capability("inputs of token ids", embed(input=[100, 101, 102])),
    "embeddings.base64": Capability("encoding_format base64", embed(encoding_format="base64")),
    "embeddings.dimensions": Capability("dimensions", embed(dimensions=16)),
    "moderations": Capability(
        "POST /moderations", accepts("moderations", "/moderations", {"input": WORDS})
    ),
    "tokenize": Capability("POST /tokenize", tokenize),
    "detokenize": Capability("POST /detokenize", accepts("chat", "/detokenize", {"tokens": [100]})),
}

_MODELS = frozenset({"models", "models.retrieve"})
_CHAT = _MODELS | {
    "chat",
    "chat.stream",
    "chat.stop",
    "chat.n",
    "chat.usage",
    "chat.temperature",
}
_COMPLETIONS = _MODELS | {"completions", "completions.stream", "completions.stop"}
_TOOLS = _CHAT | {
    "chat.tools",
    "chat.tools.required",
    "chat.tools.named",
    "chat.tools.parallel",
}
_STRUCTURED = _CHAT | {"chat.json_object", "chat.json_schema"}

# What `--profile` declares; several may be given, with commas between them.
PROFILES: dict[str, frozenset[str]] = {
    "minimal-chat": frozenset({"models", "chat", "chat.stream"}),
    "chat": _CHAT,
    "completions": _COMPLETIONS,
    "text": _CHAT | _COMPLETIONS | {"completions.n", "completions.echo", "completions.usage"},
    "tools": _TOOLS,
    "structured": _STRUCTURED,
    "embeddings": _MODELS | {name for name in CAPABILITIES if name.startswith("embeddings")},
    "full": frozenset(CAPABILITIES) - {"auth", "cors", "openapi", "fuzz"},
}
