"""Anthropic's stream as our events, one answer long.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from backends.anthropic.errors import stream_error
from backends.protocol import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from backends.protocol.errors import BackendUnavailable

Json = dict[str, Any]
REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # the turn is not over, and there is no way to go on with it
    "refusal": "content_filter",
}


@dataclass(slots=True)
class _Call:
    """A tool_use block: which call it is, and whether its arguments have begun."""

    number: int
    given: Json
    begun: bool = False


class Answer:
    """Reads one stream; `over` is set by its last event. `secrets` are shown to no client.

    Events, blocks and deltas of unknown types are passed over, as Anthropic asks its clients to.
    """

    def __init__(self, model: str, secrets: Iterable[str] = ()) -> None:
        self.over = False
        self._model = model
        self._secrets = secrets
        self._calls: dict[int, _Call] = {}
        self._begun = 0
        self._unfed: _Call | None = None
        self._reason: str | None = None
        self._counts: Json = {}

    def take(self, data: bytes) -> list[Event]:
        """What an event comes to.

        Raises:
            APIError: it tells of a failure, or is none of Anthropic's.
        """
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise BackendUnavailable("The upstream sent an event that is no JSON.") from error
        if not isinstance(event, dict):
            raise BackendUnavailable("The upstream sent an event that is no object.")
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._delta(_index(event), _object(event, "delta"))
        if kind == "content_block_start":
            return self._start(_index(event), _object(event, "content_block"))
        if kind == "content_block_stop":
            return self._stop(_index(event))
        if kind == "message_start":
            # A second one, as some proxies send, begins nothing anew.
            self._count(_object(_object(event, "message"), "usage"))
        elif kind == "message_delta":
            return self._message_delta(_object(event, "delta"), _object(event, "usage"))
        elif kind == "message_stop":
            return self.end()
        elif kind == "error":
            raise stream_error(event.get("error"), self._model, self._secrets)
        return []

    def end(self) -> list[Event]:
        """How the answer ended, and what it took.

        Raises:
            BackendUnavailable: the upstream has not said why it ended.
        """
        if self._reason is None:
            raise BackendUnavailable("The upstream broke off its answer.")
        self.over = True
        finish = Finish(REASONS.get(self._reason, "stop"))
        return [finish, self._usage()] if self._counts else [finish]

    def _start(self, index: int, block: Json) -> list[Event]:
        out = self._feed()
        kind = block.get("type")
        if kind == "tool_use" and index not in self._calls:
            call = self._calls[index] = _Call(self._begun, _object(block, "input"))
            self._begun += 1
            out.append(ToolCallDelta(call.number, str(block.get("name", "")), id=block.get("id")))
        elif kind == "text" and block.get("text"):
            out.append(TextDelta(block["text"]))
        elif kind == "thinking" and block.get("thinking"):
            out.append(ReasoningDelta(block["thinking"]))
        return out

    def _delta(self, index: int, delta: Json) -> list[Event]:
        kind = delta.get("type")
        if kind == "text_delta" and delta.get("text"):
            return [TextDelta(delta["text"])]
        if kind == "thinking_delta" and delta.get("thinking"):
            return [ReasoningDelta(delta["thinking"])]
        # A call that is not known is of a tool of Anthropic's own, which no client runs.
        call = self._calls.get(index)
        if call and kind == "input_json_delta" and delta.get("partial_json"):
            call.begun = True
            return [ToolCallDelta(call.number, arguments=delta["partial_json"])]
        return []

    def _stop(self, index: int) -> list[Event]:
        call = self._calls.pop(index, None)
        if call is not None and not call.begun:
            self._unfed = call
        return []

    def _message_delta(self, delta: Json, usage: Json) -> list[Event]:
        self._count(usage)
        reason = delta.get("stop_reason")
        if not isinstance(reason, str):
            return []
        self._reason = reason
        out: list[Event] = []
        if REASONS.get(reason) == "length":
            # A call cut off before its arguments is not one without arguments.
            self._unfed = None if self._unfed and not self._unfed.given else self._unfed
        out += self._feed()
        explanation = _object(delta, "stop_details").get("explanation")
        if reason == "refusal" and isinstance(explanation, str) and explanation:
            out.append(RefusalDelta(explanation))
        return out

    def _feed(self) -> list[Event]:
        """The arguments of a call that ended without any piece of them."""
        call, self._unfed = self._unfed, None
        if call is None:
            return []
        return [ToolCallDelta(call.number, arguments=orjson.dumps(call.given).decode())]

    def _count(self, usage: Json) -> None:
        """The counts are running totals: the last told holds, but a zero takes back no count.

        Some servers of this API send zeros at the end for what they counted at the beginning.
        """
        self._counts |= {
            name: value
            for name, value in usage.items()
            if value is not None and (value or name not in self._counts)
        }

    def _usage(self) -> Usage:
        cached = self._counted("cache_read_input_tokens")
        written = self._counted("cache_creation_input_tokens")
        thought = _object(self._counts, "output_tokens_details").get("thinking_tokens")
        return Usage(
            self._counted("input_tokens") + written + cached,
            self._counted("output_tokens"),
            cached,
            thought if isinstance(thought, int) else 0,
        )

    def _counted(self, name: str) -> int:
        count = self._counts.get(name)
        return count if isinstance(count, int) else 0


def _index(event: Json) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0


def _object(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
