"""Defects of what is refused, and how."""

from collections.abc import Callable

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from contract_tests.checks.errors import TRUNCATED
from contract_tests.checks.refusals import FORM_TYPE, NO_PATH
from contract_tests.samples import CHAT
from tests.mutants.families import answers, edits_errors, has
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

BODIES = {
    "truncated": TRUNCATED,
    "empty": b"",
    "list": b"[1]",
    "text": b'"hi"',
    "number": b"7",
    "null": b"null",
}
STREAMS = tuple(f"errors.stream.{name}" for name in ("wrong_type", "no_messages", "unknown_model"))
LEAKS = {
    "python": 'Traceback (most recent call last):\n  File "/srv/x.py", line 7, in chat',
    "path": "cannot open /home/server/models/weights.bin",
    "package": "raised in site-packages/fastapi/routing",
    "node": "TypeError: undefined\n    at Object.chat (index:7:3)",
    "line": "failed at server.cpp:1207",
    "go": "panic: nil\ngoroutine 7 [running]:",
}


def _is(content: bytes) -> Callable[[Call], bool]:
    return lambda call: call.method == "POST" and call.path == CHAT and call.body == content


def _form(call: Call) -> bool:
    return any(value == FORM_TYPE["Content-Type"].encode() for _, value in call.headers)


def _says(message: str) -> Layer:
    def edit(body: dict[str, dict[str, str]]) -> None:
        body["error"]["message"] = message

    return edits_errors(edit)


def _in_stream(call: Call, answer: Answer) -> None:
    if call.param("stream") is True and answer.status >= 400:
        answer.status = 200
        answer.set_header("content-type", "text/event-stream")
        answer.body = b"data: " + answer.body + b"\n\ndata: [DONE]\n\n"


def _poisoned() -> Layer:
    """A server that fails once after each refusal."""
    refused: list[bool] = []

    def after(_: Call, answer: Answer) -> None:
        if answer.status >= 400:
            refused.append(True)
        elif refused:
            refused.clear()
            answer.status = 500

    return around(after=after)


def _echoes(call: Call, answer: Answer) -> None:
    if answer.status >= 400 and len(call.body) > 50_000:
        answer.body = answer.body.replace(b"Invalid", call.body.replace(b'"', b"'"))


def _outside(status: int) -> Layer:
    """A web server in front that knows nothing outside /v1."""

    def layer(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].startswith("/v1/"):
                await app(scope, receive, send)
            else:
                await HTMLResponse("<h1>Nothing here</h1>", status)(scope, receive, send)

        return wrapped

    return layer


def _lists(call: Call, answer: Answer) -> None:
    messages = call.param("messages")
    if answer.status >= 400 and isinstance(messages, list):
        answer.body = answer.body.replace(b"Invalid", b"Invalid message. " * len(messages))


MUTANTS = (
    Mutant(
        "refusals-path-detail",
        "an unknown path is FastAPI's own 404",
        edits_errors(lambda _: {"detail": "Not Found"}, lambda call: call.path == NO_PATH),
        ("errors.unknown_path",),
    ),
    Mutant(
        "refusals-path-400", "an unknown path is a 400", answers(404, 400), ("errors.unknown_path",)
    ),
    *(
        Mutant(
            f"refusals-base-url-{status}",
            f"outside /v1 there is a page with status {status}",
            _outside(status),
            ("errors.base_url",),
        )
        for status in (404, 502)
    ),
    Mutant(
        "refusals-method-500",
        "a wrong method is a 500",
        answers(405, 500),
        ("errors.wrong_method",),
    ),
    Mutant(
        "refusals-method-detail",
        "a wrong method is FastAPI's own 405",
        edits_errors(lambda _: {"detail": "Not Allowed"}, lambda call: call.method == "PUT"),
        ("errors.wrong_method",),
    ),
    *(
        Mutant(
            f"refusals-body-{name}-{status}",
            f"a body that is no request ({name}) is a {status}",
            answers(400, status, _is(content)),
            (f"errors.body.{name}",),
        )
        for name, content in BODIES.items()
        for status in (200, 500)
    ),
    Mutant("refusals-form-500", "a form is a 500", answers(400, 500, _form), ("errors.body.form",)),
    Mutant(
        "refusals-form-200", "a form is accepted", answers(400, 200, _form), ("errors.body.form",)
    ),
    Mutant(
        "refusals-in-stream",
        "with stream, a refusal is an event",
        around(after=_in_stream),
        STREAMS,
    ),
    *(
        Mutant(
            f"refusals-stream-{status}",
            f"with stream, a {status} is a 500",
            answers(status, 500, has("stream")),
            STREAMS[:2] if status == 400 else STREAMS[2:],
        )
        for status in (400, 404)
    ),
    Mutant(
        "refusals-poisoned",
        "the request after a refused one fails",
        _poisoned(),
        ("errors.recovery",),
    ),
    *(
        Mutant(f"refusals-leak-{name}", f"messages leak ({name})", _says(text), ("errors.leaks",))
        for name, text in LEAKS.items()
    ),
    Mutant(
        "refusals-echo", "errors quote the body", around(after=_echoes), ("errors.bounded.long",)
    ),
    Mutant(
        "refusals-every-fault",
        "errors list every fault",
        around(after=_lists),
        ("errors.bounded.many",),
    ),
)
