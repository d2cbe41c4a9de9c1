"""Request bodies in gzip, deflate and zstd: decoded within the limit, or refused by name."""

import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from backports import zstd

from tests.adapter.envelope import CHAT, error_of
from tests.adapter.watching import PATH, answer, request
from tests.server import Serve, Server, start

GOOD = json.dumps(CHAT).encode()
MB = 1_000_000
UNSUPPORTED = "unsupported_content_encoding"
ZSTD_WINDOW = zstd.CompressionParameter.window_log


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd_stream(data: bytes) -> bytes:
    """As a client writes that does not know the length beforehand."""
    packer = zstd.ZstdCompressor()
    return packer.compress(data[:9]) + packer.compress(data[9:]) + packer.flush()


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("zstd", zstd.compress),
    ("zstd", zstd_stream),
    ("identity", bytes),
    ("", bytes),
    ("gzip, zstd", lambda data: zstd.compress(gzip.compress(data))),
    ("deflate,identity , gzip", lambda data: gzip.compress(zlib.compress(data))),
    ("gzip", lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:])),
    ("zstd", lambda data: zstd.compress(data[:20]) + zstd.compress(data[20:])),
]
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", CHAT | {"stream": True}),
    ("/v1/completions", {"model": "gpt-4o", "prompt": "a"}),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}),
    ("/v1/moderations", {"input": "a"}),
    ("/v1/tokenize", {"model": "gpt-4o", "prompt": "a"}),
    ("/v1/detokenize", {"model": "gpt-4o", "tokens": [72]}),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(tmp_path_factory.mktemp("small"), MAX_BODY_MB="1")
    yield server
    server.stop()


def coded(http: httpx.Client, coding: str, content: bytes, path: str = PATH) -> httpx.Response:
    headers = {"content-type": "application/json", "content-encoding": coding}
    return http.post(path, content=content, headers=headers)


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_a_coded_body_is_read(
    http: httpx.Client, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    text = "日本語 " * 4000
    body = CHAT | {"messages": [{"role": "user", "content": text}], "max_tokens": 20_000}
    read = coded(http, coding, encode(json.dumps(body).encode()))
    assert read.status_code == 200
    assert read.json()["choices"][0]["message"]["content"].strip() == text.strip()


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_every_endpoint_reads_it(http: httpx.Client, path: str, body: dict[str, Any]) -> None:
    assert coded(http, "gzip", gzip.compress(json.dumps(body).encode()), path).status_code == 200


def test_several_header_lines_are_one_list(http: httpx.Client) -> None:
    lines = [(b"content-encoding", b"deflate"), (b"content-encoding", b"gzip")]
    content = gzip.compress(zlib.compress(GOOD))
    assert http.post(PATH, content=content, headers=lines).status_code == 200


def test_a_body_in_many_small_chunks(mock: Server) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
    head += "Transfer-Encoding: chunked\r\n\r\n"
    whole = gzip.compress(GOOD)
    with mock.connect() as connection:
        connection.sendall(head.encode())
        for byte in whole:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\n\r\n")
        assert answer(connection)[0].status == 200


@pytest.mark.parametrize("coding", ["br", "compress", "utf-8", "gzip, br", "x" * 500, "gzip;q=1"])
def test_another_coding_is_415_naming_it(http: httpx.Client, coding: str) -> None:
    refused = coded(http, coding, GOOD)
    assert refused.status_code == 415
    error = error_of(refused)
    assert coding.rsplit(",", maxsplit=1)[-1].strip()[:40] in error["message"]
    assert error["code"] == UNSUPPORTED
    assert refused.headers["accept-encoding"] == "gzip, deflate, zstd"


def test_no_more_codings_than_a_few(http: httpx.Client) -> None:
    content = GOOD
    for _ in range(20):
        content = gzip.compress(content)
    refused = coded(http, ",".join(["gzip"] * 20), content)
    assert (refused.status_code, error_of(refused)["code"]) == (415, UNSUPPORTED)


def test_a_request_without_a_body_has_no_coding(http: httpx.Client) -> None:
    for coding in ("gzip", "utf-8"):
        headers = {"content-encoding": coding}
        for path in ("/v1/models", "/health"):
            assert http.get(path, headers=headers).status_code == 200
        empty = http.post(PATH, headers=headers)
        assert (empty.status_code, error_of(empty)["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        *((coding, GOOD) for coding in ("gzip", "deflate", "zstd")),
        *((coding, b"\x00" * 99) for coding in ("gzip", "deflate", "zstd")),
        ("gzip", gzip.compress(GOOD)[:-9]),
        ("gzip", gzip.compress(GOOD)[:-1]),
        ("gzip", gzip.compress(GOOD)[:-8] + b"\x00" * 8),
        ("gzip", gzip.compress(GOOD) + b"more"),
        ("gzip", zlib.compress(GOOD)),
        ("deflate", zlib.compress(GOOD)[:-5]),
        ("deflate", gzip.compress(GOOD)),
        ("zstd", zstd.compress(GOOD)[:-1]),
        ("zstd", zstd.compress(GOOD) + b"more"),
        ("gzip, zstd", zstd.compress(GOOD)),
        ("gzip, zstd", zstd.compress(gzip.compress(GOOD)[:-3])),
    ],
    ids=lambda value: value if isinstance(value, str) else "body",  # gzip's bytes hold the time
)
def test_what_is_not_in_its_coding_is_400(http: httpx.Client, coding: str, content: bytes) -> None:
    refused = coded(http, coding, content)
    assert refused.status_code == 400
    error = error_of(refused)
    assert error["code"] == "invalid_content_encoding"
    assert any(name in error["message"] for name in coding.split(", "))
    assert http.post(PATH, json=CHAT).status_code == 200


def test_a_window_that_is_not_for_the_web_is_refused(http: httpx.Client) -> None:
    packer = zstd.ZstdCompressor(options={ZSTD_WINDOW: 27})
    content = packer.compress(GOOD) + packer.flush()
    refused = coded(http, "zstd", content)
    assert refused.status_code == 400
    assert "8 MB" in error_of(refused)["message"]


EMPTY = gzip.compress(b"") * 5000


def packed(coding: str, unit: bytes, times: int) -> bytes:
    """A unit repeated, in a coding."""
    packer: Any = zstd.ZstdCompressor(1) if coding == "zstd" else zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(unit) for _ in range(times)) + bytes(packer.flush())


