"""A small HTTP proxy on loopback: it notes what it is asked for, and leads all to one port."""

import asyncio
import contextlib

from tests.loopback import LoopbackServer

REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"


class LoopbackProxy(LoopbackServer):
    """Hands requests on to a port of this machine, whatever host they are meant for.

    With `credentials` (`user:password` in base64), it asks each request for them.
    """

    def __init__(self, target_port: int, credentials: str | None = None) -> None:
        super().__init__()
        self.asked: list[str] = []  # "CONNECT host:port", "POST http://host/path"
        self._target_port = target_port
        self._credentials = credentials

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                await self._exchange(reader, writer)
            finally:
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.decode("latin-1").partition("\r\n")
        method, target, version = line.split(" ")
        self.asked.append(f"{method} {target}")
        lines = [one for one in rest.split("\r\n") if one]
        admitted = f"proxy-authorization: basic {self._credentials}".lower()
        if self._credentials and admitted not in [one.lower() for one in lines]:
            writer.write(REFUSAL)
            await writer.drain()
            return
        upstream, out = await asyncio.open_connection("127.0.0.1", self._target_port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            path = "/" + target.split("/", 3)[3]
            out.write("\r\n".join([f"{method} {path} {version}", *lines, "", ""]).encode())
        try:
            await asyncio.gather(_pump(reader, out), _pump(upstream, writer))
        finally:
            out.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
