"""Logs: one line a request and a route's attempt, never a prompt, never a key.

JSON for machines, words for people who watch a terminal; the same fields in both.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Literal

import orjson

from adapter.exchange import Attempt, Exchange

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
PROBES = frozenset({"/health", "/ping", "/livez", "/readyz", "/metrics"})
Format = Literal["auto", "text", "json"]
Fields = Mapping[str, object]
# A line by the time in Unix seconds, the level, the message and the fields.
Line = Callable[[float, str, str, Fields], str]


def json_line(time_s: float, level: str, message: str, fields: Fields) -> str:
    """The line as JSON."""
    line = {"time": _iso(time_s), "level": level, "message": message, **fields}
    return orjson.dumps(line, default=str).decode()


def text_line(time_s: float, level: str, message: str, fields: Fields) -> str:
    """The line as words; of the fields those that say something."""
    shown = [
        f"{name}={_word(value)}"
        for name, value in fields.items()
        if value is not None and value is not False and name != "at"
    ]
    line = f"{_iso(time_s)} {level.upper():<7} {' '.join([_plain(message), *shown])}"
    places = fields.get("at")
    return "\n    ".join([line, *map(str, places)]) if isinstance(places, list) else line


def line_of(choice: Format) -> Line:
    """How lines are written; by `auto`, as words where a person reads standard error."""
    as_text = sys.stderr.isatty() if choice == "auto" else choice == "text"
    return text_line if as_text else json_line


class Formatter(logging.Formatter):
    """Every record as one line; its `fields` beside the message.

    Of an exception only the type and the places are told: its message may quote a prompt.
    """

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = record.exc_info[0].__name__
            fields["at"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        level = record.levelname.lower()
        return self._line(record.created, level, record.getMessage(), fields)


def configure(level: str, choice: Format) -> None:
    """Send all logs, uvicorn's too, to standard error, in the one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(line_of(choice)))
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(max(LEVELS[level], logging.WARNING))


class AccessLog:
    """Writes the lines of each request, straight to the stream: it is the hot path's only log."""

    def __init__(self, level: str, choice: Format) -> None:
        self._least = LEVELS[level]
        self._line = line_of(choice)
        self._log = logging.getLogger("adapter")

    def write(self, exchange: Exchange, path: str) -> None:
        """One line for a finished exchange; of a probe at debug only."""
        level = "debug" if path in PROBES else "info"
        if LEVELS[level] < self._least:
            return
        now_s = perf_counter()
        first_s = exchange.first_token_s
        fields = {
            "id": exchange.id,
            "method": exchange.scope["method"],
            "route": path,
            "status": exchange.status,
            "model": exchange.model,
            "key": exchange.key.name,
            "backend": exchange.backend,
            "attempts": exchange.attempts,
            "error": exchange.error,
            "reason": exchange.reason,
            "stream": exchange.stream,
            "duration_ms": round((now_s - exchange.started_s) * 1000, 3),
            "backend_ms": round(exchange.backend_s * 1000, 3),
            "ttft_ms": first_s and round((first_s - exchange.started_s) * 1000, 3),
            "prompt_tokens": exchange.prompt_tokens,
            "completion_tokens": exchange.completion_tokens,
        }
        self._write(level, "request", fields)

    def attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        """One line for an attempt of a route; one that failed is a warning."""
        level = "warning" if attempt.failed else "info"
        if LEVELS[level] < self._least:
            return
        fields = {
            "id": exchange.id,
            "backend": attempt.backend,
            "model": attempt.model,
            "status": attempt.status,
            "error": attempt.error,
            "reason": attempt.reason,
            "seconds": round(attempt.seconds, 3),
        }
        self._write(level, "attempt", fields)

    def crash(self, exchange: Exchange, error: Exception) -> None:
        """One line for a failure that nobody raised on purpose."""
        fields = {"id": exchange.id, "model": exchange.model}
        self._log.error("crash", exc_info=error, extra={"fields": fields})

    def _write(self, level: str, message: str, fields: Fields) -> None:
        sys.stderr.write(self._line(time(), level, message, fields) + "\n")


def _iso(time_s: float) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    shown = datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")
    return shown.replace("+00:00", "Z")


def _word(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text and text else json.dumps(text)


def _plain(text: str) -> str:
    """A text that cannot command the terminal: a client may have chosen a part of it."""
    return text if text.isprintable() else json.dumps(text)
