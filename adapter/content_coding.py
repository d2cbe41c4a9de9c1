"""Request bodies that are sent compressed: decoded as they arrive, before anybody reads them.

Source: RFC 9110 §8.4; RFC 9659 for the window of zstd.
"""

import asyncio
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backends.protocol.errors import BadRequestError, RequestTooLarge, UnsupportedCoding

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

MOST_CODINGS = 4
# What one step of decoding takes and gives at most: about a millisecond of work.
SLICE_BYTES = 16_384
PIECE_BYTES = 262_144
WINDOW_LOG = 23  # 8 MB, which RFC 9659 sets as the most for the web
OWN_HEADERS = (b"content-encoding", b"content-length")  # of the body as it was sent


class ContentCoding:
    """Plain ASGI middleware: whoever reads the body reads it decoded."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the exchange on."""
        for name, _ in scope["headers"]:
            if name == b"content-encoding":
                receive = _decoding(scope, receive, self._max_bytes)
                break
        await self._app(scope, receive, send)


def _decoding(scope: Scope, receive: Receive, max_bytes: int) -> Receive:
    """A `receive` of the decoded body; the scope no longer tells that it was encoded."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    listed = b",".join(value for name, value in headers if name == b"content-encoding")
    names = [name.strip() for name in listed.decode("latin-1").lower().split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if not names:
        return receive
    scope["headers"] = [pair for pair in headers if pair[0] not in OWN_HEADERS]
    return _Decoded(receive, names, max_bytes)


class _Decoded:
    """The messages of a body, decoded: a piece of bounded size in each."""

    def __init__(self, receive: Receive, names: list[str], max_bytes: int) -> None:
        self._receive = receive
        self._names = names
        self._body = _Bounded(max_bytes)
        self._decoders: list[_Decoder] | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._received = False  # the last message
        self._given = False  # the last piece

    async def __call__(self) -> Message:
        """The next message.

        Raises:
            UnsupportedCoding: a coding is unknown.
            BadRequestError: the body is not in its coding.
            RequestTooLarge: the body, or what a coding makes of it, is larger than is read.
        """
        if self._given:
            return await self._receive()
        while (piece := next(self._pieces, None)) is None:
            if self._received:
                self._finish()
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._received = not message.get("more_body", False)
            if body := message.get("body", b""):
                self._pieces = self._decode(body)
            await asyncio.sleep(0)  # a message may have been there already
        await asyncio.sleep(0)
        return {"type": "http.request", "body": piece, "more_body": True}

    def _decode(self, body: bytes) -> Iterator[bytes]:
        if self._decoders is None:
            # Not before: without a body its coding does not matter.
            self._decoders = _decoders(self._names, self._body.max_bytes)
        self._body.count(body)
        pieces: Iterable[bytes] = (body,)
        for decoder in self._decoders:
            pieces = decoder.decode(pieces)
        return iter(pieces)

    def _finish(self) -> None:
        self._given = True
        for decoder in self._decoders or ():
            decoder.finish()


class _Bounded:
    """Counts bytes up to a limit."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._left = max_bytes

    def count(self, data: bytes) -> None:
        """Count them.

        Raises:
            RequestTooLarge: they are too many.
        """
        self._left -= len(data)
        if self._left < 0:
            raise RequestTooLarge(f"The body is larger than {self.max_bytes / 1e6:g} MB.")


class _Decompressor(Protocol):
    """What zlib's and zstd's have in common: each decodes one member, or frame."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Decoder:
    """Undoes one coding; what it gives is bounded, so that a bomb costs no more than a body."""

    def __init__(self, name: str, start: Callable[[bytes], _Decompressor], max_bytes: int) -> None:
        self._name = name
        self._start = start
        self._current: _Decompressor | None = None
        self._begun = False
        self._given = _Bounded(max_bytes)

    def decode(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The decoded bytes, in pieces of bounded size."""
        for piece in pieces:
            # A slice at a time, because each member's end copies what follows it.
            for start in range(0, len(piece), SLICE_BYTES):
                yield from self._decode(piece[start : start + SLICE_BYTES])

    def _decode(self, data: bytes) -> Iterator[bytes]:
        more = True
        while data or more:
            if self._current is None:
                self._current = self._start(data)
            try:
                piece = self._current.decompress(data, PIECE_BYTES)
            except (zlib.error, ZstdError, EOFError) as error:
                raise self._refusal() from error
            self._given.count(piece)
            if self._current.eof:
                data, self._current, more = self._current.unused_data, None, False
            else:
                # zstd's keeps what it has not read.
                data = getattr(self._current, "unconsumed_tail", b"")
                more = len(piece) == PIECE_BYTES
            if piece:
                yield piece

    def finish(self) -> None:
        """The body has ended.

        Raises:
            BadRequestError: it is cut short.
        """
        if self._current is not None:
            raise self._refusal()

    def _refusal(self) -> BadRequestError:
        what = "zstd with a window of at most 8 MB" if self._name == "zstd" else self._name
        return BadRequestError(
            f"The body is not what its Content-Encoding says: {what}, complete.",
            code="invalid_content_encoding",
        )


def _gzip(_: bytes) -> _Decompressor:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _deflate(data: bytes) -> _Decompressor:
    # By the standard in zlib's format; some clients leave out its head (RFC 9110 §8.4.1.2).
    has_head = data[0] & 0x0F == zlib.DEFLATED
    return zlib.decompressobj(zlib.MAX_WBITS if has_head else -zlib.MAX_WBITS)


def _zstd(_: bytes) -> _Decompressor:
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: WINDOW_LOG})


_STARTS: dict[str, Callable[[bytes], _Decompressor]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
ACCEPTED = "gzip, deflate, zstd"


def _decoders(names: list[str], max_bytes: int) -> list[_Decoder]:
    """A decoder for each coding, the last one first.

    Raises:
        UnsupportedCoding: one is unknown, or they are too many.
    """
    unknown = next((name for name in names if name not in _STARTS), None)
    if unknown is not None:
        raise UnsupportedCoding(
            f"Unsupported Content-Encoding '{unknown[:100]}': send {ACCEPTED}, or none.",
            accepted=ACCEPTED,
        )
    if len(names) > MOST_CODINGS:
        raise UnsupportedCoding(
            f"Content-Encoding has {len(names)} codings; at most {MOST_CODINGS} are read.",
            accepted=ACCEPTED,
        )
    return [_Decoder(name, _STARTS[name], max_bytes) for name in reversed(names)]
