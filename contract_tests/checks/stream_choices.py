"""Streamed chat completions: the deltas of a choice, from its role to its finish_reason."""

from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.expect import at, expect
from contract_tests.reading import choices_of
from contract_tests.server import Server
from contract_tests.sources import doc, issue, live, peer, sdk, spec
from contract_tests.wire.stream import Stream

CHOICE = "CreateChatCompletionStreamResponse/properties/choices/items"
DELTA = "ChatCompletionStreamResponseDelta/properties"
NEEDS = ("chat.stream",)
ROLES = frozenset({"developer", "system", "user", "assistant", "tool"})
REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
CONTENT = ("content", "refusal", "tool_calls", "function_call")


def _choices(stream: Stream) -> list[dict[str, Any]]:
    return [choice for chunk in stream.chunks for choice in choices_of(chunk)]


# --- shape ---


@check(
    "chat.stream.choice.delta",
    MUST,
    "Every choice of a chunk has a `delta`, which is an object.",
    spec(f"{CHOICE}/required"),
    issue(
        "QwenLM/qwen-code#1448",
        "smallmain/vscode-unify-chat-provider#29",
        "microsoft/autogen#6465",
    ),
    needs=NEEDS,
    clients="autogen AttributeError, qwen-code TypeError on the last chunk",
)
async def choice_delta(server: Server) -> None:
    for choice in _choices(await server.chat_stream()):
        at(choice, "delta", of=dict)


@check(
    "chat.stream.choice.finish_reason",
    MUST,
    "Every choice of a chunk has the key `finish_reason`, null until the last.",
    spec(f"{CHOICE}/required"),
    issue("maximhq/bifrost#7397", "vllm-project/vllm#19662", "danny-avila/LibreChat#5563"),
    needs=NEEDS,
    clients="Mistral's SDK and LibreChat require the key",
)
async def choice_finish_reason(server: Server) -> None:
    for choice in _choices(await server.chat_stream()):
        at(choice, "finish_reason")


@check(
    "chat.stream.choice.index",
    MUST,
    "Every choice of a chunk has the index of the choice, not of the chunk.",
    spec(f"{CHOICE}/required"),
    doc(f"{CHOICE}/properties/index"),
    sdk("lib.streaming.chat: choices[choice.index]"),
    issue("microsoft/foundry-local#144"),
    needs=NEEDS,
    clients="openai-python's helper: IndexError, TypeError",
)
async def choice_index(server: Server) -> None:
    for choice in _choices(await server.chat_stream()):
        expect(at(choice, "index", of=int) == 0, "index 0 of the only choice", choice)


@check(
    "chat.stream.choice.message",
    SHOULD,
    "The choices of chunks have no `message`.",
    spec(f"{CHOICE}/properties"),
    issue("microsoft/foundry-local#221"),
    needs=NEEDS,
    clients="clients that take a choice with a message for a whole answer",
)
async def choice_message(server: Server) -> None:
    for choice in _choices(await server.chat_stream()):
        expect("message" not in choice, "no `message` beside the `delta`", choice)


# --- role ---


@check(
    "chat.stream.role.first",
    SHOULD,
    'The role "assistant" comes with the first content of a choice, or before it.',
    peer("llama.cpp", "test_chat_completion_stream"),
    peer("vllm", "test_chat_streaming"),
    issue(
        "maximhq/bifrost#6523",
        "tensorzero/tensorzero#1265",
        "langwatch/langwatch#6196",
        "diegosouzapw/OmniRoute#3911",
    ),
    needs=NEEDS,
    clients="LangChain drops tool calls of generic chunks; langwatch KeyError; n8n shows nothing",
)
async def role_first(server: Server) -> None:
    for delta in (await server.chat_stream()).deltas():
        if delta.get("role") is not None:
            expect(delta["role"] == "assistant", 'the role "assistant"', delta)
            return
        expect(not any(map(delta.get, CONTENT)), "the role before any content", delta)
    expect(False, "a delta with the role", "none")


