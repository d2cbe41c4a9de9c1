"""A client that goes away cancels its generation at once, and a counter shows it."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.adapter.envelope import CHAT
from tests.adapter.watching import SOON_S, request, soon, total
from tests.server import Serve, Server

STREAM = CHAT | {"stream": True}

CAREFUL = """
import asyncio
from pathlib import Path
from backends.protocol import Model, TextDelta

class Careful:
    async def models(self):
        return [Model("m")]

    async def generate(self, request):
        name = f"{request.last_user_text()}-{id(request)}"
        Path("begun-" + name).touch()
        try:
            yield TextDelta("one ")
            await asyncio.sleep(60)
            yield TextDelta("two ")
        finally:
            Path("ended-" + name).touch()

    async def embed(self, request):
        try:
            await asyncio.sleep(60)
        finally:
            Path("ended-embedding").touch()
"""


def leave(server: Server, body: dict[str, Any], *, after: bytes | None, path: str = "") -> None:
    """Ask, wait until `after` has come (or a moment, if None), and close the connection."""
    with server.connect() as connection:
        connection.sendall(request(body, path=path or "/v1/chat/completions"))
        received = b""
        while after is not None and after not in received:
            received += connection.recv(65536)
        if after is None:
            time.sleep(0.2)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\0" * 8)


def cancelled(server: Server) -> float:
    return total(server, "adapter_cancellations_total")


def in_flight(server: Server) -> float:
    """All but the scrape itself."""
    return total(server, "adapter_requests_in_flight") - 1


@pytest.mark.parametrize(
    ("pace", "body", "after"),
    [
        ("MOCK_ITL_MS", STREAM, b'"content":'),
        ("MOCK_TTFT_MS", STREAM, None),
        ("MOCK_ITL_MS", CHAT, None),
        ("MOCK_TTFT_MS", CHAT, None),
        ("MOCK_ITL_MS", STREAM | {"n": 3}, b'"content":'),
        ("MOCK_TTFT_MS", CHAT | {"n": 3}, None),
    ],
)
def test_leaving_cancels_and_is_counted(
    serve: Serve, pace: str, body: dict[str, Any], after: bytes | None
) -> None:
    server = serve(**{pace: "60000"})
    assert cancelled(server) == 0
    for count in (1, 2):
        leave(server, body, after=after)
        assert soon(lambda count=count: cancelled(server) == count)  # type: ignore[misc]
    assert soon(lambda: in_flight(server) == 0)
    assert total(server, "adapter_cancellations_total", operation="chat", model="gpt-4o") == 2
    assert total(server, "adapter_requests_total", status="499") == 2
    assert soon(lambda: server.log.count("/v1/chat") == 2)
    lines = [json.loads(line) for line in server.log.splitlines() if "/v1/chat" in line]
    assert [line["status"] for line in lines] == [499, 499]
    assert not [line for line in lines if line["level"] == "error"]


def test_a_request_is_in_flight_while_it_runs(serve: Serve) -> None:
    server = serve(MOCK_TTFT_MS="60000")
    with server.connect() as connection:
        connection.sendall(request(CHAT))
        assert soon(lambda: in_flight(server) == 1)
    assert soon(lambda: in_flight(server) == 0)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("stream", [False, True])
def test_the_backends_finally_runs(serve: Serve, tmp_path: Path, n: int, *, stream: bool) -> None:
    (tmp_path / "careful.py").write_text(CAREFUL)
    server = serve("--backend", "careful:Careful")
    body = CHAT | {"model": "m", "stream": stream, "n": n}
    leave(server, body, after=b"one " if stream else None)
    assert soon(lambda: len(list(tmp_path.glob("ended-*"))) == n)
    assert len(list(tmp_path.glob("begun-*"))) == n


def test_leaving_cancels_an_embedding(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "careful.py").write_text(CAREFUL)
    server = serve("--backend", "careful:Careful")
    leave(server, {"model": "m", "input": "a"}, after=None, path="/v1/embeddings")
    assert soon((tmp_path / "ended-embedding").exists)
    assert soon(lambda: cancelled(server) == 1)


def test_what_is_complete_is_not_cancelled(serve: Serve) -> None:
    server = serve()
    leave(server, STREAM, after=b"[DONE]")
    leave(server, CHAT, after=b'"usage"')
    assert soon(lambda: in_flight(server) == 0)
    assert cancelled(server) == 0
    assert total(server, "adapter_requests_total", operation="chat", status="200") == 2


def test_leaving_half_way_through_the_body_is_harmless(serve: Serve) -> None:
    server = serve()
    with server.connect() as connection:
        connection.sendall(request(CHAT)[:-10])
        time.sleep(0.1)
    assert soon(lambda: in_flight(server) == 0)
    assert cancelled(server) == 1
    with server.http() as http:
        assert http.post("/v1/chat/completions", json=CHAT).status_code == 200
    assert "Traceback" not in server.log
    assert '"crash"' not in server.log


def test_thirty_that_left_do_not_hold_up_the_next(serve: Serve) -> None:
    server = serve(MOCK_ITL_MS="60000")
    for number in range(30):
        leave(server, STREAM if number % 2 else CHAT, after=b"data:" if number % 2 else b"")
    before_s = time.monotonic()
    with server.client() as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hello"}], max_tokens=1
        )
    assert answer.choices[0].finish_reason == "length"
    assert time.monotonic() - before_s < SOON_S
    assert soon(lambda: cancelled(server) == 30)
    assert soon(lambda: in_flight(server) == 0)
