"""What a browser asks before and after it lets a page call the server."""

from collections.abc import Mapping

from contract_tests.check import MAY, SHOULD, Check, check
from contract_tests.expect import expect
from contract_tests.samples import CHAT, MODELS
from contract_tests.server import Server
from contract_tests.sources import issue, peer, rfc, sdk
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange

NEEDS = ("cors",)
ORIGIN = "https://app.example"
PAGE = ("Origin", ORIGIN)
FETCH = rfc("WHATWG Fetch §4.8")
PREFLIGHT = (
    FETCH,
    peer("vllm", "test_cors_preflight_needs_no_token"),
    peer("llama.cpp", "test_cors_options"),
    issue("mudler/LocalAI#710", "mostlygeek/llama-swap#42", "openvinotoolkit/model_server#3417"),
)
PAGES = "Open WebUI's direct mode, Obsidian, Chatbox, Cursor"
# What openai-node adds to a request in a browser; a page cannot leave it out.
STAINLESS = (
    "x-stainless-arch",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
)


async def _preflight(
    server: Server, *names: str, more: Mapping[str, str] | None = None
) -> Exchange:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(names or ("authorization", "content-type")),
        **(more or {}),
    }
    # A browser sends no key with a preflight.
    return await server.send("OPTIONS", CHAT, headers=headers, key="", fresh=False)


def _listed(answer: Exchange, name: str) -> set[str]:
    values = ",".join(answer.headers_of(name)).split(",")
    return {value.strip().lower() for value in values if value.strip()}


def _readable(answer: Exchange) -> None:
    allowed = answer.headers_of("access-control-allow-origin")
    fits = len(allowed) == 1 and allowed[0].strip() in {"*", ORIGIN}
    expect(fits, f"one `Access-Control-Allow-Origin`: * or {ORIGIN}", allowed)


async def _from_page(server: Server, body: Mapping[str, object]) -> Exchange:
    return await server.post(CHAT, body, headers={"Origin": ORIGIN}, fresh=False)


@check(
    "cors.preflight.status",
    SHOULD,
    "A preflight is answered with 2xx, and needs no key.",
    PREFLIGHT,
    needs=NEEDS,
    clients=PAGES,
)
async def preflight_status(server: Server) -> None:
    answer = await _preflight(server)
    expect(answer.fault is None and answer.ok, "2xx", answer.brief())


@check(
    "cors.preflight.origin",
    SHOULD,
    "A preflight's answer allows the page's origin.",
    PREFLIGHT,
    needs=NEEDS,
    clients=PAGES,
)
async def preflight_origin(server: Server) -> None:
    _readable(await _preflight(server))


@check(
    "cors.preflight.content_type",
    SHOULD,
    "A preflight's answer allows the header `content-type`.",
    PREFLIGHT,
    needs=NEEDS,
    clients=PAGES,
)
async def preflight_content_type(server: Server) -> None:
    allowed = _listed(await _preflight(server), "access-control-allow-headers")
    expect(allowed & {"content-type", "*"}, "content-type among the headers", sorted(allowed))


@check(
    "cors.preflight.authorization",
    SHOULD,
    "A preflight's answer allows the header `authorization` by name, for `*` does not cover it.",
    PREFLIGHT,
    needs=NEEDS,
    clients="browsers refuse to send the key",
)
async def preflight_authorization(server: Server) -> None:
    allowed = _listed(await _preflight(server), "access-control-allow-headers")
    expect("authorization" in allowed, "authorization among the headers", sorted(allowed))


@check(
    "cors.preflight.sdk",
    SHOULD,
    "A preflight's answer allows the headers that the official SDK adds.",
    FETCH,
    sdk("_base_client.BaseClient.platform_headers"),
    needs=NEEDS,
    clients="the official SDK in a browser",
)
async def preflight_sdk(server: Server) -> None:
    answer = await _preflight(server, "authorization", "content-type", *STAINLESS)
    expect(answer.fault is None and answer.ok, "2xx", answer.brief())
    allowed = _listed(answer, "access-control-allow-headers")
    missing = [] if "*" in allowed else sorted({*STAINLESS} - allowed)
    expect(not missing, "every x-stainless header to be allowed", f"not allowed: {missing}")


