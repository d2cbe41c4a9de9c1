"""Defects of keys."""

from collections.abc import Callable
from typing import Any

from contract_tests.checks.auth import WRONG
from contract_tests.samples import CHAT
from tests.mutants.families import answers, edits_errors
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant
from tests.mutants.references import KEY

RIGHT = f"Bearer {KEY}"
ROUTES = {
    "completions": "/completions",
    "embeddings": "/embeddings",
    "moderations": "/moderations",
    "tokenize": "/tokenize",
}
REFUSED = tuple(
    f"auth.refuses.{name}" for name in ("missing", "wrong", "blank", "shorter", "longer")
)
DENIED = {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}

Given = Callable[[str | None], bool]


def _header(call: Call) -> str | None:
    return next((v.decode() for k, v in call.headers if k == b"authorization"), None)


def _admits(when: Callable[[Call], bool]) -> Layer:
    """Lets in whom it should not."""

    def before(call: Call) -> None:
        if when(call):
            call.headers = [pair for pair in call.headers if pair[0] != b"authorization"]
            call.headers.append((b"authorization", RIGHT.encode()))

    return around(before=before)


def _denies(when: Callable[[Call], bool]) -> Layer:
    """Keeps out whom it should not."""
    return around(before=lambda call: Answer.of(401, {"error": DENIED}) if when(call) else None)


def _given(holds: Given) -> Callable[[Call], bool]:
    return lambda call: holds(_header(call))


def _sends(value: str | None) -> Callable[[Call], bool]:
    return _given(lambda sent: sent == value)


def _below(path: str) -> Callable[[Call], bool]:
    return lambda call: call.path.startswith(path)


def _with(key: str, value: Any) -> Any:
    return lambda body: {"error": {**body["error"], key: value}}


def _in_stream(call: Call, answer: Answer) -> None:
    if call.param("stream") and answer.status == 401:
        answer.status = 200
        answer.set_header("content-type", "text/event-stream")
        answer.body = b"data: " + answer.body + b"\n\n"


def _options(path: str, body: Any) -> Layer:
    def before(call: Call) -> Answer | None:
        bare = call.method == "OPTIONS" and call.path == path and _header(call) is None
        return Answer.of(200, body) if bare else None

    return around(before=before)


def _keyed(name: str, defect: str, layer: Layer, *kills: str) -> Mutant:
    return Mutant(f"auth-{name}", defect, layer, kills, reference="keyed")


MUTANTS = (
    _keyed(
        "other-header",
        "the key is read from another header",
        _denies(_sends(RIGHT)),
        "auth.bearer",
    ),
    _keyed(
        "admits-missing",
        "requests without a key are let in",
        _admits(_sends(None)),
        "auth.refuses.missing",
    ),
    _keyed(
        "admits-wrong",
        "a wrong key is let in",
        _admits(_sends(f"Bearer {WRONG}")),
        "auth.refuses.wrong",
        "auth.stream",
        "auth.first",
        *(f"auth.route.{name}" for name in (*ROUTES, "models", "model", "slash")),
    ),
    _keyed(
        "admits-blank",
        "an empty key is let in",
        _admits(_sends("Bearer")),
        "auth.refuses.blank",
    ),
    _keyed(
        "admits-shorter",
        "the beginning of the key is enough",
        _admits(_given(lambda sent: sent is not None and len(sent) > 9 and RIGHT.startswith(sent))),
        "auth.refuses.shorter",
    ),
    _keyed(
        "admits-longer",
        "what begins with the key is let in",
        _admits(_given(lambda sent: sent is not None and sent.startswith(RIGHT))),
        "auth.refuses.longer",
    ),
    *(
        _keyed(f"{status}", f"a bad key is a {status}", answers(401, status), *REFUSED)
        for status in (400, 403, 500)
    ),
    _keyed(
        "bare-text",
        "the 401 has no error body",
        edits_errors(lambda _: {"detail": "Unauthorized"}),
        *REFUSED,
    ),
    _keyed("no-code", "the 401 has no code", edits_errors(_with("code", None)), "auth.code"),
    _keyed(
        "other-type",
        "the 401 has a type of its own",
        edits_errors(_with("type", "authentication_error")),
        "auth.code",
    ),
    _keyed(
        "in-stream", "with stream, the 401 is an event", around(after=_in_stream), "auth.stream"
    ),
    _keyed(
        "body-first",
        "the body is checked before the key",
        _admits(lambda call: call.path == CHAT and not call.json),
        "auth.first",
    ),
    *(
        _keyed(
            f"open-{name}",
            f"{path} wants no key",
            _admits(_below(path)),
            f"auth.route.{name}",
        )
        for name, path in ROUTES.items()
    ),
    _keyed(
        "open-models",
        "the list of models wants no key",
        _admits(lambda call: call.path == "/models"),
        "auth.route.models",
    ),
    _keyed(
        "open-model",
        "a model wants no key",
        _admits(_below("/models/")),
        "auth.route.model",
    ),
    _keyed(
        "open-slash",
        "a slash at the end opens the door",
        _admits(lambda call: call.path.endswith("/")),
        "auth.route.slash",
    ),
    _keyed(
        "options-list",
        "OPTIONS shows the models",
        _options("/models", {"object": "list", "data": []}),
        "auth.options",
    ),
    _keyed("options-chat", "OPTIONS chats", _options(CHAT, {"choices": []}), "auth.options"),
    *(
        Mutant(
            f"auth-keyless-{name}",
            f"a server without keys refuses {what}",
            _denies(_sends(refused)),
            (f"auth.keyless.{name}",),
        )
        for name, what, refused in (
            ("none", "requests without one", None),
            ("blank", "an empty one", "Bearer"),
            ("any", "a wrong one", f"Bearer {WRONG}"),
        )
    ),
)
