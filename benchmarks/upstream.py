"""The stub upstream: what it answers, and how it is built and started."""

import json
import shutil
import subprocess
from pathlib import Path

import exchange
from servers import FOLDER, Server

MODEL = "gpt-4o"
CHUNKS = 100
PAUSE_MS = 5
CREATED = 1_790_000_000
WORD = "measured "
TEXT = WORD * (CHUNKS - 2)


class BuildError(Exception):
    """The stub cannot be built; says why."""


def stub(folder: Path) -> Server:
    """The stub, built in the folder.

    Raises: BuildError.
    """
    program, arguments = folder / "stub", []
    for name, content in (("chat", _chat()), ("stream", _stream()), ("models", _models())):
        path = folder / f"upstream-{name}"
        path.write_bytes(content)
        arguments.append(str(path))
    compiler = shutil.which("cc")
    if compiler is None:
        raise BuildError("there is no C compiler (Debian: apt install gcc)")
    line = [compiler, "-O2", "-o", str(program), str(FOLDER / "stub.c")]
    result = subprocess.run(line, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(result.stderr)
    return Server("stub", [str(program), "{port}", *arguments, str(PAUSE_MS)], {}, "/v1/models")


def asked(port: int) -> int:
    """How many chats the stub at this port was asked for."""
    return int(json.loads(exchange.fetch(port, "GET", "/count"))["count"])


def _chat() -> bytes:
    message: dict[str, object] = {
        "role": "assistant",
        "content": TEXT,
        "refusal": None,
        "annotations": [],
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 88, "completion_tokens": CHUNKS, "total_tokens": 88 + CHUNKS}
    return _json(_envelope("chat.completion") | {"choices": [choice], "usage": usage})


def _stream() -> bytes:
    """`CHUNKS` events and `[DONE]`."""
    deltas = [{"role": "assistant", "content": ""}, *[{"content": WORD}] * (CHUNKS - 2), {}]
    events = [_event(delta, "stop" if delta == {} else None) for delta in deltas]
    return b"".join(b"data: %s\n\n" % event for event in [*events, b"[DONE]"])


def _event(delta: dict[str, str], finish_reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _json(_envelope("chat.completion.chunk") | {"choices": [choice]})


def _envelope(kind: str) -> dict[str, object]:
    return {
        "id": "chatcmpl-DkQm3vXy0b7ZfT2sWn8uRc5pLaHge",
        "object": kind,
        "created": CREATED,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }


def _models() -> bytes:
    model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "stub"}
    return _json({"object": "list", "data": [model]})


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
