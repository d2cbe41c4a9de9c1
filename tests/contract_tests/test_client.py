"""The HTTP client: every wait has an end, every body a limit, every fault a name."""

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack

import pytest

from contract_tests.verdict import Unreachable
from contract_tests.wire.client import LINGER_S, Client, Until
from contract_tests.wire.exchange import Exchange
from tests.contract_tests.bad_servers import (
    HEAD,
    Speak,
    closes,
    dribbles,
    garbage,
    hangs,
    not_http,
    page,
    serving,
)
from tests.contract_tests.tiny_apps import Reply, refusal, running, says
from tests.server import free_port

SOON_S = 1.5
STREAM = HEAD % b"text/event-stream"
DONES = {
    "lf": b"data: [DONE]\n\n",
    "no space": b"data:[DONE]\n\n",
    "crlf": b"data: [DONE]\r\n\r\n",
    "crlf, no space": b"data:[DONE]\r\n\r\n",
    "cr": b"data: [DONE]\r\r",
    "cr, no space": b"data:[DONE]\r\r",
}


def speaks(*pieces: bytes, wait_s: float = 0.0) -> Speak:
    """Those pieces, each sent on its own, and then the end of the connection after the wait."""

    def speak(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.02)
        time.sleep(wait_s)

    return speak


def chunk(piece: bytes) -> bytes:
    """A piece in the chunked coding."""
    return b"%x\r\n%s\r\n" % (len(piece), piece)


async def sent(url: str, timeout_s: float = 1.0, until: Until | None = None) -> Exchange:
    """A GET of that URL with its answer."""
    client = Client(timeout_s)
    try:
        return await client.send(Exchange("GET", url, [], b""), until)
    finally:
        await client.aclose()


async def heard(speak: Speak, timeout_s: float = 1.0, until: Until | None = None) -> Exchange:
    """What the client makes of a server that speaks so; soon, whatever it says."""
    began_s = time.monotonic()
    with serving(speak) as url:
        answer = await sent(url, timeout_s, until)
        assert time.monotonic() - began_s < SOON_S
    return answer


async def test_an_answer_is_kept_as_it_came() -> None:
    headers = {"x-twice": "1", "X-Request-Id": "r"}
    with running(says(Reply(content=b'{"a": "\xc3\xa9"}', status=201, headers=headers))) as here:
        answer = await sent(here.url)
    assert (answer.status, answer.ok, answer.fault) == (201, True, None)
    assert answer.json == {"a": "é"}
    assert answer.header("x-request-id") == "r"
    assert answer.media_type == "application/json"
    assert answer.arrivals[-1][1] == len(answer.body)
    assert 0 < answer.arrivals[0][0] <= answer.duration_s


