"""Defects that show when requests come at once, or when a client hangs up."""

import asyncio
from contextlib import suppress
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.mutants.families import always, edits_bytes, puts, puts_in_chunks, refuses
from tests.mutants.http_stream import DONE, Severed
from tests.mutants.layer import Answer, Layer
from tests.mutants.mutant import Mutant

MEETING_S = 0.5  # the longest wait for another request
GENERATION_S = 1.1
SLOTS = 16
COUNT = count()
BUSY = {"message": "Busy.", "type": "server_error", "param": None, "code": None}


class _Meeting:
    """Waits for a second request to come; tells whether one has."""

    def __init__(self) -> None:
        self._present = 0
        self._met = asyncio.Event()

    async def __aenter__(self) -> bool:
        self._present += 1
        if self._present > 1:
            self._met.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(MEETING_S):
                await self._met.wait()
        return self._met.is_set()

    async def __aexit__(self, *_: object) -> None:
        self._present -= 1
        if not self._present:
            self._met.clear()


def _in_a_crowd(inner: Layer) -> Layer:
    """The defect shows while another request is there."""

    def layer(app: ASGIApp) -> ASGIApp:
        defective = inner(app)
        meeting = _Meeting()

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            async with meeting as met:
                await (defective if met else app)(scope, receive, send)

        return wrapped

    return layer


def _one_slot(app: ASGIApp) -> ASGIApp:
    """Keeps the request in one place for all: the last one to come is answered to everybody."""
    slot: list[Message] = []
    meeting = _Meeting()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        slot[:] = [await receive()]
        async with meeting:
            await app(scope, _deaf(slot[0]), send)

    return wrapped


def _deaf(request: Message) -> Receive:
    """Gives the request and never tells that the client has gone."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return request

    return receive


def _severs(_: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"content-length", b"100")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise Severed

    return wrapped


def _goes_on(app: ASGIApp) -> ASGIApp:
    """One request at a time, each to its end whether or not anybody still listens."""
    turn = asyncio.Lock()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        request = await receive()
        is_long = b"Count from" in request.get("body", b"")
        begun = False

        async def generate(message: Message) -> None:
            nonlocal begun
            is_body = message["type"] == "http.response.body"
            streams = bool(message.get("more_body"))
            if is_long and is_body and not begun and not streams:
                await asyncio.sleep(GENERATION_S)
            await send(message)
            if is_long and is_body and not begun and streams:
                await asyncio.sleep(GENERATION_S)
            begun = begun or is_body

        async with turn:
            await app(scope, _deaf(request), generate)

    return wrapped


def _leaks(app: ASGIApp) -> ASGIApp:
    """A stream that is left keeps its slot."""
    lost = 0

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal lost
        request = await receive()

        async def notice(message: Message) -> None:
            nonlocal lost
            await send(message)
            if message.get("more_body"):
                try:
                    async with asyncio.timeout(0.2):
                        await receive()
                    lost += 1
                except TimeoutError:
                    pass

        if lost >= SLOTS:
            refused = Answer.of(500, {"error": {**BUSY, "message": "No slot is free."}})
            headers = refused.headers
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": refused.body})
        else:
            await app(scope, _deaf(request), notice)

    return wrapped


def _busy(status: int, body: object) -> Layer:
    return _in_a_crowd(refuses(always, status, body))


MUTANTS = (
    Mutant(
        "load-other-text",
        "the text is another in a crowd",
        _in_a_crowd(puts("choices.*.message.content", lambda _: f"Text {next(COUNT)}.")),
        ("load.parallel.same",),
    ),
    Mutant(
        "load-one-slot",
        "requests that come at once share one place",
        _one_slot,
        ("load.parallel.distinct", "load.parallel.streams"),
    ),
    Mutant(
        "load-same-id",
        "answers in a crowd have one id",
        _in_a_crowd(puts("id", "chatcmpl-1")),
        ("load.parallel.ids",),
    ),
    Mutant(
        "load-streams-end",
        "streams in a crowd have no end",
        _in_a_crowd(edits_bytes(lambda body: body.removesuffix(DONE))),
        ("load.parallel.streams",),
    ),
    Mutant(
        "load-streams-mix-ids",
        "streams in a crowd change their id on the way",
        _in_a_crowd(puts_in_chunks("id", lambda _: f"id-{next(COUNT)}")),
        ("load.parallel.streams",),
    ),
    *(
        Mutant(
            f"load-crowd-{name}",
            f"a crowd is answered with {name}",
            _busy(status, body),
            ("load.overload.refusal",),
        )
        for name, status, body in (
            ("500", 500, {"error": BUSY}),
            ("400", 400, {"error": BUSY}),
            ("bare-429", 429, {"detail": "Busy."}),
            ("bare-503", 503, {"detail": "Busy."}),
        )
    ),
    Mutant(
        "load-crowd-severed",
        "connections are closed in a crowd",
        _in_a_crowd(_severs),
        ("load.overload.refusal",),
    ),
    *(
        Mutant(
            f"load-crowd-{status}-in-silence",
            f"a crowd gets a {status} without Retry-After",
            _busy(status, {"error": BUSY}),
            ("load.overload.retry_after",),
        )
        for status in (429, 503)
    ),
    Mutant(
        "load-goes-on",
        "a generation goes on, and holds the others up, when its client has gone",
        _goes_on,
        ("load.disconnect.stream", "load.disconnect.plain"),
    ),
    Mutant(
        "load-leaks",
        "a stream that is left keeps its slot",
        _leaks,
        ("load.disconnect.many",),
    ),
)