@check(
    "chat.stream.role.once",
    SHOULD,
    "Only the first delta of a choice has a role.",
    sdk("lib.streaming._deltas.accumulate_delta joins the roles"),
    peer("vllm", "test_chat_streaming"),
    issue(
        "BerriAI/litellm#9986",
        "ollama/ollama#17166",
        "ai-dynamo/dynamo#12639",
        "openinterpreter/openinterpreter#244",
    ),
    needs=NEEDS,
    clients='openai-python puts together the role "assistantassistant…"',
)
async def role_once(server: Server) -> None:
    roles = [role for delta in (await server.chat_stream()).deltas() if (role := delta.get("role"))]
    expect(len(roles) < 2, "the role once", f"{len(roles)} times")


@check(
    "chat.stream.role.known",
    MUST,
    "A delta's role, where there is one, is one of the known roles.",
    spec(f"{DELTA}/role/enum"),
    needs=NEEDS,
    clients="typed clients: no such value of the enumeration",
)
async def role_known(server: Server) -> None:
    for choice in _choices(await server.chat_stream()):
        role = at(choice, "delta", of=dict).get("role")
        expect(role is None or repr(role) in map(repr, ROLES), "a known role", choice)


# --- end ---


@check(
    "chat.stream.finish.known",
    MUST,
    "A finish_reason is null or one of the known reasons, never an empty string.",
    spec(f"{CHOICE}/properties/finish_reason/enum"),
    issue("ollama/ollama#4357", "sgl-project/sglang#3912", "aaif-goose/goose#10258"),
    needs=NEEDS,
    clients="goose loses tool calls; enumerations of .NET and Rust fail",
)
async def finish_known(server: Server) -> None:
    for choice in _choices(await server.chat_stream()):
        reason = choice.get("finish_reason")
        known = reason is None or (isinstance(reason, str) and reason in REASONS)
        expect(known, "null or a known finish_reason", choice)


@check(
    "chat.stream.finish.once",
    MUST,
    "Each choice gets exactly one finish_reason.",
    doc(f"{CHOICE}/properties/finish_reason"),
    peer("vllm", "test_chat_streaming finish_reason_count"),
    issue("earendil-works/pi#4558", "vaadin/flow-components#9195"),
    needs=NEEDS,
    clients="agents take a text that was cut off for the whole answer",
)
async def finish_once(server: Server) -> None:
    stream = await server.chat_stream()
    reasons = stream.finishes()
    expect(len(reasons) == 1, "one finish_reason", reasons or stream.exchange.fault or "none")


@check(
    "chat.stream.finish.after",
    MUST,
    "After its finish_reason nothing of a choice's message follows.",
    doc(f"{CHOICE}/properties/finish_reason"),
    peer("vllm", "test_chat_streaming"),
    needs=NEEDS,
    clients="clients that stop reading there lose the rest",
)
async def finish_after(server: Server) -> None:
    choices = (await server.chat_stream()).of(0)
    finished = False
    for choice in choices:
        delta = choice.get("delta")
        content = isinstance(delta, dict) and any(map(delta.get, CONTENT))
        expect(not (finished and content), "nothing after the finish_reason", choice)
        finished = finished or bool(choice.get("finish_reason"))


@check(
    "chat.stream.finish.empty",
    MAY,
    "The chunk with the finish_reason has no content.",
    live("the last delta is {}"),
    peer("llama.cpp", "test_chat_completion_stream"),
    issue("vllm-project/vllm#36944"),
    needs=NEEDS,
    clients="clients that look no further at a delta with a finish_reason",
)
async def finish_empty(server: Server) -> None:
    for choice in (await server.chat_stream()).of(0):
        delta = choice.get("delta")
        content = isinstance(delta, dict) and delta.get("content")
        expect(not (choice.get("finish_reason") and content), "an empty last delta", choice)
