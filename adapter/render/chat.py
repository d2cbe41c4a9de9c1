"""`chat.completion` and `chat.completion.chunk`.

Source: components/schemas/CreateChatCompletionResponse and CreateChatCompletionStreamResponse.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson

from adapter.render.fold import Folded, FoldedCall, FoldedChoice
from adapter.render.head import Head, new_id, usage_json
from adapter.render.logprobs import chat_logprobs
from adapter.sse import DONE
from backends.protocol import (
    Event,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRun,
    ToolCallDelta,
    Usage,
)

Choosing = TextDelta | TextRun | ReasoningDelta | RefusalDelta | ToolCallDelta | Finish


class ChatRender:
    """Renders the answers to one chat request.

    `custom` names the custom tools, whose calls carry plain input. `legacy` answers with
    `function_call` in place of `tool_calls`, for a request that sent `functions`.
    """

    def __init__(
        self,
        head: Head,
        *,
        include_usage: bool = False,
        logprobs: bool = False,
        legacy: bool = False,
        custom: frozenset[str] = frozenset(),
    ) -> None:
        self._head = head
        self._legacy = legacy
        self._logprobs = logprobs
        self._custom = custom
        self._include_usage = include_usage
        self._usage = Usage(0, 0)
        self._opened: set[int] = set()
        self._calls: dict[tuple[int, int], str] = {}
        self._close_chunk = b'}],"usage":null}\n\n' if include_usage else b"}]}\n\n"

    @cached_property
    def _open_chunk(self) -> bytes:
        """The constant beginning of every chunk."""
        return b'data: %b"choices":[{"index":' % self._head.json("chat.completion.chunk")

    def whole(self, folded: Folded) -> bytes:
        """The non-streaming answer."""
        choices = [self._choice(index, choice) for index, choice in enumerate(folded.choices)]
        return b'%b"choices":%b,"usage":%b}' % (
            self._head.json("chat.completion"),
            orjson.dumps(choices),
            usage_json(folded.usage),
        )

    def frames(self, events: Sequence[Event]) -> bytes:
        """The chunks of the next events, ready for the wire."""
        frames = []
        for event in events:
            if isinstance(event, Usage):
                self._usage = event
                continue
            if event.choice not in self._opened:
                frames.append(self._opening(event))
            if isinstance(event, TextRun):
                frames.append(self._run(event))
            else:
                frames.append(self._event(event))
        return b"".join(frames)

    def closing(self) -> bytes:
        """What ends the stream: the usage chunk if it was asked for, and the terminator."""
        if not self._include_usage:
            return DONE
        return b'data: %b"choices":[],"usage":%b}\n\n%b' % (
            self._head.json("chat.completion.chunk"),
            usage_json(self._usage),
            DONE,
        )

    def _opening(self, event: Choosing) -> bytes:
        """The chunk that begins a choice, with the role."""
        self._opened.add(event.choice)
        content = None if isinstance(event, ToolCallDelta | RefusalDelta) else ""
        opening = {"role": "assistant", "content": content, "refusal": None}
        return self._frame(event.choice, opening)

    def _run(self, run: TextRun) -> bytes:
        """A chunk a piece: the hot path, so what all have in common is written once."""
        start = b'%b%d,"delta":{"content":' % (self._open_chunk, run.choice)
        end = b'},"logprobs":null,"finish_reason":null' + self._close_chunk
        return (
            start + (end + start).join(map(orjson.dumps, run.pieces)) + end if run.pieces else b""
        )

    def _event(
        self, event: TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | Finish
    ) -> bytes:
        if isinstance(event, Finish):
            return self._frame(event.choice, {}, finish=self._finish(event.reason))
        if isinstance(event, ToolCallDelta):
            return self._frame(event.choice, self._call_delta(event))
        if isinstance(event, RefusalDelta):
            return self._frame(event.choice, {"refusal": event.text})
        if isinstance(event, ReasoningDelta):
            return self._frame(event.choice, {"reasoning_content": event.text})
        logprobs = chat_logprobs(event.logprobs) if event.logprobs else None
        return self._frame(event.choice, {"content": event.text}, logprobs)

    def _frame(
        self,
        choice: int,
        delta: dict[str, Any],
        logprobs: dict[str, Any] | None = None,
        finish: str | None = None,
    ) -> bytes:
        return b'%b%d,"delta":%b,"logprobs":%b,"finish_reason":%b%b' % (
            self._open_chunk,
            choice,
            orjson.dumps(delta),
            orjson.dumps(logprobs),
            orjson.dumps(finish),
            self._close_chunk,
        )

    def _call_delta(self, event: ToolCallDelta) -> dict[str, Any]:
        key = (event.choice, event.index)
        first = key not in self._calls
        if first:
            self._calls[key] = event.name or ""
        member = "input" if self._calls[key] in self._custom else "arguments"
        called: dict[str, Any] = {"name": event.name} if first else {}
        called[member] = event.arguments
        if self._legacy:
            return {"function_call": called}
        kind = "function" if member == "arguments" else "custom"
        opening = {"id": event.id or new_id("call_"), "type": kind} if first else {}
        return {"tool_calls": [{"index": event.index, **opening, kind: called}]}

    def _choice(self, index: int, choice: FoldedChoice) -> dict[str, Any]:
        silent = choice.calls or choice.refusal is not None
        message: dict[str, Any] = {
            "role": "assistant",
            "content": choice.text or (None if silent else ""),
            "refusal": choice.refusal,
            "annotations": [],
        }
        if choice.reasoning:
            message["reasoning_content"] = choice.reasoning
        calls = [call for _, call in sorted(choice.calls.items())]
        if calls and self._legacy:
            message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
        elif calls:
            message["tool_calls"] = [self._call(call) for call in calls]
        return {
            "index": index,
            "message": message,
            "logprobs": chat_logprobs(choice.logprobs) if self._logprobs else None,
            "finish_reason": self._finish(choice.finish),
        }

    def _call(self, call: FoldedCall) -> dict[str, Any]:
        opening = {"id": call.id or new_id("call_")}
        if call.name in self._custom:
            custom = {"name": call.name, "input": call.arguments}
            return opening | {"type": "custom", "custom": custom}
        function = {"name": call.name, "arguments": call.arguments}
        return opening | {"type": "function", "function": function}

    def _finish(self, reason: str) -> str:
        return "function_call" if self._legacy and reason == "tool_calls" else reason
