"""The message of a chat completion that is not streamed."""

from typing import Any

from contract_tests.check import MUST, SHOULD, Check, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choice_of, message_of
from contract_tests.server import Server
from contract_tests.sources import doc, issue, sdk, spec

NEEDS = ("chat",)
MESSAGE = "ChatCompletionResponseMessage"


async def _choice(server: Server) -> Any:
    return choice_of(await server.chat())


async def _message(server: Server) -> Any:
    return message_of(await _choice(server))


@check(
    "chat.message.role",
    MUST,
    'The message\'s role is "assistant".',
    spec(f"{MESSAGE}/properties/role"),
    needs=NEEDS,
    clients="every SDK's typed message, and the replay of it in the next turn",
)
async def role(server: Server) -> None:
    message = await _message(server)
    expect(at(message, "role") == "assistant", 'the role "assistant"', message)


def _nullable_text(key: str, hurt: str, *reported: str) -> Check:
    @check(
        f"chat.message.{key}",
        MUST,
        f"The message has the key `{key}`: a string or null.",
        spec(f"{MESSAGE}/required"),
        spec(f"{MESSAGE}/properties/{key}"),
        issue(*reported),
        needs=NEEDS,
        clients=hurt,
    )
    async def nullable_text(server: Server) -> None:
        seen = at(await _message(server), key)
        expect(isinstance(seen, str | None), f"`{key}` to be a string or null", seen)

    return nullable_text


content = _nullable_text(
    "content",
    "the AI SDK, LangChain and openai-python's parse() expect a string",
    "vercel/ai#13703",
    "vercel/ai#15890",
)
refusal = _nullable_text("refusal", "clients generated from the document miss a required key")


@check(
    "chat.message.text",
    SHOULD,
    "A plain question is answered in `content`, not in reasoning alone.",
    doc(f"{MESSAGE}/properties/content/anyOf/0"),
    issue("lmstudio-ai/lmstudio-bug-tracker#378", "guoqingbao/xinfer#384"),
    needs=NEEDS,
    clients="chats show an empty answer",
    cooperative=True,
)
async def text(server: Server) -> None:
    choice = await _choice(server)
    message = message_of(choice)
    cooperate(choice.get("finish_reason") == "stop", "the reply was cut off")
    expect(message.get("content") or message.get("refusal"), "text in `content`", message)


@check(
    "chat.message.tool_calls",
    SHOULD,
    "A reply without tool calls has no empty list of them.",
    sdk("ChatCompletionMessage.tool_calls is None without calls"),
    issue("vllm-project/vllm#44105", "openai/openai-node#1341", "openai/openai-agents-js#308"),
    needs=NEEDS,
    clients="code that asks `is not None` takes the first call; the replayed message is refused",
)
async def tool_calls(server: Server) -> None:
    message = await _message(server)
    expect(message.get("tool_calls") != [], "no `tool_calls`", message)
