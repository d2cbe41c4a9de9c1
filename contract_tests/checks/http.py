"""What every answer carries: its content type, its request id, its encoding."""

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.samples import CHAT, MODELS
from contract_tests.server import Server
from contract_tests.sources import issue, live, peer, rfc, sdk, spec
from contract_tests.target import THROTTLED
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange

REQUEST_ID = "x-request-id"
TRACED = "the `_request_id` of the SDKs is None, so that no call can be traced"
STAINLESS = {
    "User-Agent": "OpenAI/Python 3.52.0",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "3.52.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.11.0",
    "X-Stainless-Async": "async:asyncio",
    "X-Stainless-Retry-Count": "0",
    "X-Stainless-Read-Timeout": "600",
    "OpenAI-Beta": "assistants=v2",
}


def _accepted(answer: Exchange) -> Exchange:
    cooperate(answer.status != THROTTLED, "the server throttles")
    expect(answer.status == 200 and not answer.fault, "200", answer.brief())
    return answer


async def _plain(server: Server) -> Exchange:
    return _accepted(await server.post(CHAT, server.chat_body(), fresh=False))


async def _stream(server: Server) -> Exchange:
    return _accepted(await server.post(CHAT, server.chat_body(stream=True), fresh=False))


async def _refusal(server: Server) -> Exchange:
    answer = await server.post(CHAT, {"model": server.model(), "messages": 1}, fresh=False)
    expect(answer.status >= 400, "a refusal", answer.brief())
    return answer


@check(
    "http.json.type",
    SHOULD,
    "A JSON answer is sent as `application/json`.",
    spec("/paths/~1chat~1completions/post/responses/200/content/application~1json"),
    rfc("RFC 8259 §11"),
    needs="chat",
    clients="clients that branch on the content type refuse the body",
)
async def json_type(server: Server) -> None:
    for answer in (await _plain(server), await _refusal(server)):
        expect(answer.media_type == "application/json", "`application/json`", answer.headers)


@check(
    "http.json.charset",
    SHOULD,
    "A charset, if the content type names one, is UTF-8.",
    rfc("RFC 8259 §8.1"),
    needs="chat",
    clients="clients that believe the charset show mangled text",
)
async def json_charset(server: Server) -> None:
    answer = await _plain(server)
    kind = answer.header("content-type") or ""
    for parameter in kind.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset":
            expect(value.strip('"').lower() in {"utf-8", "utf8"}, "UTF-8", kind)


def _one_id(answer: Exchange) -> None:
    ids = answer.headers_of(REQUEST_ID)
    expect(len(ids) == 1 and ids[0].strip(), f"one `{REQUEST_ID}` that is not empty", ids)


async def _traced(server: Server) -> None:
    """Nothing if a plain answer has a request id; whether it must is for another check."""
    given = (await _plain(server)).headers_of(REQUEST_ID)
    cooperate(given, "no answer has a request id: see http.request_id.present")


@check(
    "http.request_id.present",
    SHOULD,
    "An answer has exactly one `x-request-id`.",
    sdk("_models.add_request_id"),
    peer("vllm", "test_response_has_one_request_id"),
    issue("vllm-project/vllm#9593", "vllm-project/vllm#9594"),
    needs="chat",
    clients=TRACED,
)
async def id_present(server: Server) -> None:
    _one_id(await _plain(server))


@check(
    "http.request_id.stream",
    SHOULD,
    "A streamed answer has exactly one `x-request-id`.",
    sdk("_legacy_response.LegacyAPIResponse.request_id"),
    peer("vllm", "test_response_has_one_request_id"),
    needs="chat.stream",
    clients=TRACED,
)
async def id_stream(server: Server) -> None:
    await _traced(server)
    _one_id(await _stream(server))


@check(
    "http.request_id.error",
    SHOULD,
    "A refusal has exactly one `x-request-id`.",
    sdk("_exceptions.APIStatusError.request_id"),
    issue("vllm-project/vllm#9593", "vllm-project/vllm#9594"),
    needs="chat",
    clients="`APIError.request_id` is None where it is needed most",
)
async def id_error(server: Server) -> None:
    await _traced(server)
    _one_id(await _refusal(server))


@check(
    "http.request_id.unique",
    SHOULD,
    "Two requests have two request ids.",
    sdk("_models.add_request_id"),
    issue("vllm-project/vllm#9593"),
    needs="chat",
    clients="traces of different calls are taken for one",
)
async def id_unique(server: Server) -> None:
    answers = [await _plain(server), await _refusal(server), await server.get(MODELS)]
    ids = [one for answer in answers for one in answer.headers_of(REQUEST_ID)[:1]]
    if not ids:
        raise Unsupported("no answer has a request id")
    expect(len(set(ids)) == len(ids), "an id of its own for each answer", ids)


