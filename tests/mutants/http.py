"""Defects of what every answer carries."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.mutants.families import CHAT, refuses, sets_header
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

ID = "x-request-id"


def _header(call: Call, name: str) -> str | None:
    return next((value.decode() for key, value in call.headers if key == name.encode()), None)


def _sends(name: str, part: str = "") -> Layer:
    """Refuses what has that header, or that part of its value."""
    return refuses(lambda call: part in value if (value := _header(call, name)) else False)


def _plain(_: Call, answer: Answer) -> bool:
    return answer.status == 200 and not answer.is_stream


def _stream(_: Call, answer: Answer) -> bool:
    return answer.is_stream


def _error(_: Call, answer: Answer) -> bool:
    return answer.status >= 400


def _adds_the_clients_id(call: Call, answer: Answer) -> None:
    if sent := _header(call, ID):
        answer.headers.append((ID.encode(), sent.encode()))


def _joins_the_clients_id(call: Call, answer: Answer) -> None:
    if sent := _header(call, ID):
        answer.set_header(ID, f"req_1, {sent}")


def _wants_upper_case(call: Call) -> Answer | None:
    scheme = (_header(call, "authorization") or "Bearer").partition(" ")[0]
    return Answer.of(401, {"error": {"message": "No key."}}) if scheme != "Bearer" else None


def _lists_for_options(call: Call) -> Answer | None:
    listed = {"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]}
    return Answer.of(200, listed) if call.method == "OPTIONS" else None


def _claims_gzip(call: Call, answer: Answer) -> None:
    if "gzip" in (_header(call, "accept-encoding") or ""):
        answer.set_header("content-encoding", "gzip")


def _crashes_on(*methods: str) -> Layer:
    return refuses(lambda call: call.method in methods, 500)


def _two_ids(app: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def twice(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (ID.encode(), b"req_again")]
            await send(message)

        await app(scope, receive, twice)

    return wrapped


MUTANTS = (
    *(
        Mutant(
            f"http-type-{'none' if value is None else value.replace('/', '-')}",
            f"answers are sent as {value}",
            sets_header("content-type", value, lambda _, answer: not answer.is_stream),
            ("http.json.type",),
        )
        for value in ("text/plain", "text/html", None)
    ),
    Mutant(
        "http-type-error",
        "refusals are sent as plain text",
        sets_header("content-type", "text/plain", _error),
        ("http.json.type",),
    ),
    Mutant(
        "http-latin1",
        "the charset is Latin-1",
        sets_header("content-type", "application/json; charset=iso-8859-1", _plain),
        ("http.json.charset",),
    ),
    *(
        Mutant(
            f"http-no-id-{name}",
            f"no request id: {name}",
            sets_header(ID, value, when),
            (f"http.request_id.{name}",),
        )
        for name, value, when in (
            ("present", None, _plain),
            ("stream", None, _stream),
            ("error", None, _error),
        )
    ),
    Mutant(
        "http-empty-id",
        "the request id is empty",
        sets_header(ID, ""),
        ("http.request_id.present", "http.request_id.stream", "http.request_id.error"),
    ),
    Mutant(
        "http-two-ids",
        "a proxy adds a request id of its own",
        _two_ids,
        (
            "http.request_id.present",
            "http.request_id.stream",
            "http.request_id.error",
            "http.request_id.single",
        ),
    ),
    Mutant(
        "http-same-id",
        "every answer has the same request id",
        sets_header(ID, "req_1"),
        ("http.request_id.unique",),
    ),
    Mutant(
        "http-adds-id",
        "the client's request id is added to the server's",
        around(after=_adds_the_clients_id),
        ("http.request_id.single",),
    ),
    Mutant(
        "http-joins-ids",
        "the client's request id is joined to the server's",
        around(after=_joins_the_clients_id),
        ("http.request_id.single",),
    ),
    *(
        Mutant(
            f"http-no-{name}",
            f"requests with {name} are refused",
            _sends(name),
            ("http.headers.sdk",),
        )
        for name in ("x-stainless-lang", "x-stainless-read-timeout", "openai-beta")
    ),
    Mutant(
        "http-no-sdk-agent",
        "the user agent of the official client is refused",
        _sends("user-agent", "OpenAI/Python"),
        ("http.headers.sdk",),
    ),
    *(
        Mutant(
            f"http-no-{name}",
            f"requests with {name} are refused",
            _sends(name),
            ("http.headers.organization",),
        )
        for name in ("openai-organization", "openai-project")
    ),
    Mutant(
        "http-bearer-case",
        "only `Bearer` is understood",
        around(before=_wants_upper_case),
        ("http.auth.scheme",),
        reference="keyed",
    ),
    Mutant(
        "http-options-open",
        "OPTIONS is answered like GET, and needs no key",
        around(before=_lists_for_options),
        ("http.auth.options",),
        reference="keyed",
    ),
    *(
        Mutant(
            f"http-{method.lower()}-500",
            f"{method} is a 500",
            _crashes_on(method),
            ("http.methods.clean",),
        )
        for method in ("HEAD", "OPTIONS")
    ),
    Mutant(
        "http-compresses",
        "answers claim a compression that was not asked for",
        sets_header("content-encoding", "br", _plain),
        ("http.encoding.identity",),
    ),
    Mutant(
        "http-fake-gzip",
        "answers claim to be gzip and are not",
        around(after=_claims_gzip),
        ("http.encoding.gzip",),
    ),
    Mutant(
        "http-gzip-refused",
        "a client that accepts gzip is refused",
        refuses(lambda call: "gzip" in (_header(call, "accept-encoding") or ""), 406, path=CHAT),
        ("http.encoding.gzip",),
    ),
    Mutant(
        "http-processing-text",
        "openai-processing-ms has a unit",
        sets_header("openai-processing-ms", "12 ms"),
        ("http.headers.processing_ms",),
    ),
)
