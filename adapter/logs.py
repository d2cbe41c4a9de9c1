"""Structured logs: one JSON line a request, never a prompt, never a key."""

import logging
import sys
import traceback
from time import perf_counter, time

import orjson

from adapter.exchange import Exchange

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class JSONFormatter(logging.Formatter):
    """Every record as one JSON line; its `fields` beside the message.

    Of an exception only the type and the places are told: its message may quote a prompt.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {"time": record.created, "level": record.levelname.lower()}
        line["message"] = record.getMessage()
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return orjson.dumps(line, default=str).decode()


def configure(level: str) -> None:
    """Send all logs, uvicorn's too, to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(max(LEVELS[level], logging.WARNING))


class AccessLog:
    """Writes the line of each request, straight to the stream: it is the hot path's only log."""

    def __init__(self, level: str) -> None:
        self._enabled = LEVELS[level] <= LEVELS["info"]
        self._log = logging.getLogger("adapter")

    def write(self, exchange: Exchange, path: str) -> None:
        """One line for a finished exchange."""
        if not self._enabled:
            return
        now_s = perf_counter()
        first_s = exchange.first_token_s
        line = {
            "time": time(),
            "level": "info",
            "message": "request",
            "id": exchange.id,
            "method": exchange.scope["method"],
            "route": path,
            "model": exchange.model,
            "key": exchange.key.name,
            "status": exchange.status,
            "error": exchange.error,
            "stream": exchange.stream,
            "duration_ms": round((now_s - exchange.started_s) * 1000, 3),
            "backend_ms": round(exchange.backend_s * 1000, 3),
            "ttft_ms": first_s and round((first_s - exchange.started_s) * 1000, 3),
            "prompt_tokens": exchange.prompt_tokens,
            "completion_tokens": exchange.completion_tokens,
        }
        sys.stderr.write(orjson.dumps(line).decode() + "\n")

    def crash(self, exchange: Exchange, error: Exception) -> None:
        """One line for a failure that nobody raised on purpose."""
        fields = {"id": exchange.id, "model": exchange.model}
        self._log.error("crash", exc_info=error, extra={"fields": fields})
