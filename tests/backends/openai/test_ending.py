"""How streams end: whole without `[DONE]`, and at `[DONE]` though the connection stays open."""

import time

import httpx
import pytest

from tests.backends.openai.bodies import (
    DONE,
    EVENTS,
    FIRST,
    LAST,
    PATH,
    SECOND,
    STREAMED,
    USAGE,
    last_error,
)
from tests.backends.openai.test_passing import RESPONSE_EVENTS
from tests.backends.openai.wicked import (
    CLOSE,
    END,
    RESET,
    SSE_TYPE,
    Step,
    Wicked,
    chunk,
    head,
    stream,
)
from tests.server import Server

WORDS = FIRST + SECOND
OTHER_LAST = LAST.replace(b'"index": 0', b'"index": 1')
OPEN: Step = 30.0


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (WORDS + LAST, WORDS + LAST + DONE),
        (WORDS + LAST + USAGE, WORDS + LAST + USAGE + DONE),
        (WORDS + LAST[:-1], WORDS + LAST + DONE),
        (WORDS + LAST + DONE[:-2], WORDS + LAST + DONE),
        (WORDS + LAST + DONE[:-1], WORDS + LAST + DONE),
        (WORDS + LAST + b": bye\n", WORDS + LAST + b": bye\n\n" + DONE),
        (WORDS + LAST + b"\n\n\n", WORDS + LAST + b"\n\n\n" + DONE),
    ],
    ids=["finish", "usage", "no-blank", "done-unended", "done-half", "comment", "blanks"],
)
@pytest.mark.parametrize("by_length", [False, True])
def test_a_stream_whose_choices_have_finished_is_whole(
    wicked: Wicked, http: httpx.Client, sent: bytes, got: bytes, *, by_length: bool
) -> None:
    length = ("content-length", str(len(sent)))
    steps = [head(200, SSE_TYPE, length), sent] if by_length else [stream(), chunk(sent), END]
    wicked.answer(steps)
    answer = http.post(PATH, json=STREAMED)
    assert (answer.status_code, answer.content) == (200, got)


@pytest.mark.parametrize(
    ("sent", "n"),
    [
        (WORDS, 1),
        (WORDS + LAST, 2),
        (WORDS + LAST + USAGE[:40], 1),
        (WORDS + b'data: {"choices":[{"index":0,"finish_reason":null}]}\n\n', 1),
    ],
    ids=["unfinished", "one-of-two", "half-usage", "null"],
)
def test_a_stream_with_an_open_choice_has_broken_off(
    wicked: Wicked, http: httpx.Client, sent: bytes, n: int
) -> None:
    wicked.answer([stream(), chunk(sent), END])
    answer = http.post(PATH, json=STREAMED | {"n": n})
    assert last_error(answer.content)["code"] == "backend_unavailable"


def test_all_choices_finish_wherever_they_do(wicked: Wicked, http: httpx.Client) -> None:
    sent = WORDS + OTHER_LAST + SECOND + LAST
    wicked.answer([stream(), *(chunk(sent[n : n + 9]) for n in range(0, len(sent), 9)), END])
    assert http.post(PATH, json=STREAMED | {"n": 2}).content == sent + DONE
    body = {"model": "m", "prompt": ["a", "b"], "stream": True}
    for texts, whole in ((sent, True), (WORDS + LAST, False)):
        wicked.answer([stream(), chunk(texts), END])
        assert (DONE in http.post("/v1/completions", json=body).content) is whole


def test_a_finished_stream_whose_connection_breaks_is_not_whole(
    wicked: Wicked, http: httpx.Client
) -> None:
    for end in (CLOSE, RESET):
        wicked.answer([stream(), chunk(WORDS + LAST), end])
        last_error(http.post(PATH, json=STREAMED).content)


@pytest.mark.parametrize(
    ("path", "sent", "got"),
    [
        ("chat/completions", [EVENTS], EVENTS),
        ("chat/completions", [EVENTS + b": more\n\n" + FIRST], EVENTS),
        ("chat/completions", [EVENTS[:-9], EVENTS[-9:], FIRST], EVENTS),
        (
            "chat/completions",
            [EVENTS.replace(b"\n", b"\r\n") + b"\r\n"],
            EVENTS.replace(b"\n", b"\r\n"),
        ),
        ("completions", [EVENTS], EVENTS),
        ("responses", [RESPONSE_EVENTS], RESPONSE_EVENTS),
    ],
    ids=["whole", "more", "cut", "crlf", "completions", "responses"],
)
def test_the_answer_ends_at_its_end_though_the_connection_stays_open(
    wicked: Wicked, http: httpx.Client, path: str, sent: list[bytes], got: bytes
) -> None:
    wicked.answer([stream(), *map(chunk, sent), OPEN])
    body = {"model": "m", "messages": [], "prompt": "a", "input": "a", "stream": True}
    # After a second of silence an error would follow.
    assert http.post(f"/v1/{path}", json=body).content == got
    assert wicked.asked[0].gone.wait(3)


def test_an_answer_that_ends_at_once_is_a_success_in_the_log(
    wicked: Wicked, http: httpx.Client, through: Server
) -> None:
    wicked.answer([stream(("x-request-id", "req-left-open")), chunk(EVENTS), OPEN])
    http.post(PATH, json=STREAMED)
    line = next(line for line in through.log.splitlines() if "req-left-open" in line)
    assert '"status": 200' in line or '"status":200' in line


def test_a_connection_whose_stream_ends_soon_is_used_again(
    wicked: Wicked, http: httpx.Client
) -> None:
    wicked.answer([stream(), chunk(EVENTS), 0.2, END])
    for _ in range(3):
        assert http.post(PATH, json=STREAMED).content == EVENTS
        time.sleep(0.4)
    assert wicked.connections <= 1
