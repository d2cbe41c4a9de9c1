"""A tool call that the limit of tokens cuts off."""

import json
from typing import Any

from contract_tests.check import MUST, check
from contract_tests.checks.limits import FINISH, NEW, limited
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import calls_of, choice_of, tokens_of
from contract_tests.samples import ASK_WEATHER, WEATHER
from contract_tests.server import Server
from contract_tests.sources import issue
from contract_tests.wire.stream import Stream


def _is_json(arguments: Any) -> bool:
    try:
        json.loads(arguments)
    except (TypeError, ValueError):
        return False
    return True


def _cut_calls(name: str, needs: str, *, stream: bool) -> Any:
    @check(
        name,
        MUST,
        'A tool call whose arguments the limit cuts has finish_reason "length".',
        FINISH,
        issue("vllm-project/vllm#32152", "vllm-project/vllm#15274"),
        needs=("chat.tools.required", needs),
        clients="the conversation is poisoned with half a call, and the next turn is a 400",
        cooperative=True,
    )
    async def cut_calls(server: Server) -> None:
        asked: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required"}
        whole = await server.chat(ASK_WEATHER, **asked)
        limit = max(1, tokens_of(whole, "completion_tokens") * 2 // 3)
        options = {"stream": True} if stream else {}
        answer = await limited(server, limit, NEW, ASK_WEATHER, **asked, **options)
        if stream:
            streamed = Stream(answer)
            arguments = [call["arguments"] for call in streamed.tool_calls()]
            reasons = streamed.finishes()
        else:
            choice = choice_of(answer.json)
            arguments = [at(call, "function", "arguments") for call in calls_of(choice)]
            reasons = [choice.get("finish_reason")]
        cooperate(not all(map(_is_json, arguments)), "the limit did not cut the call's arguments")
        expect(reasons == ["length"], 'finish_reason "length"', f"{reasons} for {arguments}")

    return cut_calls


tools = _cut_calls("limits.tools", "chat.tools", stream=False)
stream_tools = _cut_calls("limits.stream.tools", "chat.stream", stream=True)
