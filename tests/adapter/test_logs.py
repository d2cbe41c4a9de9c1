"""One line a request: what it was and how long it took, never a prompt, never a key."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import CHAT
from tests.adapter.watching import soon
from tests.server import ROOT, START_S, Serve, Server, free_port

PATH = "/v1/chat/completions"
SECRET = "xylophone-7"
PROMPT = [{"role": "user", "content": f"Tell {SECRET} nobody"}]
FIELDS = {"time", "level", "message", "id", "method", "route", "model", "status", "duration_ms"}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PROBES = ("/health", "/ping", "/livez", "/readyz", "/metrics")
NUMBERS = {"backend_ms", "prompt_tokens", "completion_tokens"}
CRASHING = """
from backends.protocol import Model

class Crashing:
    async def models(self):
        return [Model("m")]

    async def generate(self, request):
        raise RuntimeError(request.last_user_text())
        yield
"""


def lines(server: Server, request_id: str) -> list[dict[str, Any]]:
    """The log's lines of one request; every line of the log must be JSON."""
    assert soon(lambda: request_id in server.log)
    every = [json.loads(line) for line in server.log.splitlines()]
    return [line for line in every if line.get("id") == request_id]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", PATH, CHAT, {"model": "gpt-4o", "status": 200, "stream": False, "error": None}),
        ("POST", PATH, CHAT | {"stream": True}, {"model": "gpt-4o", "status": 200, "stream": True}),
        ("POST", PATH, CHAT | {"n": 0}, {"status": 400, "error": "invalid_value"}),
        ("POST", PATH, CHAT | {"model": "x"}, {"status": 404, "error": "model_not_found"}),
        ("POST", PATH + "/", CHAT, {"status": 200, "route": PATH}),
        ("GET", PATH, None, {"status": 405}),
        ("GET", "/v1/models", None, {"status": 200, "method": "GET"}),
        ("GET", "/v1/models?a=b", None, {"status": 200, "route": "/v1/models"}),
        ("GET", "/nope", None, {"status": 404}),
    ],
)
def test_each_request_is_one_line(
    mock: Server, method: str, path: str, body: object, expected: dict[str, Any]
) -> None:
    with mock.http() as http:
        response = http.request(method, path, json=body)
    [line] = lines(mock, response.headers["x-request-id"])
    assert set(line) >= FIELDS | NUMBERS
    assert line == line | {"method": method, "route": path.partition("?")[0]} | expected
    assert (line["level"], line["message"]) == ("info", "request")
    assert ISO.fullmatch(line["time"])
    assert 0 <= line["backend_ms"] <= line["duration_ms"] < 60_000


def test_line_has_the_tokens_and_the_time_to_the_first(mock: Server) -> None:
    with mock.http() as http:
        response = http.post(PATH, json=CHAT)
    usage = response.json()["usage"]
    [line] = lines(mock, response.headers["x-request-id"])
    assert line["prompt_tokens"] == usage["prompt_tokens"]
    assert line["completion_tokens"] == usage["completion_tokens"]
    assert 0 < line["ttft_ms"] <= line["duration_ms"]


@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_prompt_is_logged(serve: Serve, level: str) -> None:
    server = serve(LOG_LEVEL=level)
    bodies: list[dict[str, Any]] = [
        {"messages": PROMPT},
        {"messages": PROMPT, "stream": True},
        {"messages": PROMPT, "n": 0},
        {"messages": [{"role": SECRET, "content": SECRET}]},
        {"messages": PROMPT, "response_format": {"type": SECRET}},
        {"messages": PROMPT, "metadata": {"a": SECRET}, "user": SECRET},
    ]
    with server.http() as http:
        for body in bodies:
            http.post(PATH, json={"model": "gpt-4o"} | body)
        http.post(PATH, content=b'{"model": "' + SECRET.encode())
        http.post("/v1/completions", json={"model": "gpt-4o", "prompt": SECRET})
        http.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": SECRET})
        http.post("/v1/moderations", json={"input": SECRET})
        http.get(f"/v1/models?q={SECRET}")
        http.get("/v1/models", headers={"x-request-id": SECRET, "cookie": SECRET})
    assert soon(lambda: len(server.log.splitlines()) >= 12)
    assert SECRET not in server.log


