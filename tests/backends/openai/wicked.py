"""A raw HTTP server in a thread, which answers exactly the bytes, pauses and breaks it is told."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import LoopbackServer

CLOSE = "close"
RESET = "reset"
Step = bytes | float | str  # what to send, how long to wait, how to end
JSON_TYPE = ("content-type", "application/json")
SSE_TYPE = ("content-type", "text/event-stream")


@dataclass
class Asked:
    """A request as it came in; `gone` is set when its connection is closed by the other side."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    gone: threading.Event = field(default_factory=threading.Event)

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name]
        assert len(found) <= 1, found
        return found[0] if found else None


def head(status: int, *headers: tuple[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def whole(
    body: bytes, *headers: tuple[str, str], status: int = 200, length: int | None = None
) -> bytes:
    """An answer in one piece, whose length may be a lie."""
    size = ("content-length", str(len(body) if length is None else length))
    kind = () if any(name == "content-type" for name, _ in headers) else (JSON_TYPE,)
    return head(status, *kind, size, *headers) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream(*headers: tuple[str, str]) -> bytes:
    """The head of a chunked event stream."""
    return head(200, SSE_TYPE, ("transfer-encoding", "chunked"), *headers)


END = chunk(b"")


class Wicked(LoopbackServer):
    """The server. `answers` are taken in turn, each a list of steps; the last one serves on."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.asked: list[Asked] = []
        self.connections = 0
        self._answers: list[Sequence[Step]] = []

    def answer(self, *answers: Sequence[Step]) -> None:
        self.asked = []
        self.connections = 0
        self._answers = list(answers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = [tuple(line.split(": ", 1)) for line in lines[1:] if line]
        asked = Asked(method, target, headers, b"")  # type: ignore[arg-type]
        if length := asked.header("content-length"):
            asked.body = await reader.readexactly(int(length))
        self.asked.append(asked)
        steps = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await self._take(steps, asked, reader, writer)

    async def _take(
        self,
        steps: Sequence[Step],
        asked: Asked,
        reader: asyncio.StreamReader,
        writer: Any,
    ) -> bool:
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step == RESET:
                writer.transport.abort()
                return False
            elif step == CLOSE:
                return False
            elif isinstance(step, float):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(step):
                        while not (reader.at_eof() or reader.exception()):  # noqa: ASYNC110 - has no event
                            await asyncio.sleep(0.01)
                        asked.gone.set()
                        return False
        return True
