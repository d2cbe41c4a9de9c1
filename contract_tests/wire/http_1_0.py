"""A client of HTTP/1.0: it knows no chunks, and an answer without a length ends its connection."""

import asyncio
import re
import ssl
from urllib.parse import urlsplit

from contract_tests.verdict import Unreachable
from contract_tests.wire.client import WHOLE
from contract_tests.wire.ending import has_said_all
from contract_tests.wire.exchange import Exchange

ANSWER_BYTES = 16_000_000
PIECE_BYTES = 65_536
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,12})", re.IGNORECASE)
PORTS = {"http": 80, "https": 443}
VERSION = "1.0"


async def send_http_1_0(
    exchange: Exchange, timeout_s: float, verify: ssl.SSLContext | bool
) -> Exchange:
    """The exchange with its answer; without a length, its body is all that came.

    `timeout_s` is the longest silence; a whole exchange may take four times as long.

    Raises:
        Unreachable: nothing answers at that address.
    """
    exchange.version = VERSION
    received = bytearray()
    try:
        async with asyncio.timeout(timeout_s * WHOLE):
            await _ask(exchange, timeout_s, verify, received)
    except TimeoutError:
        exchange.fault = f"no end of the answer within {timeout_s:g} s"
        exchange.timed_out = True
    except OSError as error:
        exchange.fault = f"the connection broke ({type(error).__name__})"
        return exchange
    _read(exchange, bytes(received))
    exchange.timed_out = exchange.timed_out and not has_said_all(exchange)
    return exchange


def _read(exchange: Exchange, received: bytes) -> None:
    head, end, exchange.body = received.partition(HEAD_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    status = first.split(" ")[1:2]
    if not end or not first.startswith("HTTP/1.") or not status or not status[0].isdigit():
        fault = "no HTTP answer" if received else "closed without an answer"
        exchange.fault = exchange.fault or fault
        return
    exchange.status = int(status[0])
    pairs = [line.partition(":") for line in lines]
    exchange.headers = [(name, value.strip()) for name, _, value in pairs]


async def _ask(
    exchange: Exchange, timeout_s: float, verify: ssl.SSLContext | bool, received: bytearray
) -> None:
    url = urlsplit(exchange.url)
    context = (verify or None) if url.scheme == "https" else None
    try:
        reader, writer = await asyncio.open_connection(
            url.hostname, url.port or PORTS[url.scheme], ssl=context
        )
    except OSError as error:
        raise Unreachable(f"nothing answers at {exchange.url}: {error}") from error
    try:
        target = url.path + (f"?{url.query}" if url.query else "")
        headers = [
            ("Host", url.netloc.rpartition("@")[2]),
            *exchange.request_headers,
            ("Content-Length", str(len(exchange.request_body))),
        ]
        lines = [f"{exchange.method} {target} HTTP/{VERSION}"]
        lines += [f"{name}: {value}" for name, value in headers]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + exchange.request_body)
        await writer.drain()
        await _answer(reader, timeout_s, received)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, timeout_s: float, received: bytearray) -> None:
    piece = b"-"
    while piece and len(received) <= ANSWER_BYTES and not _is_whole(received):
        async with asyncio.timeout(timeout_s):
            piece = await reader.read(PIECE_BYTES)
        received += piece


def _is_whole(received: bytearray) -> bool:
    """Whether an answer that tells its length has that length: it may leave its connection open."""
    end = received.find(HEAD_END)
    told = LENGTH.search(received, 0, max(end, 0))
    return told is not None and len(received) >= end + len(HEAD_END) + int(told.group(1))
