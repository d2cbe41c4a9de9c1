"""Connections, the ways to send a body, and the ways to write a path."""

import gzip
import json
import ssl
from collections.abc import Mapping
from typing import Any

from contract_tests.check import MAY, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.samples import CHAT
from contract_tests.server import Server
from contract_tests.sources import issue, rfc, sdk
from contract_tests.target import THROTTLED
from contract_tests.verdict import Unsupported
from contract_tests.wire.client import Client
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.http_1_0 import send_http_1_0

KEEPS_THE_BODY = (307, 308)
LENGTH_REQUIRED = 411
SWITCHES = 101
UNSUPPORTED_CODING = 415
NO_SUCH_VERSION = (426, 505)
H2C = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAEAAEAAAAIAAAAB",
}
CHUNKLESS = "nginx by default towards its upstreams, and ab: sizes of chunks stand in the text"
JOINS = "litellm, Open WebUI and editors join a base URL and a path in both ways"


def _verify(server: Server) -> ssl.SSLContext | bool:
    # Reading the certificates takes longer than the check.
    return server.target.verify if server.target.url.startswith("https:") else False


class _Line:
    """A client of its own, whose requests follow each other on one connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client = Client(server.target.timeout_s, _verify(server))

    async def __aenter__(self) -> "_Line":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        exchange = self._server.target.exchange(method, path, content, headers)
        self._server.exchanges.append(exchange)
        return (await self._client.send(exchange)).in_time()

    async def chats(self) -> None:
        _answers(await self.send("POST", CHAT, _chat(self._server)))


def _chat(server: Server) -> bytes:
    return json.dumps(server.chat_body()).encode()


def _answers(answer: Exchange) -> None:
    cooperate(answer.status != THROTTLED, "the server throttles")
    expect(answer.fault is None and answer.status == 200, "200", answer.brief())
    at(answer.json, "choices", of=list)


@check(
    "http.connection.reuse",
    SHOULD,
    "A second request on the same connection is answered like the first.",
    rfc("RFC 9112 §9.3"),
    sdk("httpx keeps connections open"),
    needs="chat",
    clients="every SDK: connection errors from the second call on",
)
async def reuse(server: Server) -> None:
    async with _Line(server) as line:
        await line.chats()
        await line.chats()


@check(
    "http.connection.after_refusal",
    SHOULD,
    "A request after a refused one on the same connection is answered as ever.",
    rfc("RFC 9112 §9.3"),
    sdk("httpx keeps connections open"),
    needs="chat",
    clients="every SDK: one wrong call spoils the next right one",
)
async def after_refusal(server: Server) -> None:
    body = _chat(server)
    async with _Line(server) as line:
        # The body of the second one is never read by a server that looks at the path alone.
        for path, content in ((CHAT, body[:-9]), ("/no/such/path", body)):
            refused = await line.send("POST", path, content)
            expect(refused.fault is None, "an answer", refused.brief())
            await line.chats()


@check(
    "http.request.chunked",
    SHOULD,
    "A request body may come in chunks, without a length.",
    rfc("RFC 9112 §7.1"),
    needs="chat",
    clients="clients and proxies that stream the request",
)
async def chunked(server: Server) -> None:
    async with _Line(server) as line:
        headers = {"Transfer-Encoding": "chunked"}
        answer = await line.send("POST", CHAT, _chat(server), headers)
    if answer.status == LENGTH_REQUIRED:
        raise Unsupported("the server asks for a length, as RFC 9112 allows")
    _answers(answer)


@check(
    "http.request.expect",
    SHOULD,
    "A request with `Expect: 100-continue` is answered.",
    rfc("RFC 9110 §10.1.1"),
    needs="chat",
    clients="curl sends it with large bodies, .NET with many",
)
async def expect_continue(server: Server) -> None:
    _answers(await server.post(CHAT, server.chat_body(), headers={"Expect": "100-continue"}))


@check(
    "http.request.h2c",
    SHOULD,
    "A request that offers HTTP/2 by `Upgrade: h2c` is answered in HTTP/1.1, its body read.",
    rfc("RFC 9110 §7.8"),
    issue("Kludex/uvicorn#2722"),
    needs="chat",
    clients="Java's HttpClient by default, and with it langchain4j and Spring AI; `curl --http2`",
)
async def h2c(server: Server) -> None:
    answer = await server.post(CHAT, server.chat_body(), headers=H2C)
    if answer.status == SWITCHES:
        raise Unsupported("the server speaks HTTP/2")
    _answers(answer)


async def _in_gzip(server: Server, content: bytes) -> Exchange:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return await server.send("POST", CHAT, content=content, headers=headers)


@check(
    "http.request.gzip",
    SHOULD,
    "A request body in gzip is read, or refused with 415.",
    rfc("RFC 9110 §8.4"),
    rfc("RFC 9110 §15.5.16"),
    needs="chat",
    clients="clients and proxies that compress what they send: the refusal speaks of bad JSON",
)
async def gzipped(server: Server) -> None:
    answer = await _in_gzip(server, gzip.compress(_chat(server), mtime=0))
    if answer.status == UNSUPPORTED_CODING:
        raise Unsupported("the server refuses gzip, as RFC 9110 allows")
    _answers(answer)


@check(
    "http.request.gzip_broken",
    SHOULD,
    "A body that is cut short within its gzip is a 4xx.",
    rfc("RFC 9110 §15.5"),
    needs="chat",
    clients="an upload that broke off is taken for the server's fault, and is sent again",
)
async def gzip_broken(server: Server) -> None:
    packed = gzip.compress(_chat(server), mtime=0)
    answer = await _in_gzip(server, packed[: len(packed) // 2])
    cooperate(answer.status != THROTTLED, "the server throttles")
    expect(answer.fault is None and 400 <= answer.status < 500, "4xx", answer.brief())


async def _to_http_1_0(server: Server, **params: Any) -> Exchange:
    """The answer that a client of HTTP/1.0 gets, which has no chunks."""
    content = json.dumps(server.chat_body(**params)).encode()
    exchange = server.target.exchange("POST", CHAT, content)
    server.exchanges.append(exchange)
    answer = await send_http_1_0(exchange, server.target.timeout_s, _verify(server))
    answer.in_time()
    if answer.status in NO_SUCH_VERSION:
        raise Unsupported("the server refuses HTTP/1.0")
    cooperate(answer.status != THROTTLED, "the server throttles")
    expect(answer.fault is None and answer.status == 200, "200", answer.brief())
    expect(not answer.header("transfer-encoding"), "no `transfer-encoding`", answer.headers)
    return answer


@check(
    "http.http_1_0.plain",
    SHOULD,
    "An answer to a client of HTTP/1.0 is not sent in chunks.",
    rfc("RFC 9112 §6.1"),
    needs="chat",
    clients=CHUNKLESS,
)
async def plain_http_1_0(server: Server) -> None:
    _answers(await _to_http_1_0(server))


@check(
    "http.http_1_0.stream",
    SHOULD,
    "A stream to a client of HTTP/1.0 is not sent in chunks, and ends with its connection.",
    rfc("RFC 9112 §6.1"),
    needs="chat.stream",
    clients=CHUNKLESS,
)
async def stream_http_1_0(server: Server) -> None:
    answer = await _to_http_1_0(server, stream=True)
    expect(answer.body.rstrip().endswith(b"[DONE]"), "a stream to its end", answer.brief())


async def _spelt(server: Server, path: str) -> None:
    answer = await server.post(path, server.chat_body())
    cooperate(answer.status != THROTTLED, "the server throttles")
    kept = answer.status in KEEPS_THE_BODY and answer.header("location")
    expect(answer.status == 200 or kept, "200, or a redirect that keeps the body", answer.brief())


@check(
    "http.path.double_slash",
    MAY,
    "A base URL that ends in a slash works: `/v1//chat/completions`.",
    issue("BerriAI/litellm#8350", "open-webui/open-webui#16749"),
    needs="chat",
    clients=JOINS,
)
async def double_slash(server: Server) -> None:
    await _spelt(server, f"/{CHAT}")


@check(
    "http.path.inner_slash",
    MAY,
    "A double slash further on is forgiven too: `/v1/chat//completions`.",
    issue("BerriAI/litellm#8350", "open-webui/open-webui#16749"),
    needs="chat",
    clients=JOINS,
)
async def inner_slash(server: Server) -> None:
    await _spelt(server, CHAT.replace("/chat/", "/chat//"))


@check(
    "http.path.trailing_slash",
    MAY,
    "A slash at the end of a path is forgiven: `/v1/chat/completions/`.",
    issue("BerriAI/litellm#8350", "Vivswan/litellm-vscode-chat#54"),
    needs="chat",
    clients=JOINS,
)
async def trailing_slash(server: Server) -> None:
    await _spelt(server, f"{CHAT}/")
