"""What every response carries, and the bytes of HTTP and SSE beneath the clients."""

import json
import re
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import CHAT, MESSAGES, error_of
from tests.adapter.watching import request
from tests.server import Server, start

PATH = "/v1/chat/completions"
STREAM = CHAT | {"stream": True}
KEY = b"\r\nAuthorization: Bearer sk-a\r\n"
EVERY: list[tuple[str, str, dict[str, Any] | None, int]] = [
    ("GET", "/health", None, 200),
    ("GET", "/metrics", None, 200),
    ("GET", "/openapi.json", None, 200),
    ("GET", "/v1/models", None, 200),
    ("POST", PATH, CHAT, 200),
    ("POST", PATH, STREAM, 200),
    ("POST", PATH, {}, 400),
    ("POST", PATH, CHAT | {"model": "nope"}, 404),
    ("POST", "/v1/completions", {"model": "gpt-4o", "prompt": "a", "stream": True}, 200),
    ("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}, 200),
    ("GET", PATH, None, 405),
    ("GET", "/nope", None, 404),
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    server = start(folder, ENABLE_AUTH="1", API_KEY_SECRET="sk-a", MAX_BODY_MB="1")
    yield server
    server.stop()


def ask(connection: socket.socket, sent: bytes) -> tuple[int, bytes]:
    """The status and body of one answer on a connection that may be asked again."""
    connection.sendall(sent)
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def raw_stream(server: Server, body: dict[str, Any]) -> tuple[list[str], bytes]:
    """The header lines and the body of a chunked answer, taken apart by hand."""
    with server.connect() as connection:
        connection.sendall(request(body, "Connection: close"))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, rest = received.partition(b"\r\n\r\n")
    chunks = []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        chunks.append(rest[:length])
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
        if length == 0:
            assert rest == b""
            return head.decode().lower().split("\r\n"), b"".join(chunks)


@pytest.mark.parametrize(("method", "path", "body", "status"), EVERY)
def test_every_response_has_its_headers_once(
    http: httpx.Client, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    seen = set()
    for _ in range(3):
        response = http.request(method, path, json=body, headers={"x-request-id": "mine"})
        assert response.status_code == status
        [request_id] = response.headers.get_list("x-request-id")
        seen.add(request_id)
        [elapsed_ms] = response.headers.get_list("openai-processing-ms")
        assert re.fullmatch(r"[0-9]+", elapsed_ms)
        assert response.headers.get_list("openai-version") == ["2020-10-01"]
        assert len(response.headers.get_list("content-type")) == 1
    assert len(seen) == 3
    assert all(seen)


def test_stream_is_chunked_and_not_to_be_buffered(mock: Server) -> None:
    head, body = raw_stream(mock, STREAM)
    assert head[0] == "http/1.1 200 ok"
    assert any(line.startswith("content-type: text/event-stream") for line in head)
    assert "transfer-encoding: chunked" in head
    assert "cache-control: no-cache" in head
    assert "x-accel-buffering: no" in head
    assert not any(line.startswith(("content-length", "content-encoding")) for line in head)
    assert sum(line.startswith("x-request-id:") for line in head) == 1
    assert body.endswith(b"\n\n")


@pytest.mark.parametrize(
    "text",
    ["Hello there", "日本語 👩‍🚀 é", "a\r\nb\n\nc\x00\u2028\u2029\u0085", "data: [DONE]\n\n"],
)
@pytest.mark.parametrize("path", ["chat", "completions"])
def test_frames_are_strict_sse(mock: Server, text: str, path: str) -> None:
    with mock.http() as http:
        body: dict[str, Any] = {"model": "gpt-4o", "stream": True, "max_tokens": 99, "n": 2}
        if path == "chat":
            body |= {"messages": [{"role": "user", "content": text}]}
            wire = http.post(PATH, json=body).content
        else:
            wire = http.post("/v1/completions", json=body | {"prompt": text}).content
    assert not wire.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in wire
    *frames, after = wire.split(b"\n\n")
    assert after == b""
    assert all(re.fullmatch(rb"data: [^\n]+", frame) for frame in frames)
    payloads = [frame.removeprefix(b"data: ").decode() for frame in frames]
    assert payloads.count("[DONE]") == 1
    assert payloads.pop() == "[DONE]"
    said = ["", ""]
    for payload in payloads:
        for choice in json.loads(payload)["choices"]:
            delta = choice["delta"].get("content", "") if path == "chat" else choice["text"]
            said[choice["index"]] += delta
    assert said == [text, text]


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (request(CHAT), 200),
        (request({}), 400),
        (request(CHAT | {"model": "nope"}), 404),
        (request(CHAT, path="/nope"), 404),
        (request(CHAT, path="/v1/models"), 405),
        (request(b"x" * 200_000, "Content-Type: text/plain"), 400),
        (request(b"x" * 200_000, "Authorization: Bearer wrong"), 401),
        (request(b"x" * 1_200_000), 413),
    ],
)
def test_connection_serves_a_second_request(guarded: Server, first: bytes, status: int) -> None:
    first = first if status == 401 else first.replace(b"\r\n", KEY, 1)
    with guarded.connect() as connection:
        assert ask(connection, first)[0] == status
        assert ask(connection, request(CHAT).replace(b"\r\n", KEY, 1))[0] == 200


def test_sdk_headers_are_ignored(http: httpx.Client) -> None:
    names = ["x-stainless-os", "x-stainless-retry-count", "openai-organization", "openai-project"]
    headers = dict.fromkeys([*names, "openai-beta", "x-client-request-id"], "anything;v=1")
    assert http.post(PATH, json=CHAT, headers=headers).status_code == 200


def test_chunked_request_and_expect_are_understood(mock: Server) -> None:
    payload = json.dumps(CHAT).encode()
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (payload[:7], payload[7:]))
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
    with mock.connect() as connection:
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
        assert ask(connection, chunked)[0] == 200
        connection.sendall(
            head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(payload)
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        assert ask(connection, payload)[0] == 200


@pytest.mark.parametrize("body", [CHAT, STREAM])
def test_an_http_1_0_client_gets_its_answer_and_the_end(mock: Server, body: dict[str, Any]) -> None:
    with mock.connect() as connection:
        connection.sendall(request(body, version="1.0"))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 200 OK\r\n" in received
    text = MESSAGES[0]["content"].split()[0].encode()
    assert text[:3] in received


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "x" * 9000])
def test_another_content_type_is_refused(http: httpx.Client, kind: str) -> None:
    payload = json.dumps(CHAT).encode()
    response = http.post(PATH, content=payload, headers={"content-type": kind})
    assert response.status_code in {400, 415}
    error_of(response)