PRIVATE = {"Access-Control-Request-Private-Network": "true"}
PRIVATE_ACCESS = (
    rfc("WICG Private Network Access §3.1"),
    issue("ollama/ollama#7000", "lmstudio-ai/lmstudio-bug-tracker#392"),
)


@check(
    "cors.preflight.private_network",
    SHOULD,
    "A preflight that asks for a private network is answered like any other.",
    PRIVATE_ACCESS,
    needs=NEEDS,
    clients="pages on the internet that call a server on one's own machine",
)
async def preflight_private(server: Server) -> None:
    answer = await _preflight(server, more=PRIVATE)
    expect(answer.fault is None and answer.ok, "2xx", answer.brief())
    _readable(answer)


@check(
    "cors.preflight.private_network_allowed",
    MAY,
    "It is allowed by `Access-Control-Allow-Private-Network: true`.",
    PRIVATE_ACCESS,
    needs=NEEDS,
    clients="pages on the internet that call a server on one's own machine",
)
async def preflight_private_allowed(server: Server) -> None:
    allowed = (await _preflight(server, more=PRIVATE)).headers_of(
        "access-control-allow-private-network"
    )
    expect(allowed == ["true"], "`Access-Control-Allow-Private-Network: true`", allowed)


@check(
    "cors.answer.origin",
    SHOULD,
    "An answer may be read by the page.",
    FETCH,
    needs=("cors", "chat"),
    clients=PAGES,
)
async def answer_origin(server: Server) -> None:
    _readable(await _from_page(server, server.chat_body()))


@check(
    "cors.stream.origin",
    SHOULD,
    "A stream may be read by the page.",
    FETCH,
    needs=("cors", "chat.stream"),
    clients=PAGES,
)
async def stream_origin(server: Server) -> None:
    _readable(await _from_page(server, server.chat_body(stream=True)))


@check(
    "cors.error.origin",
    SHOULD,
    "A refusal may be read by the page.",
    FETCH,
    needs=("cors", "chat"),
    clients="the page sees a network error instead of the reason",
)
async def error_origin(server: Server) -> None:
    answer = await _from_page(server, {"model": server.model(), "messages": 1})
    expect(answer.status >= 400, "a refusal", answer.brief())
    _readable(answer)


async def _answers(server: Server) -> list[Exchange]:
    """Every answer of the run so far that a page may read; a success and a refusal are asked."""
    await _from_page(server, server.chat_body())
    await _from_page(server, {"model": server.model(), "messages": 1})
    return [
        answer
        for answer in server.target.exchanges
        if answer.method != "OPTIONS"
        and PAGE in answer.request_headers
        and answer.header("access-control-allow-origin") is not None
    ]


def _exposes(name: str, what: str, hurt: str) -> Check:
    @check(
        f"cors.expose.{name.replace('-', '_')}",
        SHOULD,
        f"The page may read the header `{name}` of an answer that has it.",
        rfc("WHATWG Fetch §3.3.5"),
        issue("Azure/azure-rest-api-specs#24904"),
        needs=("cors", "chat"),
        clients=hurt,
    )
    async def exposes(server: Server) -> None:
        answers = [one for one in await _answers(server) if one.header(name) is not None]
        if not answers:
            raise Unsupported(f"no answer {what}")
        for answer in answers:
            exposed = _listed(answer, "access-control-expose-headers")
            expect(exposed & {name, "*"}, f"{name} among the exposed headers", sorted(exposed))

    return exposes


expose_request_id = _exposes(
    "x-request-id", "has a request id", "the SDK in a browser knows no request id"
)
expose_retry_after = _exposes(
    "retry-after", "tells when to come back", "the SDK in a browser cannot wait as it is told"
)


@check(
    "cors.answer.vary",
    MAY,
    "An answer that names the page's origin varies by origin.",
    rfc("WHATWG Fetch §3.3.6"),
    needs=NEEDS,
    clients="a cache gives the answer for one page to another, which cannot read it",
)
async def vary(server: Server) -> None:
    answer = await server.get(MODELS, headers={"Origin": ORIGIN})
    if answer.header("access-control-allow-origin") == ORIGIN:
        names = _listed(answer, "vary")
        expect(names & {"origin", "*"}, "`Vary: Origin`", sorted(names))
