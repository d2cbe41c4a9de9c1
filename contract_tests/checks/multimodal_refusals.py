"""Images, sounds and files that a server must refuse, and URLs that it must not fetch."""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contract_tests.check import MUST, SHOULD, Level, check
from contract_tests.checks.multimodal import IMAGES, PART, Part, image, user
from contract_tests.expect import expect
from contract_tests.samples import AUDIO, CHAT, PNG, data_uri, png
from contract_tests.server import Server, refusal
from contract_tests.sources import live, peer, rfc, spec
from contract_tests.verdict import Uncooperative

INVALID = (400, 403, 404, 415, 422)  # the official document names no status
PICTURE = png(64, 64, (200, 30, 30))
OWASP = rfc("OWASP API Security Top 10 2023, API7: server-side request forgery")
AUDIOS, FILES = ("chat.audio",), ("chat.file",)


def _refused(
    name: str, level: Level, rule: str, parts: Iterable[Part], needs: tuple[str, ...], *said: Any
) -> Any:
    @check(f"multimodal.{name}", level, rule, *said, needs=needs)
    async def refused(server: Server) -> None:
        for part in parts:
            body = server.chat_body(user(part))
            await server.refuses(CHAT, body, status=INVALID)

    return refused


malformed = _refused(
    "image.malformed_url",
    SHOULD,
    "An image that is neither a URL nor a whole data URI is refused.",
    [image("data:image/png;base64"), image("no picture"), image("")],
    IMAGES,
    rfc("RFC 2397 §3"),
    peer("llama.cpp", "test_vision_chat_completion"),
)
bad_base64 = _refused(
    "image.bad_base64",
    SHOULD,
    "An image whose base64 cannot be decoded is refused.",
    [image("data:image/png;base64,!!!no base64!!!")],
    IMAGES,
    rfc("RFC 4648 §3.3"),
    peer("llama.cpp", "test_vision_chat_completion"),
)
no_image = _refused(
    "image.not_an_image",
    SHOULD,
    "Bytes that are no image are refused.",
    [image(data_uri("image/png", b"These bytes are plain text.")), image("data:image/png;base64,")],
    IMAGES,
    live("invalid_image_format"),
)
unknown_detail = _refused(
    "image.unknown_detail",
    SHOULD,
    "An unknown `detail` is refused.",
    [image(PNG, detail="microscopic")],
    IMAGES,
    spec(f"{PART}Image/properties/image_url/properties/detail/enum"),
)
no_url = _refused(
    "image.no_url",
    MUST,
    "An image part without a `url` is refused.",
    [{"type": "image_url", "image_url": {}}],
    ("chat",),
    spec(f"{PART}Image/properties/image_url/required"),
)
audio_format = _refused(
    "audio.unknown_format",
    SHOULD,
    "A sound of an unknown `format` is refused.",
    [{**AUDIO, "input_audio": {**AUDIO["input_audio"], "format": "cassette"}}],
    AUDIOS,
    spec(f"{PART}Audio/properties/input_audio/properties/format/enum"),
)
audio_base64 = _refused(
    "audio.bad_base64",
    SHOULD,
    "A sound whose base64 cannot be decoded is refused.",
    [{**AUDIO, "input_audio": {"data": "!!!no base64!!!", "format": "wav"}}],
    AUDIOS,
    rfc("RFC 4648 §3.3"),
)
empty_file = _refused(
    "file.empty",
    SHOULD,
    "A file part with neither data nor an id is refused.",
    [{"type": "file", "file": {"filename": "note.txt"}}],
    FILES,
    spec(f"{PART}File/properties/file/properties"),
)
unknown_file = _refused(
    "file.unknown_id",
    SHOULD,
    "The id of a file that was never uploaded is refused.",
    [{"type": "file", "file": {"file_id": "file-nosuchfile2f1c"}}],
    FILES,
    spec(f"{PART}File/properties/file/properties/file_id"),
)


# --- files and addresses of the server's own machine ---


@check(
    "multimodal.url.file",
    SHOULD,
    "A file:// URL is refused, and a path too.",
    peer("llama.cpp", "test_local_media_file"),
    OWASP,
    needs=IMAGES,
)
async def local_file(server: Server) -> None:
    with _picture() as picture:
        roundabout = f"file://{picture.parent}/../{picture.parent.name}/{picture.name}"
        for url in (picture.as_uri(), roundabout, str(picture)):
            body = server.chat_body(user(image(url)))
            answer = await server.post(CHAT, body)
            wanted = "a refusal, for nothing tells whether it was read"
            expect(not answer.ok, wanted, answer.brief())
            refusal(answer, INVALID)


@contextmanager
def _picture() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.png")
        picture.write_bytes(PICTURE)
        yield picture


async def _fetches(server: Server, hosts: Iterable[str]) -> list[str]:
    """The hosts, all spellings of this machine, from which the server fetched a picture."""
    if not _is_here(server.target.url):
        raise Uncooperative("only a server on this machine can be watched as it fetches")
    asked: list[str] = []
    fetched: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fetched.append(asked[-1])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {len(PICTURE)}"
        with suppress(OSError):
            await reader.read(4096)
            writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + PICTURE)
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        for host in hosts:
            asked.append(host)
            body = server.chat_body(user(image(f"http://{host}:{port}/picture.png")))
            await server.post(CHAT, body)
    return sorted(set(fetched))


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _unfetched(name: str, rule: str, hosts: tuple[str, ...]) -> Any:
    @check(f"multimodal.url.{name}", SHOULD, rule, OWASP, needs=IMAGES)
    async def unfetched(server: Server) -> None:
        fetched = await _fetches(server, hosts)
        expect(not fetched, "no request to the server's own machine", f"requests to {fetched}")

    return unfetched


loopback = _unfetched(
    "loopback",
    "A loopback URL is not fetched.",
    ("127.0.0.1", "localhost"),
)
loopback_spelled = _unfetched(
    "loopback_spelled",
    "A loopback URL is not fetched, however its address is spelled.",
    ("2130706433", "0x7f.1", "0.0.0.0", "[::ffff:127.0.0.1]"),  # noqa: S104 - an address to ask
)


@check(
    "multimodal.url.metadata",
    SHOULD,
    "The URL of a cloud's metadata service is refused or left alone, without a server error.",
    OWASP,
    needs=IMAGES,
)
async def metadata(server: Server) -> None:
    url = "http://169.254.169.254/latest/meta-data/"
    answer = await server.post(CHAT, server.chat_body(user(image(url))))
    quiet = answer.fault is None and answer.status < 500
    expect(quiet, "a 4xx, or an answer without the image", answer.brief())
