"""When another route is asked, how soon, and what is told of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapter.watching import scrape, soon
from tests.scripted_upstream import CHAT, Answer, Scripted, scripted
from tests.server import Serve, Server

HELLO = [{"role": "user", "content": "Hello"}]
BUSY = {"error": {"message": "Come later", "type": "rate_limit_error", "code": "busy"}}
STATUSES = (408, 429, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 524, 527, 529, 530, 599)
OWN = """
from backends.protocol import Model, TextDelta
from backends.protocol.errors import APIError

class Failing:
    def __init__(self, after):
        self._after = after

    async def models(self):
        return [Model("m")]

    async def generate(self, request):
        for _ in range(self._after):
            yield TextDelta("half ")
        error = APIError("It broke.")
        error.status = 529
        raise error
"""
CONFIG = """
backends:
  up: {{use: openai, base_url: "{up}", api_key: sk-up, attempts: 3}}
  once: {{use: openai, base_url: "{up}", api_key: sk-up, attempts: 1}}
  dead: {{use: openai, base_url: "{dead}", api_key: k, attempts: 1}}
  slow: {{use: openai, base_url: "{up}", api_key: k, attempts: 1, silence_s: 0.3}}
  early: {{use: "own:Failing", after: 0}}
  half: {{use: "own:Failing", after: 2}}
  dev: {{use: mock, models: mock-1}}
  mock: {{use: mock, models: "*"}}
models:
  mock: {{backend: dev, model: mock-1}}
  later: {{routes: [{{backend: up, model: later}}], fallback: [{{backend: dev, model: mock-1}}]}}
  only-later: {{backend: up, model: later}}
  soon: {{backend: up}}
  smart:
    routes: [{{backend: dead, model: a}}]
    fallback: [{{backend: slow, model: stalls}}, {{backend: dev, model: mock-1}}]
  early: {{backend: early, model: m}}
  early-then: {{routes: [{{backend: early, model: m}}], fallback: [mock]}}
  half-then: {{routes: [{{backend: half, model: m}}], fallback: [mock]}}
  a: {{routes: [{{backend: once, model: a}}], fallback: [{{backend: dev, model: mock-1}}]}}
  b: {{routes: [{{backend: once, model: b}}], fallback: [{{backend: dev, model: mock-1}}]}}