@pytest.mark.parametrize("level", ["warning", "error"])
def test_a_higher_level_silences_requests_but_not_crashes(
    serve: Serve, tmp_path: Path, level: str
) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    server = serve("--backend", "crashing:Crashing", "--log-level", level)
    body = {"model": "m", "messages": PROMPT}
    with server.http() as http:
        assert http.get("/v1/models").status_code == 200
        assert server.log == ""
        response = http.post(PATH, json=body)
    [line] = lines(server, response.headers["x-request-id"])
    assert (line["level"], line["exception"]) == ("error", "RuntimeError")
    assert "crashing.py" in line["at"][-1]
    assert SECRET not in server.log


def test_keys_are_in_no_log_and_no_metric(serve: Serve) -> None:
    keys = {"right": "sk-right-1f9a", "wrong": "sk-wrong-0c3e"}
    server = serve(ENABLE_AUTH="true", API_KEY_SECRET=keys["right"], LOG_LEVEL="debug")
    with server.http() as http:
        for key in keys.values():
            headers = {"authorization": f"Bearer {key}"}
            for content in (b"{", b'{"model":"nope","messages":[]}'):
                http.post(PATH, content=content, headers=headers)
            http.get(f"/v1/models?api_key={key}", headers=headers)
        assert soon(lambda: server.log.count('"/v1/models"') == len(keys))
        seen = server.log + http.get("/metrics").text
    assert "/v1/models" in seen
    assert not [key for key in keys.values() if key in seen]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_probes_are_logged_at_debug_only(serve: Serve, level: str) -> None:
    server = serve("--log-level", level)
    with server.http() as http:
        for path in PROBES:
            assert http.get(path).status_code == 200
        http.get("/v1/models")
    assert soon(lambda: '"/v1/models"' in server.log)
    lines = [json.loads(line) for line in server.log.splitlines()]
    probes = {line["route"]: line["level"] for line in lines if line["route"] in PROBES}
    assert probes == (dict.fromkeys(PROBES, "debug") if level == "debug" else {})


def test_the_request_line_says_which_backend_answered(mock: Server) -> None:
    with mock.http() as http:
        answered = http.post(PATH, json=CHAT)
        listed = http.get("/v1/models")
    [line] = lines(mock, answered.headers["x-request-id"])
    assert (line["backend"], line["attempts"], line["reason"]) == ("mock", 1, None)
    [line] = lines(mock, listed.headers["x-request-id"])
    assert (line["backend"], line["attempts"]) == (None, 0)


def test_text_is_for_people_and_no_name_commands_the_terminal(serve: Serve) -> None:
    server = serve("--log-format", "text", MOCK_MODELS="*")
    red = "\x1b[31m\u009b1m\nfake line"
    with server.http() as http:
        http.post(PATH, json=CHAT)
        http.post(PATH, json=CHAT | {"model": red})
        http.get("/v1/%1b%5b31m")
    assert soon(lambda: len(server.log.splitlines()) >= 3)
    first, *others = server.log.splitlines()
    assert ISO.fullmatch(first.partition(" ")[0])
    shown = r"\S+ INFO    request id=req_\w+ method=POST route=/v1/chat/completions status=200 "
    assert re.match(shown + "model=gpt-4o key=anyone backend=mock attempts=1 duration_ms=", first)
    assert len(others) == 2
    assert server.log.replace("\n", "").isprintable()


def test_a_crash_as_text_has_its_places_below(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    server = serve("--backend", "crashing:Crashing", LOG_FORMAT="text")
    with server.http() as http:
        http.post(PATH, json={"model": "m", "messages": PROMPT})
    assert soon(lambda: "status=500" in server.log)
    crash = server.log.partition("request id")[0].splitlines()
    assert " ERROR   crash id=req_" in crash[0]
    assert "exception=RuntimeError" in crash[0]
    assert any("crashing.py" in place for place in crash[1:])
    assert SECRET not in server.log


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_gets_text(tmp_path: Path, workers: str) -> None:
    ours, theirs = pty.openpty()
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "adapter", "serve", "--port", str(port), "--workers", workers],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOG_LEVEL": "debug"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            with contextlib.suppress(httpx.TransportError):
                assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200
                break
            time.sleep(0.1)
        seen = ""
        while "route=/health" not in seen:
            seen += os.read(ours, 65536).decode()
    finally:
        process.terminate()
        process.wait(15)
        os.close(ours)
    for line in seen.splitlines():
        assert re.match(r"\S+Z (DEBUG|INFO|WARNING) ", line), line
