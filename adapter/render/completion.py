"""`text_completion`, whole and streamed.

Source: components/schemas/CreateCompletionResponse.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson

from adapter.render.fold import Folded, FoldedChoice
from adapter.render.head import Head, usage_json
from adapter.render.logprobs import completion_logprobs
from adapter.sse import DONE, data_event
from backends.protocol import (
    Event,
    Finish,
    FinishReason,
    RefusalDelta,
    TextDelta,
    TextRun,
    TokenLogprob,
    Usage,
)


class CompletionRender:
    """Renders the answers to one legacy completion request."""

    def __init__(self, head: Head, *, include_usage: bool = False, logprobs: bool = False) -> None:
        self._head = head
        self._logprobs = logprobs
        self._include_usage = include_usage
        self._usage = Usage(0, 0)
        self._offsets: defaultdict[int, int] = defaultdict(int)
        self._open = head.json("text_completion")
        self._close_chunk = b',"usage":null}' if include_usage else b"}"

    def whole(self, folded: Folded) -> bytes:
        """The non-streaming answer."""
        choices = [self._whole_choice(index, one) for index, one in enumerate(folded.choices)]
        return b'%b"choices":%b,"usage":%b}' % (
            self._open,
            orjson.dumps(choices),
            usage_json(folded.usage),
        )

    def frames(self, events: Sequence[Event]) -> bytes:
        """The chunks of the next events, ready for the wire."""
        frames = []
        for event in events:
            if isinstance(event, RefusalDelta):
                frames.append(self._frame(event.choice, event.text, (), None))
            elif isinstance(event, TextDelta):
                frames.append(self._frame(event.choice, event.text, event.logprobs, None))
            elif isinstance(event, TextRun):
                frames += [self._frame(event.choice, piece, (), None) for piece in event.pieces]
            elif isinstance(event, Finish):
                frames.append(self._frame(event.choice, "", (), event.reason))
            elif isinstance(event, Usage):
                self._usage = event
        return b"".join(frames)

    def closing(self) -> bytes:
        """What ends the stream: the usage chunk if it was asked for, and the terminator."""
        if not self._include_usage:
            return DONE
        chunk = b'%b"choices":[],"usage":%b}' % (self._open, usage_json(self._usage))
        return data_event(chunk) + DONE

    def _frame(
        self,
        index: int,
        text: str,
        logprobs: Sequence[TokenLogprob],
        finish: FinishReason | None,
    ) -> bytes:
        offset = self._offsets[index]
        self._offsets[index] += len(text)
        choice = _choice(
            index, text, completion_logprobs(logprobs, offset) if logprobs else None, finish
        )
        return data_event(
            b'%b"choices":%b%b' % (self._open, orjson.dumps([choice]), self._close_chunk)
        )

    def _whole_choice(self, index: int, choice: FoldedChoice) -> dict[str, Any]:
        logprobs = completion_logprobs(choice.logprobs, 0) if self._logprobs else None
        return _choice(index, choice.text + (choice.refusal or ""), logprobs, choice.finish)


def _choice(
    index: int, text: str, logprobs: dict[str, Any] | None, finish: FinishReason | None
) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}
