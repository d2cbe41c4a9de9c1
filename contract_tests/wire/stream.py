"""A stream of chat or completion chunks, read from its frames."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract_tests.expect import show
from contract_tests.verdict import Broken
from contract_tests.wire.exchange import Exchange, not_json
from contract_tests.wire.sse import Frame, frames_of

DONE = "[DONE]"


@dataclass
class Stream:
    """The chunks of one streamed answer, and the frames that they came in."""

    exchange: Exchange

    @cached_property
    def frames(self) -> list[Frame]:
        """Every frame, comments included."""
        return frames_of(self.exchange)

    @cached_property
    def payloads(self) -> list[str]:
        """The data of every frame that has any."""
        return [frame.data for frame in self.frames if frame.data is not None]

    @cached_property
    def chunks(self) -> list[dict[str, Any]]:
        """The JSON objects, `[DONE]` left out.

        Raises:
            Broken: a payload is neither a JSON object nor `[DONE]`, or there is none at all.
        """
        chunks = []
        for payload in self.payloads:
            if payload == DONE:
                continue
            try:
                chunk = json.loads(payload, parse_constant=not_json)
            except (ValueError, RecursionError) as error:
                raise Broken("JSON in each data line", f"{error}: {show(payload)}") from error
            if not isinstance(chunk, dict):
                raise Broken("a JSON object in each data line", show(payload))
            chunks.append(chunk)
        if not chunks:
            raise Broken("a stream of chunks", self.exchange.brief())
        return chunks

    @property
    def choices(self) -> list[dict[str, Any]]:
        """Every choice of every chunk, in order."""
        found = []
        for chunk in self.chunks:
            choices = chunk.get("choices")
            found += [one for one in _list(choices) if isinstance(one, dict)]
        return found

    def of(self, index: int) -> list[dict[str, Any]]:
        """The choices with that index."""
        return [choice for choice in self.choices if choice.get("index", 0) == index]

    def deltas(self, index: int = 0) -> list[dict[str, Any]]:
        """The deltas of one choice; one that is absent, or no object, is an empty one."""
        deltas = [choice.get("delta") for choice in self.of(index)]
        return [delta if isinstance(delta, dict) else {} for delta in deltas]

    def text(self, index: int = 0) -> str:
        """The text of one choice: a chat's content, or a completion's text."""
        pieces = (choice.get("text") for choice in self.of(index))
        contents = (delta.get("content") for delta in self.deltas(index))
        return "".join(piece for piece in (*pieces, *contents) if isinstance(piece, str))

    def finishes(self, index: int = 0) -> list[Any]:
        """Each finish_reason of one choice that is not null."""
        reasons = (choice.get("finish_reason") for choice in self.of(index))
        return [reason for reason in reasons if reason is not None]

    @property
    def usages(self) -> list[dict[str, Any]]:
        """Every usage object that is not null, in order."""
        return [chunk["usage"] for chunk in self.chunks if isinstance(chunk.get("usage"), dict)]

    def tool_calls(self, index: int = 0) -> list[dict[str, Any]]:
        """The tool calls of one choice, put together from their fragments by `index`."""
        calls: dict[Any, dict[str, Any]] = {}
        for delta in self.deltas(index):
            for fragment in _list(delta.get("tool_calls")):
                if not isinstance(fragment, dict):
                    continue
                position = str(fragment.get("index"))
                call = calls.setdefault(position, {"id": "", "name": "", "arguments": ""})
                function = fragment.get("function")
                pieces = function if isinstance(function, dict) else {}
                for key, piece in {**pieces, "id": fragment.get("id")}.items():
                    if key in call and isinstance(piece, str):
                        call[key] += piece
        return [calls[position] for position in sorted(calls, key=lambda one: (len(one), one))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
