"""Defects at the limits, and of a cache."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.mutants.families import CHAT, edits_bytes, refuses
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

LARGE_BYTES = 3_000_000
HUGE_TOKENS = 10**6
DETAIL = {"detail": "No."}


def _is_nested(call: Call) -> bool:
    return b"[" * 1000 in call.body


def _is_many(call: Call) -> bool:
    return call.body.count(b"{}") > 1000


def _is_schema(call: Call) -> bool:
    return call.body.count(b'"additionalProperties"') > 100


def _is_huge(call: Call) -> bool:
    return (call.param("max_tokens") or 0) > HUGE_TOKENS


def _is_huge_stream(call: Call) -> bool:
    return _is_huge(call) and bool(call.param("stream"))


def _is_huge_plain(call: Call) -> bool:
    return _is_huge(call) and not call.param("stream")


def _forgets(cut: Callable[[bytes], bytes]) -> Layer:
    """Gives another text to a prompt that it has seen before."""
    seen: set[bytes] = set()

    def after(call: Call, answer: Answer) -> None:
        if call.path == CHAT and answer.status == 200:
            if call.body in seen:
                answer.body = cut(answer.body)
            seen.add(call.body)

    return around(after=after)


def _refuses_large(status: int, body: object) -> Layer:
    """Refuses by the announced length, so that the tests need not read it all."""
    refused = Answer.of(status, body)

    def layer(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            length = dict(scope["headers"]).get(b"content-length", b"0")
            if int(length) < LARGE_BYTES:
                await app(scope, receive, send)
                return
            start = {"status": status, "headers": refused.headers}
            await send({"type": "http.response.start", **start})
            await send({"type": "http.response.body", "body": refused.body})

        return wrapped

    return layer


LIMITS = (
    ("nested", _is_nested),
    ("messages", _is_many),
    ("schema", _is_schema),
)

MUTANTS = (
    *(
        Mutant(
            f"load-limits-large-{name}",
            f"a body that is too large is answered with {name}",
            _refuses_large(status, body),
            ("load.body.large",),
        )
        for name, status, body in (
            ("500", 500, {"error": {"message": "No."}}),
            ("502", 502, {"error": {"message": "No."}}),
            ("404", 404, {"error": {"message": "No."}}),
            ("bare-413", 413, DETAIL),
        )
    ),
    *(
        Mutant(
            f"load-limits-{name}-{status}",
            f"{name}: the server answers {status}",
            refuses(when, status),
            (f"load.body.{name}",),
        )
        for name, when in LIMITS
        for status in (500, 502)
    ),
    *(
        Mutant(
            f"load-limits-{name}-bare",
            f"{name}: the refusal has no error body",
            refuses(when, 422, DETAIL),
            (f"load.body.{name}",),
        )
        for name, when in LIMITS
        if name != "schema"
    ),
    Mutant(
        "load-limits-tokens-stream",
        "max_tokens beyond the context is refused in a stream alone",
        refuses(_is_huge_stream),
        ("load.max_tokens.same",),
    ),
    Mutant(
        "load-limits-tokens-plain",
        "max_tokens beyond the context is refused without a stream alone",
        refuses(_is_huge_plain),
        ("load.max_tokens.same",),
    ),
    Mutant(
        "load-limits-tokens-500",
        "max_tokens beyond the context is a 500",
        refuses(_is_huge, 500),
        ("load.max_tokens.same",),
    ),
    Mutant(
        "load-limits-tokens-late",
        "max_tokens beyond the context is refused inside the stream",
        edits_bytes(lambda _: b'data: {"error": {"message": "No."}}\n\n', when=_is_huge),
        ("load.max_tokens.same",),
    ),
    Mutant(
        "load-limits-cache",
        "a warm cache loses a word",
        _forgets(lambda body: body.replace(b"fox ", b"")),
        ("load.cache.same",),
    ),
)
