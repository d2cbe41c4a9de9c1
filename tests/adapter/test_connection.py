"""Connections: offers of another protocol, clients of HTTP/1.0, idle ones, heads without an end."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import CHAT, error_of
from tests.adapter.watching import PATH, answer, request
from tests.server import Serve, Server

STREAM = CHAT | {"stream": True}
EMBEDDING = {"model": "text-embedding-3-small", "input": "a"}
# What Java's HttpClient sends with each request, and curl with --http2.
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB")
OFFERS = [
    H2C,
    ("connection: keep-alive, upgrade", "upgrade: h2c"),
    ("Connection: HTTP2-Settings", "Connection: Upgrade", "Upgrade: h2c, foo/2", "Upgrade: bar"),
    ("Connection: Upgrade", "Upgrade: TLS/1.0"),
    ("Connection: close, Upgrade", "Upgrade: h2c"),
    ("Connection: Upgrade",),
    ("Upgrade: h2c",),
]


def sent_by_1_0(server: Server, *sent: bytes) -> tuple[bytes, bytes]:
    """The head and body of an answer that ends where the connection does."""
    with server.connect() as connection:
        for part in sent:
            connection.sendall(part)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return head.lower(), body


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: " ".join(offer)[:40])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PATH, CHAT),
        (PATH, STREAM),
        ("/v1/completions", {"model": "gpt-4o", "prompt": "a"}),
        ("/v1/embeddings", EMBEDDING),
    ],
)
def test_an_offer_of_another_protocol_is_answered_as_http_1_1(
    mock: Server, offer: tuple[str, ...], path: str, body: dict[str, Any]
) -> None:
    with mock.connect() as connection:
        for _ in range(1 if "close" in offer[0] else 2):
            connection.sendall(request(body, *offer, path=path))
            response, content = answer(connection)
            assert (response.status, response.version) == (200, 11)
            assert b"gpt-4o" in content or b"text-embedding" in content


def test_an_offer_in_pieces_with_a_body_in_chunks(mock: Server) -> None:
    payload = json.dumps(CHAT).encode()
    head = "\r\n".join([f"POST {PATH} HTTP/1.1", "Host: x", *H2C, "Transfer-Encoding: chunked"])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (payload[:9], payload[9:]))
    whole = head.encode() + b"\r\n\r\n" + chunks + b"0\r\n\r\n"
    with mock.connect() as connection:
        for part in (whole[:30], whole[30:150], whole[150:-40], whole[-40:]):
            connection.sendall(part)
            time.sleep(0.05)
        assert answer(connection)[0].status == 200


def test_offers_among_pipelined_requests_are_answered_in_their_order(mock: Server) -> None:
    names = ["gpt-4o", "gpt-4o-mini", "gpt-4o", "gpt-4o-mini"]
    offers: list[tuple[str, ...]] = [(), H2C, H2C, ()]
    sent = b"".join(
        request(CHAT | {"model": name}, *offer) for name, offer in zip(names, offers, strict=True)
    )
    with mock.connect() as connection:
        connection.sendall(sent + b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"\r\n")
        told: list[str | None] = []
        stream = connection.makefile("rb")
        while len(told) < 5:
            assert stream.readline().startswith(b"HTTP/1.1 200 ")
            length = 0
            while (line := stream.readline().lower()) != b"\r\n":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            told.append(json.loads(stream.read(length)).get("model"))
    assert told == [*names, None]


def test_an_offer_with_expect_and_a_large_body(mock: Server) -> None:
    body = CHAT | {"messages": [{"role": "user", "content": "a" * 400_000}]}
    sent = request(body, *H2C, "Expect: 100-continue")
    head, _, payload = sent.partition(b"\r\n\r\n")
    with mock.connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        connection.sendall(payload)
        assert answer(connection)[0].status == 200


@pytest.mark.parametrize("offer", [H2C, ("Connection: Upgrade", "Upgrade: websocket")])
def test_an_offer_without_a_body_leaves_the_connection_well(
    mock: Server, offer: tuple[str, ...]
) -> None:
    if offer[-1].endswith("websocket"):
        path, status = PATH, {400, 404, 405, 426}  # a handshake that lacks its key
    else:
        path, status = "/v1/models", {200}
    with mock.connect() as connection:
        lines = [f"GET {path} HTTP/1.1", "Host: x", *offer, "", ""]
        connection.sendall("\r\n".join(lines).encode())
        response, _ = answer(connection)
        assert response.status in status
        if status == {200}:
            connection.sendall(request(CHAT))
            assert answer(connection)[0].status == 200


def test_connect_is_refused_and_the_server_goes_on(mock: Server, http: httpx.Client) -> None:
    for target in ("example.org:443", "/v1/models"):
        with mock.connect() as connection:
            connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert 400 <= answer(connection)[0].status < 500
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "ends"),
    [
        (PATH, STREAM, b"data: [DONE]\n\n"),
        (PATH, CHAT, b"}"),
        ("/v1/completions", {"model": "gpt-4o", "prompt": "a", "stream": True}, b"[DONE]\n\n"),
        ("/v1/embeddings", EMBEDDING, b"}"),
        (PATH, {}, b"}}"),
        ("/nope", {}, b"}}"),
    ],
)
@pytest.mark.parametrize("more", [(), ("Connection: keep-alive",), H2C])
def test_an_http_1_0_client_gets_no_chunks(
    mock: Server, path: str, body: dict[str, Any], ends: bytes, more: tuple[str, ...]
) -> None:
    head, content = sent_by_1_0(mock, request(body, *more, path=path, version="1.0"))
    assert b"transfer-encoding" not in head
    assert content.endswith(ends)
    assert content[:1] in {b"{", b"d"}


@pytest.mark.parametrize("path", ["/health", "/metrics", "/docs", "/openapi.json", "/v1/models"])
def test_an_http_1_0_client_gets_the_other_pages(mock: Server, path: str) -> None:
    head, content = sent_by_1_0(mock, f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert head.startswith(b"http/1.1 200 ")
    assert b"transfer-encoding" not in head
    assert content


def test_an_http_1_0_client_is_not_asked_to_continue(mock: Server) -> None:
    sent = request(CHAT, "Expect: 100-continue", version="1.0")
    head, _ = sent_by_1_0(mock, sent)
    assert head.startswith(b"http/1.1 200 ")


def test_a_connection_may_change_its_version(mock: Server) -> None:
    with mock.connect() as connection:
        connection.sendall(request(STREAM))
        response, content = answer(connection)
        assert response.getheader("transfer-encoding") == "chunked"
        connection.sendall(request(STREAM, version="1.0"))
        head, _, rest = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert rest.count(b"\n\n") == content.count(b"\n\n")


def test_an_idle_connection_outlives_a_proxys_pool(mock: Server) -> None:
    with mock.connect() as used:
        used.sendall(request(CHAT))
        assert answer(used)[0].status == 200
        time.sleep(6)  # longer than uvicorn's own 5 s
        used.sendall(request(CHAT))
        assert answer(used)[0].status == 200


def test_the_keep_alive_is_a_setting(serve: Serve) -> None:
    server = serve(KEEP_ALIVE_S="1")
    with server.connect() as used, server.connect() as fresh, server.connect() as begun:
        used.sendall(request(CHAT))
        assert answer(used)[0].status == 200
        begun.sendall(request(CHAT)[:50])
        for connection in (used, fresh, begun):
            began_s = time.monotonic()
            assert connection.recv(1) == b""
            assert time.monotonic() - began_s < 20


@pytest.mark.parametrize(
    "start",
    [
        b"GET /health HTTP/1.1\r\nX-Long: ",
        b"GET /health?",
        b"POST /v1/models HTTP/1.1\r\n",
        b"",
    ],
)
def test_a_head_without_an_end_is_431(mock: Server, http: httpx.Client, start: bytes) -> None:
    endless = b"\r\n" * 10_000 if start == b"" else b"a" * 20_000
    if start.endswith(b"1.1\r\n"):
        endless = b"X-One-Of-Many: 1\r\n" * 1_000
    with mock.connect() as connection:
        connection.sendall(start)
        try:
            for _ in range(200):
                connection.sendall(endless)
                time.sleep(0.001)
            pytest.fail("4 MB of head were read")
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert http.get("/health", headers={"x-long": "a" * 30_000}).status_code == 200


def test_a_head_without_an_end_is_told_so(mock: Server) -> None:
    with mock.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX-Long: " + b"a" * 10)
        time.sleep(0.2)
        connection.sendall(b"a" * 70_000)
        response, content = answer(connection)
    assert response.status == 431
    headers = dict(response.getheaders())
    error_of(httpx.Response(response.status, headers=headers, content=content))


def test_what_is_no_http_gets_the_envelope(mock: Server) -> None:
    with mock.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nno header\r\n\r\n")
        response, content = answer(connection)
    assert response.status == 400
    headers = dict(response.getheaders())
    error_of(httpx.Response(response.status, headers=headers, content=content))
