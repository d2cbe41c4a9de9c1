"""Load by streams: as many at a time as there are connections, each read to its end."""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import exchange
from exchange import AnswerError
from process import Running

SETTLED_S = 0.05


@dataclass(frozen=True)
class Streams:
    """What one load by streams asks for: the same stream, so many times, over each connection."""

    connections: int
    each: int
    body: bytes
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Played:
    """One load by streams: what it took of the server, and whether every stream was whole."""

    cpu_s: float
    failure: str | None


def play(server: Running, streams: Streams) -> Played:
    """The load; the answers are looked at only after it has ended."""
    before_s = server.cpu_s()
    with ThreadPoolExecutor(streams.connections) as threads:
        asked = [threads.submit(_read, server.port, streams) for _ in range(streams.connections)]
        try:
            answers = list(chain.from_iterable(one.result() for one in asked))
        except (OSError, http.client.HTTPException, AnswerError) as error:
            return Played(0, f"{type(error).__name__}: {error}")
    time.sleep(SETTLED_S)
    cpu_s = server.cpu_s() - before_s
    return Played(cpu_s, next(filter(None, (_fault(one, streams.text) for one in answers)), None))


def _read(port: int, streams: Streams) -> list[bytes]:
    connection = http.client.HTTPConnection(exchange.HOST, port, timeout=exchange.TIMEOUT_S)
    answers = []
    try:
        for _ in range(streams.each):
            connection.request("POST", exchange.PATH, streams.body, streams.headers)
            response = connection.getresponse()
            answers.append(response.read())
            if response.status != http.client.OK:
                raise AnswerError(f"{response.status}: {answers[-1][:200]!r}")
    finally:
        connection.close()
    return answers


def _fault(answer: bytes, text: str) -> str | None:
    try:
        got = "".join(exchange.stream_texts(answer))
    except AnswerError as error:
        return str(error)
    if got != text:
        return f"a stream of {len(got)} characters instead of {len(text)}: {answer[-100:]!r}"
    return None if b"[DONE]" in answer else "a stream without [DONE]"