"""


@pytest.fixture
def upstream() -> Iterator[Scripted]:
    with scripted() as upstream:
        upstream.chats = {
            "*": Answer(CHAT | {"model": "up"}),
            "later": Answer(BUSY, 429, {"retry-after": "20"}),
            "stalls": Answer(CHAT, wait_s=5),
            "a": Answer(BUSY, 429, {"retry-after": "1"}),
        }
        yield upstream


@pytest.fixture
def server(serve: Serve, upstream: Scripted, tmp_path: Path) -> Server:
    (tmp_path / "own.py").write_text(OWN)
    config = CONFIG.format(up=upstream.url, dead="http://127.0.0.1:9/v1")
    for status in STATUSES:
        upstream.chats[f"s{status}"] = Answer(BUSY, status)
        way = "{routes: [{backend: once}], fallback: [{backend: dev, model: mock-1}]}"
        config += f"  s{status}: {way}\n"
    (tmp_path / "adapter.yaml").write_text(config)
    return serve("--config", "adapter.yaml")


def chat(server: Server, model: str, **extra: Any) -> httpx.Response:
    with server.http() as http:
        body = {"model": model, "messages": HELLO, **extra}
        return http.post("/v1/chat/completions", json=body)


def answered_by_the_mock(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and '"up"' not in answer.text and "Hello" in answer.text


def logged(server: Server, answer: httpx.Response, message: str) -> list[dict[str, Any]]:
    request_id = answer.headers["x-request-id"]
    ends = f'"message":"request","id":"{request_id}"'
    assert soon(lambda: ends in server.log)
    lines = [json.loads(line) for line in server.log.splitlines()]
    return [one for one in lines if one.get("id") == request_id and one["message"] == message]


def test_each_failure_of_a_server_falls_back(server: Server, upstream: Scripted) -> None:
    for status in STATUSES:
        assert answered_by_the_mock(chat(server, f"s{status}")), status
        assert f"s{status}" in upstream.asked


def test_a_long_wait_falls_back_at_once(server: Server, upstream: Scripted) -> None:
    assert answered_by_the_mock(chat(server, "later"))
    assert upstream.asked.count("later") == 1
    only = chat(server, "only-later")
    assert (only.status_code, only.json()) == (429, BUSY)
    assert only.headers["retry-after"] == "20"
    assert upstream.asked.count("later") == 2


def test_an_error_before_the_first_byte_falls_back(server: Server) -> None:
    assert chat(server, "early").status_code == 529
    assert answered_by_the_mock(chat(server, "early-then"))
    assert "[DONE]" in chat(server, "early-then", stream=True).text
    assert answered_by_the_mock(chat(server, "half-then"))
    half = chat(server, "half-then", stream=True)
    assert half.status_code == 200
    assert "half" in half.text
    assert "It broke." in half.text
    assert "[DONE]" not in half.text


def test_each_attempt_is_a_line_and_the_request_says_who_answered(server: Server) -> None:
    answer = chat(server, "smart")
    assert answered_by_the_mock(answer)
    attempts = logged(server, answer, "attempt")
    told = [(one["backend"], one["model"], one["status"], one["level"]) for one in attempts]
    assert told == [
        ("dead", "a", 503, "warning"),
        ("slow", "stalls", 504, "warning"),
        ("dev", "mock-1", 200, "info"),
    ]
    assert [one["reason"] for one in attempts[1:]] == ["timeout", None]
    assert 0.3 <= attempts[1]["seconds"] < 60
    [request] = logged(server, answer, "request")
    assert (request["backend"], request["attempts"], request["status"]) == ("dev", 3, 200)
    assert request["error"] is None
    failed = chat(server, "only-later")
    [attempt] = logged(server, failed, "attempt")
    assert (attempt["status"], attempt["level"]) == (429, "warning")
    [request] = logged(server, failed, "request")
    assert (request["backend"], request["attempts"], request["reason"]) == ("up", 1, "status")


def circuits(server: Server) -> dict[tuple[str, str], str]:
    with server.http() as http:
        routes = http.get("/readyz").json()["routes"]
    return {(one["backend"], one["model"]): one["circuit"] for one in routes}


def test_a_circuit_opens_for_its_route_alone(server: Server, upstream: Scripted) -> None:
    for _ in range(6):
        assert answered_by_the_mock(chat(server, "a"))
    assert upstream.asked.count("a") == 5
    assert '"up"' in chat(server, "b").text
    found = circuits(server)
    assert (found["once", "a"], found["once", "b"]) == ("open", "closed")
    with server.http() as http:
        backends = http.get("/readyz").json()["backends"]
    assert (backends["once"], backends["up"]) == ("degraded", "ready")
    values = {
        (name, dict(labels).get("backend"), dict(labels).get("model")): value
        for (name, labels), value in scrape(server).items()
    }
    assert values["adapter_route_circuit_open", "once", "a"] == 1
    assert values["adapter_route_circuit_open", "once", "b"] == 0
    assert values["adapter_route_attempts_total", "once", "b"] == 1


def test_the_last_route_is_asked_though_its_circuit_is_open(
    server: Server, upstream: Scripted
) -> None:
    for _ in range(6):
        assert chat(server, "early").status_code == 529
        assert chat(server, "only-later").status_code == 429
    found = circuits(server)
    assert (found["early", "m"], found["up", "later"]) == ("open", "open")
    assert upstream.asked.count("later") == 6
    upstream.chats["later"] = Answer(CHAT)
    assert chat(server, "only-later").status_code == 200
    assert circuits(server)["up", "later"] == "closed"


def test_an_open_circuit_is_passed_over_and_logged(server: Server) -> None:
    for _ in range(5):
        assert answered_by_the_mock(chat(server, "early-then"))
    answer = chat(server, "early-then")
    assert answered_by_the_mock(answer)
    first, second = logged(server, answer, "attempt")
    assert (first["error"], first["backend"], first["status"]) == ("circuit_open", "early", 503)
    assert (second["backend"], second["status"]) == ("mock", 200)
    [request] = logged(server, answer, "request")
    assert (request["backend"], request["attempts"]) == ("mock", 1)
