"""Tool calls and their results as messages: an agent's next request."""

from typing import Any

from contract_tests.check import MUST, SHOULD, Check, check
from contract_tests.expect import expect
from contract_tests.reading import choice_of, message_of, tokens_of
from contract_tests.samples import ASK_BOTH, ASK_WEATHER, CHAT, TIME, WEATHER
from contract_tests.server import Server
from contract_tests.sources import issue, live, spec

NEEDS = ("chat.tools",)
TOOLS = [WEATHER, TIME]
ASSISTANT = "ChatCompletionRequestAssistantMessage"
TOOL = "ChatCompletionRequestToolMessage"
LONG = (
    "Mild and dry, with a light wind from the south and some cloud in the late hours of the day; "
    "rain may come in the night, but the sun is back by noon, and it is warm until the end of the "
    "week in the whole of the town and in all of the land that lies to the west of it."
)
READ = 40  # tokens that LONG has at least: it has 60 words


def _call(id: str, name: str, arguments: str) -> dict[str, Any]:  # noqa: A002 - the key's own name
    function = {"name": name, "arguments": arguments}
    return {"id": id, "type": "function", "function": function}


# Nine letters and digits: the templates of Mistral take no other ids.
WEATHER_CALL = _call("weather01", "get_weather", '{"city": "Paris"}')
TIME_CALL = _call("timezone1", "get_time", '{"zone": "Tokyo"}')


def _result(content: Any = "18 degrees", **edits: Any) -> dict[str, Any]:
    message = {"role": "tool", "tool_call_id": "weather01", "content": content, **edits}
    return {key: value for key, value in message.items() if value is not None}


def _asked(*results: Any, calls: Any = None, text: str = ASK_WEATHER, **edits: Any) -> list[Any]:
    """A question, the call of a tool, and its results."""
    assistant = {"role": "assistant", "tool_calls": calls or [WEATHER_CALL], **edits}
    return [{"role": "user", "content": text}, assistant, *results]


def _accepts(name: str, rule: str, messages: list[Any], *sources: Any, clients: str) -> Check:
    @check(f"tool_messages.{name}", MUST, rule, *sources, needs=NEEDS, clients=clients)
    async def accepts(server: Server) -> None:
        message_of(choice_of(await server.chat(messages, tools=TOOLS)))

    return accepts


REPLAYED = issue(
    "lmstudio-ai/lmstudio-bug-tracker#261",
    "mistralai/mistral-common#324",
    "Dicklesworthstone/pi_agent_rust#45",
    "ogx-ai/ogx#1751",
)

null_content = _accepts(
    "content.null",
    "An assistant message with tool calls may have null for content.",
    _asked(_result(), content=None),
    spec(f"{ASSISTANT}/properties/content"),
    REPLAYED,
    clients="every SDK that replays the message as it came",
)
empty_content = _accepts(
    "content.empty",
    "An assistant message with tool calls may have an empty content.",
    _asked(_result(), content=""),
    spec(f"{ASSISTANT}/properties/content"),
    REPLAYED,
    clients="agents that keep the text of a message apart from its calls",
)
no_content = _accepts(
    "content.absent",
    "An assistant message with tool calls may leave its content out.",
    _asked(_result()),
    spec(f"{ASSISTANT}/required"),
    REPLAYED,
    clients="SDKs that drop nulls before they send",
)
parts = _accepts(
    "result.parts",
    "A tool's result may be a list of text parts.",
    _asked(_result([{"type": "text", "text": "18 degrees"}]), content=None),
    spec(f"{TOOL}/properties/content/oneOf/1"),
    issue("Neroued/ninfer#56", "vllm-project/vllm#25001", "raullenchai/Rapid-MLX#731"),
    clients="Qwen Code",
)
both = _accepts(
    "result.both",
    "Two calls of one message may be answered by two tool messages.",
    _asked(
        _result(),
        _result("11:40", tool_call_id="timezone1"),
        calls=[WEATHER_CALL, TIME_CALL],
        text=ASK_BOTH,
        content=None,
    ),
    spec(f"{TOOL}/properties/tool_call_id"),
    clients="every agent that runs tools side by side",
)


@check(
    "tool_messages.result.read",
    SHOULD,
    "A tool's result is part of the prompt.",
    spec(f"{TOOL}/properties/content"),
    needs=NEEDS,
    clients="agents call the same tool again and again",
)
async def result_read(server: Server) -> None:
    counts = []
    for result in ("18 degrees", LONG):
        body = await server.chat(_asked(_result(result), content=None), tools=TOOLS)
        counts.append(tokens_of(body))
    short, long = counts
    expect(long >= short + READ, f"{short + READ} prompt tokens or more", long)


def _refuses(
    name: str, level: Any, rule: str, messages: list[Any], *sources: Any, clients: str = ""
) -> Check:
    @check(f"tool_messages.{name}", level, rule, *sources, needs=NEEDS, clients=clients)
    async def refuses(server: Server) -> None:
        await server.refuses(CHAT, server.chat_body(messages, tools=TOOLS))

    return refuses


no_id = _refuses(
    "result.no_id",
    MUST,
    "A tool message without `tool_call_id` is refused.",
    _asked(_result(tool_call_id=None), content=None),
    spec(f"{TOOL}/required"),
)
orphan = _refuses(
    "result.orphan",
    SHOULD,
    "A tool message that no call precedes is refused.",
    [{"role": "user", "content": ASK_WEATHER}, _result()],
    live("a tool message must follow tool_calls"),
    issue("raullenchai/Rapid-MLX#731"),
    clients="a lost message goes unnoticed; text can be passed off as a tool's",
)
unmatched = _refuses(
    "result.unmatched",
    SHOULD,
    "A tool message whose id belongs to no call is refused.",
    _asked(_result(), _result(tool_call_id="nobody001"), content=None),
    live("tool_call_id not found in tool_calls"),
    clients="results filed under the wrong call go unnoticed",
)
