"""What the log tells an operator of an upstream that gives no answer."""

import json
from typing import Any

import pytest

from tests.adapter.watching import soon
from tests.scripted_upstream import Answer, scripted
from tests.server import Serve, Server

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
NOBODY = "http://127.0.0.1:9/v1"


def through(serve: Serve, url: str, level: str) -> Server:
    return serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=url,
        OPENAI_API_KEY="k",
        OPENAI_MODELS="*",
        OPENAI_ATTEMPTS="1",
        OPENAI_SILENCE_S="0.3",
        LOG_LEVEL=level,
    )


def request_line(server: Server) -> dict[str, Any]:
    with server.http() as http:
        http.post("/v1/chat/completions", json=CHAT)
    assert soon(lambda: '"model":"m"' in server.log)
    lines = [json.loads(line) for line in server.log.splitlines()]
    return next(line for line in lines if line.get("model") == "m")


@pytest.mark.parametrize("level", ["debug", "info"])
def test_the_host_is_told_at_debug_alone(serve: Serve, level: str) -> None:
    server = through(serve, NOBODY, level)
    line = request_line(server)
    assert (line["status"], line["error"]) == (503, "backend_unavailable")
    assert (line["backend"], line["attempts"]) == ("openai", 1)
    assert ('"host":"127.0.0.1"' in server.log) == (level == "debug")


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [(Answer({}, 500), 500, "status"), (Answer({}, wait_s=5), 504, "timeout")],
)
def test_a_failure_has_its_reason(serve: Serve, answer: Answer, status: int, reason: str) -> None:
    with scripted() as upstream:
        upstream.chats["*"] = answer
        line = request_line(through(serve, upstream.url, "info"))
    assert (line["status"], line["reason"]) == (status, reason)
