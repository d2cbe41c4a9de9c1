"""The turn after a tool call: the call and its result go back to the server."""

from contract_tests.check import MUST, SHOULD, Check, Level, check
from contract_tests.checks.tools import called, read
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import calls_of, choice_of, message_of
from contract_tests.samples import ASK_BOTH, ASK_WEATHER, TIME, WEATHER, tool
from contract_tests.server import JSON, Server
from contract_tests.sources import doc, issue, peer, sdk, spec

NEEDS = ("chat.tools",)
STATUS = tool("get_status")
CHECK_STATUS = "Check the status with the tool."


async def _answered(server: Server, asked: str, *tools: JSON) -> list[JSON]:
    """A question, the server's own message with its calls, and a result for each of them."""
    message = message_of(await called(server, asked, tools=list(tools)))
    results = [
        {"role": "tool", "tool_call_id": at(call, "id", of=str), "content": "18 degrees, 11:40"}
        for call in calls_of({"message": message})
    ]
    return [{"role": "user", "content": asked}, message, *results]


def _round_trip(name: str, rule: str, asked: str, *tools: JSON) -> Check:
    @check(
        f"tools.replay.{name}",
        MUST,
        rule,
        sdk("ChatCompletionMessage is a message of the next request"),
        peer("openresponses", "function-call-roundtrip"),
        needs=NEEDS,
        clients="every agent",
        cooperative=True,
    )
    async def round_trip(server: Server) -> None:
        messages = await _answered(server, asked, *tools)
        # Fresh: the ids of the calls are new in each run.
        body = await server.chat(messages, tools=list(tools), fresh=True)
        choice = choice_of(body)
        cooperate(not calls_of(choice), "the model called a tool again")
        cooperate(choice.get("finish_reason") != "length", "the reply was cut off")
        at(choice, "message", "content", of=str)
        expect(choice.get("finish_reason") != "tool_calls", "another finish_reason", choice)

    return round_trip


one = _round_trip(
    "one",
    "The server's own message with a call, and the result, go back and are answered in text.",
    ASK_WEATHER,
    WEATHER,
)
several = _round_trip(
    "several",
    "The server's own message with several calls, and the results, go back and are answered.",
    ASK_BOTH,
    WEATHER,
    TIME,
)


@check(
    "tools.replay.stream",
    MUST,
    "The answer to a tool's result can be streamed.",
    spec("CreateChatCompletionRequest/allOf/1/properties/stream"),
    needs=("chat.tools", "chat.stream"),
    clients="every agent that streams",
    cooperative=True,
)
async def stream(server: Server) -> None:
    messages = await _answered(server, ASK_WEATHER, WEATHER)
    answer = await server.chat_stream(messages, tools=[WEATHER], fresh=True)
    finishes = answer.finishes()
    cooperate("tool_calls" not in finishes, "the model called a tool again")
    contents = [delta.get("content") for delta in answer.deltas()]
    expect(any(isinstance(one, str) for one in contents), "a text", answer.exchange.brief())


@check(
    "tools.replay.without_tools",
    SHOULD,
    "The result is answered even where the next request declares no tools.",
    spec("CreateChatCompletionRequest/allOf/1/required"),
    needs=NEEDS,
    clients="agents that take the tools away for the last turn",
    cooperative=True,
)
async def without_tools(server: Server) -> None:
    messages = await _answered(server, ASK_WEATHER, WEATHER)
    choice = choice_of(await server.chat(messages, fresh=True))
    expect(not calls_of(choice), "no tool call", choice)


@check(
    "tools.replay.no_arguments",
    SHOULD,
    'The call of a tool without parameters has the arguments "{}" or "".',
    doc("FunctionParameters"),
    peer("vllm", "test_no_args_tool_call"),
    needs=NEEDS,
    cooperative=True,
)
async def no_arguments(server: Server) -> None:
    for call in calls_of(await called(server, CHECK_STATUS, tools=[STATUS])):
        arguments = at(call, "function", "arguments", of=str)
        expect(arguments == "" or read(arguments) == {}, "no arguments", call)


def _takes(name: str, level: Level, arguments: str) -> Check:
    @check(
        f"tools.replay.{name}",
        level,
        f"A call replayed with the arguments {arguments!r} is accepted.",
        spec("ChatCompletionMessageToolCall/properties/function/properties/arguments"),
        peer("vllm", "test_no_args_tool_call"),
        issue("vllm-project/vllm#15274"),
        needs=NEEDS,
        clients="agents that replay the call of a tool without parameters",
    )
    async def takes(server: Server) -> None:
        function = {"name": "get_status", "arguments": arguments}
        # Nine letters and digits: some templates take no other ids.
        calls = [{"id": "status001", "type": "function", "function": function}]
        messages: list[JSON] = [
            {"role": "user", "content": CHECK_STATUS},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "status001", "content": "All is well."},
        ]
        await server.chat(messages, tools=[STATUS])

    return takes


empty_object = _takes("empty_object", MUST, "{}")
empty_text = _takes("empty_text", SHOULD, "")