async def test_headers_that_come_twice_are_both_kept() -> None:
    answer = await heard(speaks(STREAM + b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"))
    assert answer.headers_of("set-cookie") == ["a=1", "b=2"]


async def test_a_body_closed_midway_is_a_fault_and_what_came_is_kept() -> None:
    answer = await heard(speaks(HEAD % b"application/json" + b"Content-Length: 50\r\n\r\n", b'{"a'))
    assert answer.fault
    assert (answer.status, answer.body) == (200, b'{"a')


async def test_a_chunked_body_without_its_end_is_a_fault() -> None:
    head = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = await heard(speaks(head, chunk(b"data: 1\n\n"), chunk(DONES["lf"])))
    assert answer.fault
    assert answer.body == b"data: 1\n\n" + DONES["lf"]


async def test_a_chunk_size_that_is_no_number_is_a_fault() -> None:
    answer = await heard(speaks(STREAM + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n"))
    assert answer.fault


async def test_a_body_that_ends_with_the_connection_is_whole() -> None:
    answer = await heard(speaks(STREAM + b"\r\n", b"data: 1\n\n", DONES["lf"]))
    assert answer.fault is None
    assert answer.body == b"data: 1\n\n" + DONES["lf"]
    times = [at_s for at_s, _ in answer.arrivals]
    assert len(times) >= 2
    assert times == sorted(times)


@pytest.mark.parametrize("speak", [closes, not_http], ids=["closes", "not_http"])
async def test_no_answer_in_http_is_a_fault_without_a_status(speak: Speak) -> None:
    answer = await heard(speak)
    assert answer.fault
    assert answer.status == 0


@pytest.fixture(scope="module")
def lingering() -> dict[str, Exchange]:
    """The answers of servers that keep the connection open after [DONE], all asked at once."""
    heads: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
        "close": (STREAM + b"\r\n", lambda piece: piece),
        "length": (STREAM + b"Content-Length: 5000\r\n\r\n", lambda piece: piece),
        "chunked": (STREAM + b"Transfer-Encoding: chunked\r\n\r\n", chunk),
    }

    speakers = {
        f"{framing}, {end}": speaks(head + framed(b"data: 1\n\n"), framed(done), wait_s=5)
        for framing, (head, framed) in heads.items()
        for end, done in DONES.items()
    }

    async def all_of_them(urls: list[str]) -> list[Exchange]:
        return await asyncio.gather(*(sent(url, LINGER_S * 4) for url in urls))

    with ExitStack() as servers:
        urls = [servers.enter_context(serving(speak)) for speak in speakers.values()]
        return dict(zip(speakers, asyncio.run(all_of_them(urls)), strict=True))


@pytest.mark.parametrize("end", DONES)
@pytest.mark.parametrize("framing", ["close", "length", "chunked"])
def test_a_connection_left_open_after_done_is_a_fault(
    framing: str, end: str, lingering: dict[str, Exchange]
) -> None:
    answer = lingering[f"{framing}, {end}"]
    assert answer.fault is not None
    assert "stayed open" in answer.fault
    assert answer.body == b"data: 1\n\n" + DONES[end]
    assert answer.duration_s - answer.arrivals[-1][0] < LINGER_S + 1


async def test_an_ended_chunked_body_is_whole_though_the_connection_stays() -> None:
    head = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = await heard(speaks(head + chunk(DONES["lf"]) + b"0\r\n\r\n", wait_s=3))
    assert answer.fault is None


async def test_a_body_without_end_is_cut_at_its_limit() -> None:
    answer = await heard(garbage, timeout_s=5)
    assert answer.fault == "more than 16 MB of answer"
    assert len(answer.body) < 20_000_000


async def test_a_small_body_that_unzips_to_a_large_one_is_cut_too() -> None:
    body = gzip.compress(bytes(17_000_000), 1)
    reply = Reply(content=body, headers={"content-encoding": "gzip"})
    with running(says(reply)) as here:
        assert (await sent(here.url)).fault == "more than 16 MB of answer"


async def test_until_hangs_up_as_soon_as_it_is_true() -> None:
    seen: list[bytes] = []

    def until(body: bytes) -> bool:
        seen.append(body)
        return b"two" in body

    gone: list[bool] = []

    def speak(connection: socket.socket) -> None:
        speaks(STREAM + b"\r\n", b"data: one\n\n", b"data: two\n\n")(connection)
        connection.settimeout(1)
        gone.append(connection.recv(1) == b"")

    answer = await heard(speak, until=until)
    assert answer.fault is None
    assert answer.body == b"data: one\n\ndata: two\n\n"
    assert seen == [b"data: one\n\n", answer.body]
    await asyncio.sleep(0.05)
    assert gone == [True]


@pytest.mark.parametrize(
    ("speak", "fault"),
    [
        (hangs, "no answer within 0.2 s"),
        (speaks(STREAM + b"\r\ndata: 1\n\n", wait_s=3), "no more of the answer within 0.2 s"),
    ],
)
async def test_silence_has_an_end(speak: Speak, fault: str) -> None:
    answer = await heard(speak, timeout_s=0.2)
    assert (answer.fault, answer.timed_out) == (fault, True)
    assert 0.15 < answer.duration_s < 0.8


async def test_an_answer_that_dribbles_has_an_end_at_four_times_the_silence() -> None:
    answer = await heard(dribbles, timeout_s=0.25)
    assert (answer.fault, answer.timed_out) == ("no end of the answer within 1 s", True)
    assert answer.body.strip() == b""
    assert 0.9 < answer.duration_s < SOON_S


async def test_silences_are_counted_until_an_answer_comes() -> None:
    client = Client(0.1)
    with serving(hangs) as silent, serving(page) as talks:
        for _ in range(3):
            await client.send(Exchange("GET", silent, [], b""))
        assert client.silences == 3
        await client.send(Exchange("GET", talks, [], b""))
        assert client.silences == 0
    await client.aclose()


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
async def test_a_false_content_encoding_is_a_fault(coding: bytes) -> None:
    head = HEAD % b"application/json" + b"Content-Encoding: " + coding + b"\r\n\r\n"
    answer = await heard(speaks(head + b'{"a": 1}'))
    assert answer.fault
    assert answer.status == 200


async def test_a_redirect_is_not_followed() -> None:
    with running(says(refusal(307, location="/elsewhere"))) as here:
        assert (await sent(here.url)).status == 307
    assert len(here.asked) == 1


async def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="nothing answers at"):
        await sent(f"http://127.0.0.1:{free_port()}/v1")


@pytest.mark.parametrize("url", ["ftp://x/v1", "x", "", "http://"])
async def test_another_kind_of_url_is_unreachable(url: str) -> None:
    with pytest.raises(Unreachable, match=r"is not an http:// or https:// URL"):
        await sent(url)


@pytest.mark.parametrize("url", ["http://[::1/v1", "http://x\x7f/v1", "http://é..x/v1"])
async def test_a_malformed_url_is_a_fault(url: str) -> None:
    assert "cannot be sent" in str((await sent(url)).fault)


async def test_tls_with_a_plain_server_is_unreachable() -> None:
    with serving(page) as url, pytest.raises(Unreachable, match="TLS with"):
        await sent(url.replace("http:", "https:"))


@pytest.fixture
async def talker() -> AsyncIterator[Client]:
    client = Client(1)
    yield client
    await client.aclose()


async def test_every_byte_of_a_request_arrives(talker: Client) -> None:
    body = bytes(range(256)) * 20
    with running(says(Reply())) as here:
        asked = Exchange("POST", here.url + "/a%20b?c=d", [("X-Odd", "a'b\"c")], body)
        await talker.send(asked)
    assert here.asked[0].body == body
    assert here.asked[0].target == "/v1/a%20b?c=d"
    assert here.asked[0].headers["x-odd"] == "a'b\"c"


@pytest.mark.parametrize("key", ["sk-é", "sk-secret\n", "sk-\0secret"], ids=repr)
async def test_a_key_that_no_header_can_hold_is_a_fault_that_hides_it(
    talker: Client, key: str
) -> None:
    with running(says(Reply())) as here:
        asked = Exchange("GET", here.url, [("Authorization", f"Bearer {key}")], b"")
        answer = await talker.send(asked)
    assert "cannot be sent" in str(answer.fault)
    assert "secret" not in str(answer.fault)
    assert not here.asked
