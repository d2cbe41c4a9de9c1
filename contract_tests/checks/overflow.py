"""A prompt longer than the context window.

The window of an unknown server is unknown, and a prompt that fits costs money and time. So there
is one long prompt: longer than the window that `/models` tells, else as long as is decent. A
server that takes it, or refuses its size on other grounds, is not judged.
"""

from random import Random
from string import ascii_lowercase
from typing import Any

from contract_tests.check import SHOULD, check
from contract_tests.expect import expect
from contract_tests.samples import CHAT, MODELS
from contract_tests.server import Server, refusal
from contract_tests.sources import doc, issue, live, peer
from contract_tests.verdict import Uncooperative
from contract_tests.wire.exchange import Exchange

WINDOWS = (
    *("max_model_len", "max_input_tokens"),
    *("context_length", "context_window", "max_context_length"),
)
WORDS = 300_000
ISSUES = issue(
    "lmstudio-ai/lmstudio-bug-tracker#2322",
    "MiaAI-Lab/Qwen3.8-27B-DFlash2-EXL3-5.0bpw#9",
    "kolega-ai/kolega-code#177",
)
# By which LiteLLM knows the error, whoever's it is.
RECOGNISED = (
    "maximum context length is",
    "model's maximum context limit",
    "exceed context limit",
    "exceeds the available context size",
    "exceeds the maximum number of tokens allowed",
    "input tokens exceed the configured limit",
    "is longer than the model's context length",
)
COMPACTING = "agents never compact their conversation"


async def _window(server: Server) -> int | None:
    answer = await server.get(MODELS)
    body = answer.json if answer.status == 200 else None
    models = body.get("data") if isinstance(body, dict) else None
    for model in models if isinstance(models, list) else []:
        if isinstance(model, dict) and model.get("id") == server.model():
            told = [model[name] for name in WINDOWS if isinstance(model.get(name), int)]
            return max(told, default=None)
    return None


async def _overflow(server: Server, **params: Any) -> Exchange:
    """The refusal of a prompt of letters, each at least a token, that no window should hold."""
    window = await _window(server)
    words = WORDS if window is None else window + 1000
    if words > WORDS:
        raise Uncooperative(f"the window of {window} tokens is too large to be tried")
    text = " ".join(Random(words).choices(ascii_lowercase, k=words))  # noqa: S311 - no secret
    # In turns that every chat template takes, and with little to say for a server that takes it.
    messages = [
        {"role": "user", "content": text},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": "Say hi."},
    ]
    answer = await server.post(CHAT, server.chat_body(messages, **params), fresh=False)
    if answer.fault or answer.status in {408, 413, 429, 503, 504}:
        raise Uncooperative(f"{words} words come to another end: {answer.brief()}")
    if answer.status < 400 and not params:
        raise Uncooperative(f"the server takes a prompt of {words} words")
    return answer


@check(
    "errors.overflow.status",
    SHOULD,
    "A prompt longer than the context window is a 400.",
    doc("CreateResponse/allOf/2/properties/truncation"),
    peer("llama.cpp", "test_context_size_exceeded"),
    ISSUES,
    needs="chat",
    clients=COMPACTING,
    alone=True,
)
async def status(server: Server) -> None:
    refusal(await _overflow(server), 400)


@check(
    "errors.overflow.code",
    SHOULD,
    "The error of too long a prompt has the code context_length_exceeded.",
    live("context_length_exceeded"),
    ISSUES,
    needs="chat",
    clients=COMPACTING,
    alone=True,
)
async def code(server: Server) -> None:
    answer = await _overflow(server)
    seen = answer.error.get("code")
    expect(seen == "context_length_exceeded", "context_length_exceeded", answer.brief())


@check(
    "errors.overflow.words",
    SHOULD,
    "The error of too long a prompt says so in words that clients look for, such as"
    " 'maximum context length is 8192 tokens'.",
    live("This model's maximum context length is 8192 tokens. However, …"),
    peer("LiteLLM", "test_exception_mapping_utils.py context_window_test_cases"),
    needs="chat",
    clients="LiteLLM falls back to no larger model; CrewAI shortens no conversation",
    alone=True,
)
async def words(server: Server) -> None:
    answer = await _overflow(server)
    said = str(answer.error.get("message")).lower()
    expect(any(one in said for one in RECOGNISED), f"one of {RECOGNISED}", answer.brief())


@check(
    "errors.overflow.stream",
    SHOULD,
    "With stream, too long a prompt is the same status and JSON.",
    peer("llama.cpp", "test_context_size_exceeded_stream"),
    issue("sgl-project/sglang#21900", "openclaw/clawrouter#101", "majiayu000/litellm-rs#170"),
    needs="chat.stream",
    clients="retry loops; SDKs raise another class of exception",
    alone=True,
)
async def stream(server: Server) -> None:
    plain = await _overflow(server)
    refusal(await _overflow(server, stream=True), plain.status)
