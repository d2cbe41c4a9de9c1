"""The client of HTTP/1.0: it reads to the end of the connection, and every wait has an end."""

import socket
import time

import pytest

from contract_tests.verdict import Unreachable
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.http_1_0 import ANSWER_BYTES, send_http_1_0
from tests.contract_tests.bad_servers import HEAD, Speak, closes, garbage, hangs, not_http, serving
from tests.contract_tests.tiny_apps import Reply, running, says
from tests.server import free_port

STREAM = HEAD % b"text/event-stream"


def speaks(*pieces: bytes, wait_s: float = 0.0) -> Speak:
    def speak(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.02)
        time.sleep(wait_s)

    return speak


async def sent(url: str, body: bytes = b"{}") -> Exchange:
    return await send_http_1_0(Exchange("POST", url, [("X-A", "b")], body), 1.0, verify=False)


async def test_the_request_is_one_of_http_1_0() -> None:
    with running(says(Reply({"a": 1}))) as here:
        exchange = await sent(f"{here.url}/x?a=b", b'{"b": 2}')
        (asked,) = here.asked
    assert (exchange.status, exchange.json, exchange.fault) == (200, {"a": 1}, None)
    assert (asked.method, asked.target, asked.json) == ("POST", "/v1/x?a=b", {"b": 2})
    assert asked.headers["x-a"] == "b"
    assert "--http1.0" in exchange.curl()


async def test_without_a_length_the_body_ends_with_the_connection() -> None:
    with serving(speaks(STREAM, b"\r\ndata: a\n\n", b"data: [DONE]\n\n")) as url:
        exchange = await sent(url)
    assert exchange.body == b"data: a\n\ndata: [DONE]\n\n"
    assert exchange.media_type == "text/event-stream"


async def test_with_a_length_the_connection_may_stay_open() -> None:
    with serving(
        speaks(HEAD % b"application/json", b"Content-Length: 2\r\n\r\n{}", wait_s=3)
    ) as url:
        exchange = await sent(url)
    assert (exchange.json, exchange.fault) == ({}, None)


@pytest.mark.parametrize(
    ("speak", "fault"),
    [
        (closes, "closed without an answer"),
        (hangs, "no end of the answer within 1 s"),
        (not_http, "no HTTP answer"),
        (speaks(STREAM), "no HTTP answer"),
        (speaks(b"HTTP/1.1 abc\r\n\r\n"), "no HTTP answer"),
    ],
)
async def test_every_fault_has_a_name(speak: Speak, fault: str) -> None:
    with serving(speak) as url:
        exchange = await sent(url)
    assert (exchange.fault, exchange.status) == (fault, 0)


@pytest.mark.parametrize(
    ("piece", "late"), [(b"", True), (b"data: {}\n\n", True), (b"data: [DONE]\n\n", False)]
)
async def test_what_came_of_an_answer_without_an_end_is_kept(piece: bytes, late: bool) -> None:
    with serving(speaks(STREAM + b"\r\n" + piece, wait_s=3)) as url:
        exchange = await sent(url)
    assert exchange.fault == "no end of the answer within 1 s"
    assert (exchange.status, exchange.body, exchange.timed_out) == (200, piece, late)


async def test_an_endless_answer_is_cut() -> None:
    with serving(garbage) as url:
        exchange = await sent(url)
    assert ANSWER_BYTES < len(exchange.body) + 1000 < ANSWER_BYTES + 100_000


async def test_nothing_there_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        await sent(f"http://127.0.0.1:{free_port()}/v1")
