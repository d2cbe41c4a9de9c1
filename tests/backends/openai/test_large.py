"""Large answers: bytes as they come and no faster than they are read; events within a bound."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from backends.protocol.errors import BackendUnavailable
from backends.upstream.events import WholeEvents
from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import DONE, FIRST, LAST, PATH, STREAMED, last_error
from tests.backends.openai.wicked import CLOSE, END, Wicked, chunk, head, stream, whole
from tests.server import Server, start

MB = 1_000_000
SOUND = ("content-type", "audio/mpeg")
CHUNKED = ("transfer-encoding", "chunked")
SPEECH = "/v1/audio/speech"
SAY = {"model": "tts", "input": "Hi"}
FAR_BELOW_ALL_MB = 80


@pytest.fixture(scope="module")
def everything(wicked: Wicked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A passthrough of every path, with a bound of 16 MB for an event."""
    server = start(
        tmp_path_factory.mktemp("large"),
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY="k",
        OPENAI_MODELS="*",
        UPSTREAM_MAX_EVENT_MB="16",
        PASSTHROUGH_ALL="true",
        MAX_BODY_MB="500",
    )
    yield server
    server.stop()


@pytest.fixture
def http(everything: Server) -> Iterator[httpx.Client]:
    with everything.http() as client:
        yield client


def memory_mb(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


def test_bytes_come_as_the_upstream_sends_them(wicked: Wicked, http: httpx.Client) -> None:
    for path, body in ((SPEECH, SAY), ("/v1/images/generations", {"model": "i", "prompt": "a"})):
        wicked.answer([head(200, SOUND, CHUNKED), chunk(b"one"), 30.0])
        with http.stream("POST", path, json=body) as answer:
            assert next(answer.iter_raw()) == b"one"
            assert answer.headers["content-type"] == "audio/mpeg"
        assert wicked.asked[0].gone.wait(5)
    wicked.answer([whole(b"onetwo", SOUND, length=6)[:-3], 30.0])
    with http.stream("GET", "/v1/files/f/content") as answer:
        assert next(answer.iter_raw()) == b"one"
        assert answer.headers["content-length"] == "6"


def test_bytes_that_break_off_are_seen_to(wicked: Wicked, http: httpx.Client) -> None:
    for start_of_it in (head(200, SOUND, CHUNKED) + chunk(b"one"), whole(b"one", SOUND, length=6)):
        wicked.answer([start_of_it, 0.1, CLOSE])
        with pytest.raises(httpx.RemoteProtocolError):
            http.post(SPEECH, json=SAY)
    wicked.answer([head(200, SOUND, CHUNKED), CLOSE])
    answer = http.post(SPEECH, json=SAY)
    assert answer.status_code == 503
    error_of(answer)


def test_a_reader_that_stops_stops_the_upstream(
    wicked: Wicked, http: httpx.Client, everything: Server
) -> None:
    piece = bytes(MB)
    wicked.answer([head(200, SOUND, CHUNKED), *[chunk(piece)] * 200, END])
    before = memory_mb(everything)
    with http.stream("POST", SPEECH, json=SAY) as answer:
        pieces = answer.iter_raw()
        got = len(next(pieces))
        time.sleep(2)
        assert memory_mb(everything) - before < FAR_BELOW_ALL_MB
        got += sum(map(len, pieces))
    assert got == 200 * MB
    assert memory_mb(everything) - before < FAR_BELOW_ALL_MB


def test_a_large_event_passes_and_others_are_answered_beside(
    wicked: Wicked, http: httpx.Client, everything: Server
) -> None:
    event = b'data: {"choices":[],"image":"' + b"a" * 12 * MB + b'"}\n\n'
    pieces = [chunk(event[n : n + 50_000]) for n in range(0, len(event), 50_000)]
    wicked.answer([stream(), chunk(FIRST), *pieces, chunk(LAST + DONE), END])
    got: list[bytes] = []
    asking = threading.Thread(
        target=lambda: got.append(http.post(PATH, json=STREAMED).content), daemon=True
    )
    asking.start()
    longest_s = 0.0
    with everything.http() as other:
        while asking.is_alive():
            since_s = time.monotonic()
            assert other.get("/health").status_code == 200
            longest_s = max(longest_s, time.monotonic() - since_s)
    assert got == [FIRST + event + LAST + DONE]
    assert longest_s < 2  # a few hundredths, where nothing else runs


def test_an_event_above_the_bound_is_an_error(wicked: Wicked, http: httpx.Client) -> None:
    event = b'data: {"choices":[],"image":"' + b"a" * 17 * MB + b'"}\n\n'
    pieces = [chunk(event[n : n + MB]) for n in range(0, len(event), MB)]
    wicked.answer([stream(), chunk(FIRST), *pieces, END])
    answer = http.post(PATH, json=STREAMED)
    assert "16 MB" in last_error(answer.content)["message"]
    wicked.answer([stream(), *pieces, END])
    answer = http.post(PATH, json=STREAMED)
    assert answer.status_code == 503
    assert "16 MB" in error_of(answer)["message"]


async def test_cutting_costs_as_much_as_there_are_bytes() -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(0, 12 * MB, size):
            yield bytes(size)
        yield b"\r\n\r"
        yield b"\n"

    since_s = time.monotonic()
    events = [one async for one in WholeEvents(pieces(500), max_bytes=16 * MB)]
    # Were each piece joined to all before it, 140 GB would be copied.
    assert time.monotonic() - since_s < 5
    assert [len(one) for one in events] == [12 * MB + 4]
    with pytest.raises(BackendUnavailable):
        _ = [one async for one in WholeEvents(pieces(500), max_bytes=MB)]
