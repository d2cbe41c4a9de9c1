"""`messages` of a chat request: which roles and contents are taken, and that all of it is read.

Whether a message is read shows in `prompt_tokens`, whatever the model then says.
"""

from typing import Any

from contract_tests.check import MUST, SHOULD, Check, check
from contract_tests.expect import expect
from contract_tests.reading import choice_of, message_of, tokens_of
from contract_tests.samples import CHAT
from contract_tests.server import REFUSED, SENTENCE, Messages, Server
from contract_tests.sources import issue, live, peer, sdk, spec

NEEDS = ("chat",)
ASIDE = (
    "Long ago a red fox lived near the old mill by the river. Each morning it ran along the bank, "
    "looked for a fish or a frog, and then slept in the warm grass until the noon bell rang. "
    "The miller saw it often and gave it bread, for he had no dog and liked to have a guest."
)
READ = 40  # tokens that ASIDE adds at least: it has 62 words


def _user(content: Any = SENTENCE) -> dict[str, Any]:
    return {"role": "user", "content": content}


def _part(text: str = SENTENCE) -> dict[str, Any]:
    return {"type": "text", "text": text}


async def _tokens(server: Server, messages: Messages = SENTENCE) -> int:
    return tokens_of(await server.chat(messages))


async def _reads(server: Server, messages: list[Any], asides: int = 1) -> None:
    """That those messages count for more than SENTENCE alone, by that many asides."""
    alone = await _tokens(server)
    tokens = await _tokens(server, messages)
    least = alone + READ * asides
    expect(tokens >= least, f"`prompt_tokens` of {least} or more, for {alone} are one line", tokens)


# --- what is accepted ---


def _accepts(
    name: str, rule: str, messages: list[Any], *sources: Any, level: Any = MUST, clients: str = ""
) -> Check:
    @check(f"messages.{name}", level, rule, *sources, needs=NEEDS, clients=clients)
    async def accepts(server: Server) -> None:
        message_of(choice_of(await server.chat(messages)))

    return accepts


system = _accepts(
    "system.accepted",
    "A first message with the role `system` is accepted.",
    [{"role": "system", "content": ASIDE}, _user()],
    spec("ChatCompletionRequestSystemMessage"),
    clients="nearly every application begins with one",
)
developer = _accepts(
    "developer.accepted",
    "A first message with the role `developer` is accepted.",
    [{"role": "developer", "content": ASIDE}, _user()],
    spec("ChatCompletionRequestDeveloperMessage"),
    clients="agents that know the model to reason send `developer` for `system`",
)
system_middle = _accepts(
    "system.middle",
    "A system message may stand in the middle of a conversation.",
    [
        _user("Hello."),
        {"role": "assistant", "content": "Hello."},
        {"role": "system", "content": "Be brief."},
        _user(),
    ],
    spec("CreateChatCompletionRequest/allOf/1/properties/messages"),
    level=SHOULD,
    clients="agents that add instructions as they go",
)
history = _accepts(
    "history.accepted",
    "A conversation of several turns is accepted.",
    [_user(ASIDE), {"role": "assistant", "content": "I see."}, _user()],
    spec("ChatCompletionRequestAssistantMessage"),
    peer("vllm", "test_single_chat_session"),
)
name = _accepts(
    "name",
    "A user message may bear a `name`.",
    [{**_user(), "name": "alice"}],
    spec("ChatCompletionRequestUserMessage/properties/name"),
)
parts = _accepts(
    "parts.user",
    "A user's content may be a list of text parts.",
    [_user([_part()])],
    spec("ChatCompletionRequestUserMessage/properties/content/oneOf/1"),
    issue("penta2himajin/qwisp#83", "tashfeenahmed/freellmapi#75", "llmmanorg/llmman#121"),
    clients="opencode, Continue and smolagents always send parts",
)
parts_system = _accepts(
    "parts.system",
    "A system message's content may be a list of text parts.",
    [{"role": "system", "content": [_part("Be brief.")]}, _user()],
    spec("ChatCompletionRequestSystemMessage/properties/content/oneOf/1"),
)
parts_assistant = _accepts(
    "parts.assistant",
    "An assistant message's content may be a list of text parts.",
    [_user("Hello."), {"role": "assistant", "content": [_part("Hello.")]}, _user()],
    spec("ChatCompletionRequestAssistantMessage/properties/content/anyOf/0/oneOf/1"),
)


