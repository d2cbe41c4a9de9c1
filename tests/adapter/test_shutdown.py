"""A server that stops waits for its answers for a while, and tells those that are left."""

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.server import Serve, Server

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


def stream(server: Server, begun: threading.Event) -> list[str]:
    """The lines of a streamed answer, to its end."""
    lines = []
    with (
        server.http() as http,
        http.stream("POST", "/v1/chat/completions", json=CHAT | {"stream": True}) as answer,
    ):
        for line in answer.iter_lines():
            lines.append(line)
            begun.set()
    return [line for line in lines if line]


def whole(server: Server) -> httpx.Response:
    with server.http() as http:
        return http.post("/v1/chat/completions", json=CHAT)


def test_answers_that_take_too_long_are_told_that_the_server_stops(serve: Serve) -> None:
    server = serve(MOCK_ITL_MS="20000")
    begun = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        streamed, answer = pool.submit(stream, server, begun), pool.submit(whole, server)
        assert begun.wait(20)
        server.process.send_signal(signal.SIGTERM)
        lines, told = streamed.result(30), answer.result(30)
    last = json.loads(lines[-1].removeprefix("data: "))
    for error in (last["error"], told.json()["error"]):
        assert error["message"] == "The server is shutting down."
        assert error["code"] == "backend_unavailable"
    assert told.status_code == 503
    assert server.process.wait(10) is not None
    assert "Traceback" not in server.log
    assert "CancelledError" not in server.log
