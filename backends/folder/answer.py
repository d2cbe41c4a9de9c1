"""A provider's answer, whole or as an event stream, as the events of the seam."""

import json
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import suppress

import orjson

from backends.folder.expression import Expression
from backends.folder.metadata import AnswerAt, Places
from backends.protocol import Event, Finish, FinishReason, TextDelta, Usage
from backends.protocol.errors import APIError, BackendUnavailable
from backends.upstream import server_sent_events
from backends.upstream.errors import bad_gateway, upstream_error
from backends.upstream.words import words_of

ANSWER_BYTES = 64_000_000
Pieces = AsyncIterable[bytes]
Secrets = Sequence[str]


def unreadable(what: str) -> APIError:
    """The error for an answer that is not what its folder says."""
    return bad_gateway(f"The provider's answer cannot be read: {what}.")


def refusal(
    status: int, body: bytes, at: AnswerAt, secrets: Secrets, retry_after_s: int | None
) -> APIError:
    """The error that an answer becomes which is no success: the words that the mapping finds."""
    with suppress(orjson.JSONDecodeError):
        document = orjson.loads(body)
        for _, places in at.places:
            with suppress(ValueError):
                found = places.error.find(document) if places.error else None
                if found and words_of(said := orjson.dumps({"error": found})).message:
                    body = said
                    break
    return upstream_error(status, body, retry_after_s, secrets=secrets)


async def whole_answer(
    pieces: Pieces, at: AnswerAt, secrets: Secrets = ()
) -> AsyncGenerator[Sequence[Event]]:
    """The events of a whole answer, all at once.

    Raises:
        APIError: the answer is an error, or is not where the mapping looks for it.
    """
    assert at.whole is not None  # noqa: S101 - who calls has looked
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > ANSWER_BYTES:
            raise unreadable(f"it is larger than {ANSWER_BYTES} bytes")
    reading = _Reading(at, at.whole, "json", secrets)
    said = reading.take(_document(bytes(body)), at.whole.text, "text")
    yield [*said, *reading.end()]


async def streamed_answer(
    pieces: Pieces, at: AnswerAt, secrets: Secrets, max_event_bytes: int
) -> AsyncGenerator[Sequence[Event]]:
    """The events of a stream as they come in.

    Raises:
        APIError: an event is an error, or the stream ends before the answer does.
    """
    assert at.events is not None  # noqa: S101 - who calls has looked
    places = at.events
    reading = _Reading(at, places, "events", secrets)
    end = None if places.end is None else places.end.encode()
    async for event in server_sent_events(pieces, max_event_bytes):
        if event.data == end:
            break
        words = places.delta if places.delta_event in {None, event.event} else None
        if said := reading.take(_document(event.data), words, "delta"):
            yield said
    else:
        if reading.finish is None:
            raise BackendUnavailable("The upstream broke off its answer.")
    yield reading.end()


def _document(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise unreadable("it is no JSON") from error


class _Reading:
    """One answer in progress: what was said, why it finished, what it cost."""

    def __init__(self, answer: AnswerAt, at: Places, key: str, secrets: Secrets) -> None:
        self._answer, self._at, self._key, self._secrets = answer, at, key, secrets
        self._counts: dict[str, int] = {}
        self._said = False
        self.finish: FinishReason | None = None

    def take(self, document: object, words: Expression | None, key: str) -> list[Event]:
        """The text that a document has; the rest is kept for the end."""
        self._require_no_error(document)
        self._finish(document)
        self._count(document)
        text = self._find(words, document, key)
        if text is None:
            return []
        if not isinstance(text, str):
            raise self._wrong(key, "is no text")
        self._said = True
        return [TextDelta(text)] if text else []

    def end(self) -> list[Event]:
        """The finish and the usage.

        Raises:
            APIError: nothing was said, and nothing says why.
        """
        if not self._said and self.finish in {None, "stop"}:
            raise self._wrong("text" if self._key == "json" else "delta", "finds no text")
        events: list[Event] = [Finish(self.finish or "stop")]
        if {"prompt_tokens", "completion_tokens"} <= self._counts.keys():
            events.append(Usage(**self._counts))
        return events

    def _require_no_error(self, document: object) -> None:
        error = self._find(self._at.error, document, "error")
        if error:
            raise upstream_error(502, orjson.dumps({"error": error}), secrets=self._secrets)

    def _finish(self, document: object) -> None:
        said = self._find(self._at.finish, document, "finish")
        if said is None or said is False or said == "":
            return
        said = said if isinstance(said, str) else json.dumps(said)
        self.finish = self._answer.reason(said)
        if self.finish is None:
            raise unreadable(f"answer.finish_reasons does not know {said[:50]!r}")

    def _count(self, document: object) -> None:
        if self._at.usage is None:
            return
        for name in type(self._at.usage).model_fields:
            key = f"usage.{name}"
            count = self._find(getattr(self._at.usage, name), document, key)
            if count is None:
                continue
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                raise self._wrong(key, "is no number of tokens")
            self._counts[name] = count

    def _find(self, expression: Expression | None, document: object, key: str) -> object:
        if expression is None:
            return None
        try:
            found: object = expression.find(document)
        except ValueError as error:
            raise self._wrong(key, "does not fit it") from error
        return found

    def _wrong(self, key: str, what: str) -> APIError:
        return unreadable(f"answer.{self._key}.{key} {what}")