@check(
    "http.request_id.single",
    SHOULD,
    "An id that the client sends is not added as a second `x-request-id`.",
    peer("vllm", "test_response_has_one_request_id"),
    rfc("RFC 9110 §5.3"),
    clients="the SDKs read both ids as one, joined by a comma",
)
async def id_single(server: Server) -> None:
    sent = "4c7f0c52-contract"
    headers = {"X-Request-Id": sent, "X-Client-Request-Id": sent}
    answer = await server.get(MODELS, headers=headers)
    ids = answer.headers_of(REQUEST_ID)
    expect(len(ids) < 2 and not any("," in one for one in ids), "one id", ids)


@check(
    "http.headers.sdk",
    MUST,
    "The headers that the official SDKs add to each request are accepted.",
    sdk("_base_client.platform_headers"),
    needs="chat",
    clients="every call of every official SDK",
)
async def sdk_headers(server: Server) -> None:
    _accepted(await server.post(CHAT, server.chat_body(), headers=STAINLESS))


@check(
    "http.headers.organization",
    SHOULD,
    "`OpenAI-Organization` and `OpenAI-Project` are ignored, or refused with 401 or 403.",
    sdk("_client.OpenAI.default_headers"),
    live("an organization that the key does not belong to is a 401"),
    clients="SDKs with OPENAI_ORG_ID or OPENAI_PROJECT_ID in the environment",
)
async def organization(server: Server) -> None:
    plain = await server.get(MODELS)
    headers = {"OpenAI-Organization": "org-contract", "OpenAI-Project": "proj-contract"}
    answer = await server.get(MODELS, headers=headers)
    expect(answer.status in {plain.status, 401, 403}, f"{plain.status}", answer.brief())


@check(
    "http.auth.scheme",
    SHOULD,
    "The scheme `bearer` is understood in any case.",
    spec("/components/securitySchemes/ApiKeyAuth/scheme"),
    rfc("RFC 9110 §11.1"),
    needs="auth",
    clients="clients that write `bearer`",
)
async def auth_scheme(server: Server) -> None:
    if not server.target.key:
        raise Unsupported("the run has no key")
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {server.target.key}"}
        answer = await server.get(MODELS, headers=headers)
        expect(answer.status not in {401, 403}, f"{scheme} to be accepted", answer.brief())


@check(
    "http.auth.options",
    SHOULD,
    "OPTIONS without a key tells nothing that needs a key.",
    peer("vllm", "test_bare_options_needs_a_token"),
    needs="auth",
    clients="an exception that was made for preflights lets anybody in",
)
async def auth_options(server: Server) -> None:
    answer = await server.send("OPTIONS", MODELS, key="", fresh=False)
    expect(not (answer.ok and b'"data"' in answer.body), "no list of models", answer.brief())


@check(
    "http.methods.clean",
    SHOULD,
    "HEAD and OPTIONS never cause a 5xx.",
    rfc("RFC 9110 §9.1"),
    clients="health probes and browsers take the server for broken",
)
async def methods(server: Server) -> None:
    for method, path in (("HEAD", MODELS), ("OPTIONS", MODELS), ("OPTIONS", CHAT)):
        answer = await server.send(method, path, fresh=False)
        # 501 is how RFC 9110 lets a server refuse a method that it does not know.
        clean = answer.fault is None and (answer.status < 500 or answer.status == 501)
        expect(clean, f"no 5xx for {method} {path}", answer.brief())


@check(
    "http.encoding.identity",
    SHOULD,
    "An answer is not compressed for a client that does not accept it.",
    rfc("RFC 9110 §12.5.3"),
    needs="chat",
    clients="clients that cannot unpack it read noise",
)
async def identity(server: Server) -> None:
    answer = await _plain(server)
    coding = (answer.header("content-encoding") or "identity").lower()
    expect(coding == "identity", "no `content-encoding`", coding)


@check(
    "http.encoding.gzip",
    SHOULD,
    "A client that accepts gzip can unpack the answer.",
    rfc("RFC 9110 §8.4"),
    sdk("httpx asks for gzip with each request"),
    needs="chat",
    clients="every SDK, for it asks for gzip",
)
async def gzip(server: Server) -> None:
    headers = {"Accept-Encoding": "gzip, deflate"}
    answer = _accepted(await server.post(CHAT, server.chat_body(), headers=headers))
    at(answer.json, "choices", of=list)


@check(
    "http.headers.processing_ms",
    MAY,
    "`openai-processing-ms`, if sent, is a number.",
    live("openai-processing-ms"),
    needs="chat",
)
async def processing_ms(server: Server) -> None:
    value = (await _plain(server)).header("openai-processing-ms")
    expect(value is None or _is_number(value), "a number of milliseconds", value)


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdigit()