BOMBS: list[tuple[str, Callable[[], bytes]]] = [
    ("gzip", lambda: packed("gzip", b" " * MB, 200)),
    ("deflate", lambda: raw_deflate(b"[" * 50 * MB)),
    ("zstd", lambda: packed("zstd", b"0" * MB, 1000)),
    ("gzip, gzip", lambda: gzip.compress(packed("gzip", b"0" * MB, 200))),
    # What it comes to in the end is empty.
    ("gzip, zstd", lambda: packed("zstd", EMPTY, 1000)),
    ("gzip", lambda: EMPTY * 20),
    ("gzip", lambda: gzip.compress(b" " * (MB + 1))),
]


@pytest.mark.parametrize(("coding", "bomb"), BOMBS)
def test_a_bomb_is_413_in_bounded_memory(
    small: Server, coding: str, bomb: Callable[[], bytes]
) -> None:
    content = bomb()
    before_kb = peak_kb(small)
    with small.http() as http:
        began_s = time.monotonic()
        refused = coded(http, coding, content)
        assert time.monotonic() - began_s < 10
        assert refused.status_code == 413
        assert "1 MB" in error_of(refused)["message"]
        assert coded(http, "gzip", gzip.compress(GOOD)).status_code == 200
    assert peak_kb(small) - before_kb < 32_000


def peak_kb(server: Server) -> int:
    """The most memory that the server has had so far."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def test_the_limit_holds_to_the_byte(small: Server) -> None:
    with small.http() as http:
        for size, status in ((MB, 200), (MB + 1, 413)):
            content = GOOD + b" " * (size - len(GOOD))
            for coding, encode in (("gzip", gzip.compress), ("zstd", zstd.compress)):
                assert coded(http, coding, encode(content)).status_code == status


def test_a_connection_lives_on_after_a_refusal(small: Server) -> None:
    for coding, content, status in (
        ("br", b"x" * 500_000, 415),
        ("gzip", b"x" * 500_000, 400),
        ("gzip", gzip.compress(b" " * 9 * MB), 413),
    ):
        with small.connect() as connection:
            connection.sendall(request(content, f"Content-Encoding: {coding}"))
            assert answer(connection)[0].status == status
            connection.sendall(request(CHAT))
            assert answer(connection)[0].status == 200


def test_others_are_answered_while_a_large_body_is_decoded(serve: Serve) -> None:
    server = serve(MAX_BODY_MB="400")
    content = packed("gzip", b" " * MB, 401)
    statuses = []

    def send() -> None:
        with server.http() as http:
            statuses.append(coded(http, "gzip", content).status_code)

    sending = threading.Thread(target=send)
    answered = 0
    with server.http() as http:
        http.get("/health")
        sending.start()
        while sending.is_alive():
            answered += http.get("/health").status_code == 200
    assert statuses == [413]
    assert answered > 10


def test_no_key_no_decoding(serve: Serve) -> None:
    server = serve(ENABLE_AUTH="1", API_KEY_SECRET="sk-a")
    with server.http() as http:
        assert coded(http, "br", GOOD).status_code == 401
