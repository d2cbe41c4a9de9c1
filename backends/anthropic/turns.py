"""A chat's messages as Anthropic wants them: a system prompt, then turns that alternate.

The user's turn comes first, and each call of a tool has its result in the turn after it. What
does not fit into that form is refused here, by the client's own place for it.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson

from backends.anthropic.parts import Block, blocks_of, cached, text_block
from backends.protocol.errors import BadRequestError, UnsupportedParameter
from backends.protocol.wire import (
    ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestFunctionMessage,
    ChatCompletionRequestMessage,
    ChatCompletionRequestToolMessage,
)
from backends.protocol.wire.caching import Cacheable

Turn = dict[str, Any]
Result = ChatCompletionRequestToolMessage | ChatCompletionRequestFunctionMessage
TOOL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Conversation:
    """The `system` blocks and the `turns` of a chat.

    Raises:
        BadRequestError: the messages cannot be so arranged; `param` is the one in the way.
        UnsupportedParameter: Anthropic has no word for it.
    """

    def __init__(self, messages: Sequence[ChatCompletionRequestMessage]) -> None:
        self.system: list[Block] = []
        self.turns: list[Turn] = []
        self._waiting: dict[str, str] = {}
        self._legacy: dict[str, str] = {}
        for index, message in enumerate(messages):
            self._add(message, f"messages.{index}")
        self._require_results()
        if not self.turns:
            raise BadRequestError("Claude answers a user; there is no message.", param="messages")

    @property
    def ends_with_results(self) -> bool:
        """Whether the model goes on with a turn that it has begun."""
        content = self.turns[-1]["content"]
        return bool(content[0]["type"] == "tool_result")

    def _add(self, message: ChatCompletionRequestMessage, param: str) -> None:
        if message.role == "tool":
            self._result(message, message.tool_call_id, param, "tool_call_id")
            return
        if message.role == "function":
            self._result(message, self._legacy.get(message.name, ""), param, "name")
            return
        if message.name:
            raise UnsupportedParameter(
                "Claude knows no names of those who speak: leave 'name' out.", param=f"{param}.name"
            )
        if message.role == "assistant":
            self._assistant(message, param)
            return
        blocks = blocks_of(message.content, f"{param}.content")
        _cache_last(blocks, message)
        if message.role == "user":
            self._say("user", blocks, param)
        elif self.turns:
            self._say("user", _marked(blocks), param)
        else:
            self.system += blocks

    def _assistant(self, message: ChatCompletionRequestAssistantMessage, param: str) -> None:
        if message.audio is not None:
            raise UnsupportedParameter(
                "Claude has no spoken answers to look back on.", param=f"{param}.audio"
            )
        if self.turns and self.turns[-1]["role"] == "user":
            self._require_results()
        blocks = blocks_of(message.content, f"{param}.content")
        blocks += blocks_of(message.refusal, f"{param}.refusal")
        for number, call in enumerate(message.tool_calls or ()):
            place = f"{param}.tool_calls.{number}"
            if call.type == "custom":
                raise UnsupportedParameter("Claude has no custom tools.", param=place)
            self._waiting[call.id] = place
            blocks.append(_tool_use(call.id, call.function.name, call.function.arguments, place))
        if (legacy := message.function_call) is not None:
            made = f"call_{param.replace('.', '_')}"
            place = f"{param}.function_call"
            self._legacy[legacy.name] = made
            self._waiting[made] = place
            blocks.append(_tool_use(made, legacy.name, legacy.arguments, place))
        _cache_last(blocks, message)
        self._say("assistant", blocks, param)

    def _result(self, message: Result, call_id: str, param: str, name: str) -> None:
        """Results stand before all else in their turn."""
        if self._waiting.pop(call_id, None) is None:
            raise BadRequestError(
                "There is no call before it that still waits for this result.",
                param=f"{param}.{name}",
            )
        result: Block = {"type": "tool_result", "tool_use_id": _tool_id(call_id)}
        if blocks := blocks_of(message.content, f"{param}.content"):
            result["content"] = blocks
        # Anthropic caches a result as a whole.
        marks = [block.pop("cache_control", None) for block in blocks]
        if mark := next(filter(None, reversed(marks)), None):
            result["cache_control"] = mark
        cached(result, message)
        turn = self._turn("user")
        results = [block for block in turn["content"] if block["type"] == "tool_result"]
        turn["content"].insert(len(results), result)

    def _say(self, role: str, blocks: list[Block], param: str) -> None:
        if not blocks:
            return
        if not self.turns and role != "user":
            raise BadRequestError(
                "Claude's conversations begin with a user's message.", param=f"{param}.role"
            )
        self._turn(role)["content"] += blocks

    def _turn(self, role: str) -> Turn:
        if not self.turns or self.turns[-1]["role"] != role:
            self.turns.append({"role": role, "content": []})
        return self.turns[-1]

    def _require_results(self) -> None:
        if self._waiting:
            raise BadRequestError(
                "The result of this call must follow it, before the next answer.",
                param=next(iter(self._waiting.values())),
            )


def _cache_last(blocks: list[Block], message: Cacheable) -> None:
    """A message's own `cache_control` is that of its last block."""
    if blocks:
        cached(blocks[-1], message)


def _marked(blocks: list[Block]) -> list[Block]:
    """A later instruction, told from what the user says."""
    if not blocks:
        return []
    return [text_block("<system>"), *blocks, text_block("</system>")]


def _tool_use(call_id: str, name: str, arguments: str, place: str) -> Block:
    try:
        called_with = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        called_with = None
    if not isinstance(called_with, dict):
        raise UnsupportedParameter(
            "Claude's calls take a JSON object, and these arguments are none.",
            param=f"{place}.arguments" if place.endswith("call") else f"{place}.function.arguments",
        )
    return {"type": "tool_use", "id": _tool_id(call_id), "name": name, "input": called_with}


def _tool_id(call_id: str) -> str:
    """The id as it is, or another that stands for it where Anthropic would not take it."""
    if TOOL_ID.fullmatch(call_id):
        return call_id
    return f"call_{sha256(call_id.encode()).hexdigest()[:32]}"
