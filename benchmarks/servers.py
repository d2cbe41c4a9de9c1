"""The table of servers: what is started, with which environment, and where it says it is up."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import exchange

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent


@dataclass(frozen=True)
class Server:
    """One server; `{port}` in its command and its files is filled in at each start."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health: str
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def ours(log_level: str) -> Server:
    """Our server with the mock backend; its log goes to a file."""
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "BACKEND": "mock",
        "ENABLE_AUTH": "true",
        "API_KEY_SECRET": exchange.API_KEY,
        "LOG_LEVEL": log_level,
    }
    command = [sys.executable, "-m", "adapter", "serve", "--port", "{port}"]
    return Server(
        "ours" if log_level == "info" else f"ours {log_level}", command, environment, "/health"
    )


def aimock(program: Sequence[str], answer: exchange.Answer, folder: Path) -> Server:
    """Aimock with one fixture: our text, cut into about as many chunks as ours."""
    fixture = {"match": {"userMessage": exchange.USER}, "response": {"content": answer.text}}
    path = folder / "fixture.json"
    path.write_text(json.dumps({"fixtures": [fixture]}))
    chunk_chars = max(1, round(len(answer.text) / answer.text_chunks))
    options = ["--host", exchange.HOST, "--port", "{port}", "--fixtures", str(path)]
    options += ["--chunk-size", str(chunk_chars), "--log-level", "silent", "--metrics"]
    return Server("aimock", [*program, *options], {"AIMOCK_API_KEYS": exchange.API_KEY}, "/health")


def raw(answer: exchange.Answer, folder: Path) -> Server:
    """Constant bytes, the same as ours, from the ASGI server that ours runs on."""
    chat, stream = folder / "raw.json", folder / "raw.sse"
    chat.write_bytes(answer.chat)
    stream.write_bytes(answer.stream)
    options = ["--http", "httptools", "--loop", "uvloop", "--lifespan", "off", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", "raw_asgi:app", "--app-dir", str(FOLDER)]
    command += ["--host", exchange.HOST, "--port", "{port}", *options]
    return Server("raw", command, {"RAW_CHAT": str(chat), "RAW_STREAM": str(stream)}, "/")
