"""Defects of CORS."""

from tests.mutants.families import CHAT, refuses, sets_header
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

ALLOW_ORIGIN = "access-control-allow-origin"
ALLOW_HEADERS = "access-control-allow-headers"
EXPOSE = "access-control-expose-headers"
PAGE = "https://app.example"
BASIC = "authorization, content-type"


def _is_preflight(call: Call) -> bool:
    return call.method == "OPTIONS"


def _preflight(call: Call, _: Answer) -> bool:
    return _is_preflight(call)


def _answer(call: Call, answer: Answer) -> bool:
    return call.method == "POST" and answer.status == 200 and not answer.is_stream


def _stream(_: Call, answer: Answer) -> bool:
    return answer.is_stream


def _error(_: Call, answer: Answer) -> bool:
    return answer.status >= 400


def _has_no_key(call: Call) -> bool:
    return _is_preflight(call) and all(name != b"authorization" for name, _ in call.headers)


def _asks_for_private(call: Call) -> bool:
    return any(name == b"access-control-request-private-network" for name, _ in call.headers)


def _names_the_origin(call: Call, answer: Answer) -> None:
    answer.set_header(ALLOW_ORIGIN, PAGE)
    answer.set_header("vary", "accept-encoding")


def _allows_twice(_: Call, answer: Answer) -> None:
    answer.headers.append((ALLOW_ORIGIN.encode(), b"*"))


def _refuses_unknown_headers(call: Call) -> bool:
    return any(b"x-stainless" in value for _, value in call.headers)


def _allows(value: str | None) -> Layer:
    return sets_header(ALLOW_HEADERS, value, _preflight)


HEADERS = ("cors.preflight.content_type", "cors.preflight.authorization", "cors.preflight.sdk")
READ = (
    ("preflight", _preflight),
    ("answer", _answer),
    ("stream", _stream),
    ("error", _error),
)


def _mutant(name: str, defect: str, layer: Layer, *kills: str) -> Mutant:
    return Mutant(f"cors-{name}", defect, layer, kills, reference="browser")


MUTANTS = (
    *(
        _mutant(
            f"preflight-{status}",
            f"a preflight is a {status}",
            refuses(_is_preflight, status, path=CHAT),
            "cors.preflight.status",
            "cors.preflight.origin",
        )
        for status in (404, 405, 500)
    ),
    *(
        _mutant(
            f"private-{status}",
            f"a preflight that asks for a private network is a {status}",
            refuses(_asks_for_private, status),
            "cors.preflight.private_network",
            "cors.preflight.private_network_allowed",
        )
        for status in (400, 403)
    ),
    _mutant(
        "private-no-origin",
        "a preflight that asks for a private network names no origin",
        sets_header(ALLOW_ORIGIN, None, lambda call, _: _asks_for_private(call)),
        "cors.preflight.private_network",
    ),
    *(
        _mutant(
            f"private-allowed-{value}",
            f"the private network is allowed by {value}",
            sets_header("access-control-allow-private-network", value),
            "cors.preflight.private_network_allowed",
        )
        for value in (None, "*")
    ),
    _mutant(
        "preflight-needs-key",
        "a preflight needs a key",
        refuses(_has_no_key, 401),
        "cors.preflight.status",
    ),
    *(
        _mutant(
            f"{name}-{defect}",
            f"{name}: the allowed origin is {value}",
            sets_header(ALLOW_ORIGIN, value, when),
            f"cors.{name}.origin",
        )
        for name, when in READ
        for defect, value in (("no-origin", None), ("other-origin", "http://localhost:3000"))
    ),
    _mutant(
        "two-origins",
        "the server and a proxy before it both allow the origin",
        around(after=_allows_twice),
        *(f"cors.{name}.origin" for name, _ in READ),
    ),
    _mutant("no-headers", "a preflight allows no headers", _allows(None), *HEADERS),
    _mutant(
        "any-header",
        "a preflight allows *, which does not cover authorization",
        _allows("*"),
        "cors.preflight.authorization",
    ),
    _mutant(
        "no-authorization",
        "a preflight does not allow authorization",
        _allows("content-type"),
        "cors.preflight.authorization",
    ),
    _mutant(
        "no-content-type",
        "a preflight does not allow content-type",
        _allows("authorization"),
        "cors.preflight.content_type",
    ),
    _mutant(
        "basic-headers",
        "a preflight allows only what the API itself needs",
        _allows(BASIC),
        "cors.preflight.sdk",
    ),
    _mutant(
        "sdk-refused",
        "a preflight that asks for more is refused",
        refuses(_refuses_unknown_headers, 400),
        "cors.preflight.sdk",
    ),
    _mutant(
        "exposes-nothing",
        "no header is exposed",
        sets_header(EXPOSE, None),
        "cors.expose.x_request_id",
        "cors.expose.retry_after",
    ),
    *(
        _mutant(
            f"hides-{name}",
            f"{name} is not exposed",
            sets_header(EXPOSE, other),
            f"cors.expose.{name.replace('-', '_')}",
        )
        for name, other in (("x-request-id", "retry-after"), ("retry-after", "x-request-id"))
    ),
    _mutant(
        "no-vary",
        "an answer names the origin and does not vary by it",
        around(after=_names_the_origin),
        "cors.answer.vary",
    ),
)