@check(
    "messages.replay",
    MUST,
    "A reply's message is accepted in the next request, with all the keys that it came with.",
    sdk("ChatCompletionMessage is appended to `messages` as it is"),
    spec("ChatCompletionRequestAssistantMessage"),
    needs=NEEDS,
    clients="every loop that appends the reply to the conversation",
)
async def replay(server: Server) -> None:
    message = message_of(choice_of(await server.chat()))
    await server.chat([_user(), message, _user("Hello.")])


# --- what is read ---


def _read(name: str, rule: str, messages: list[Any], *sources: Any, asides: int = 1) -> Check:
    @check(
        f"messages.{name}",
        SHOULD,
        rule,
        *sources,
        needs=NEEDS,
        clients="the model answers without what it was told",
    )
    async def read(server: Server) -> None:
        await _reads(server, messages, asides)

    return read


system_read = _read(
    "system.read",
    "A system message is part of the prompt.",
    [{"role": "system", "content": ASIDE}, _user()],
    spec("ChatCompletionRequestSystemMessage"),
)
developer_read = _read(
    "developer.read",
    "A developer message is part of the prompt.",
    [{"role": "developer", "content": ASIDE}, _user()],
    spec("ChatCompletionRequestDeveloperMessage"),
)
history_read = _read(
    "history.read",
    "Earlier turns are part of the prompt.",
    [_user(ASIDE), {"role": "assistant", "content": ASIDE}, _user()],
    spec("CreateChatCompletionRequest/allOf/1/properties/messages"),
    peer("vllm", "test_single_chat_session"),
    asides=2,
)
parts_read = _read(
    "parts.read",
    "Every text part of a content is part of the prompt.",
    [_user([_part(ASIDE), _part(), _part(ASIDE)])],
    spec("ChatCompletionRequestUserMessage/properties/content/oneOf/1"),
    peer("llama.cpp", "test_chat_completion"),
    asides=2,
)


@check(
    "messages.parts.same",
    SHOULD,
    "One text part is the same prompt as its text.",
    spec("ChatCompletionRequestUserMessage/properties/content"),
    peer("vllm", "test_complex_message_content"),
    needs=NEEDS,
    clients="the model sees the JSON of the parts",
)
async def parts_same(server: Server) -> None:
    text = await _tokens(server)
    part = await _tokens(server, [_user([_part()])])
    expect(part == text, f"{text} prompt tokens, as for the text", part)


# --- what is refused ---


def _refuses(
    name: str,
    level: Any,
    rule: str,
    messages: list[Any],
    *sources: Any,
    status: tuple[int, ...] = REFUSED,
) -> Check:
    @check(f"messages.{name}", level, rule, *sources, needs=NEEDS)
    async def refuses(server: Server) -> None:
        await server.refuses(CHAT, server.chat_body(messages), status=status)

    return refuses


no_content = _refuses(
    "content.required",
    MUST,
    "A user message without content is refused.",
    [{"role": "user"}],
    spec("ChatCompletionRequestUserMessage/required"),
)
unknown_part = _refuses(
    "parts.unknown",
    SHOULD,
    "A content part of an unknown type is refused, not left out.",
    [_user([_part(), {"type": "scent", "scent": "rose"}])],
    spec("ChatCompletionRequestUserMessageContentPart"),
    live("invalid_value for messages[0].content[1].type"),
    status=(400, 415, 422),
)
