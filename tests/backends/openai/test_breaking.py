"""Upstreams that break, stall and lie: an error in the envelope, never half a success."""

import time
import zlib

import httpx
import openai
import pytest

from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import (
    ANSWER,
    CHAT,
    DONE,
    EVENTS,
    FIRST,
    LAST,
    PATH,
    SECOND,
    STREAMED,
    last_error,
)
from tests.backends.openai.conftest import SILENCE_S
from tests.backends.openai.wicked import (
    CLOSE,
    END,
    JSON_TYPE,
    RESET,
    Step,
    Wicked,
    chunk,
    head,
    stream,
    whole,
)
from tests.server import Serve, Server, free_port

CHUNKED = ("transfer-encoding", "chunked")


@pytest.mark.parametrize("body", [CHAT, STREAMED])
@pytest.mark.parametrize(
    "steps",
    [
        [RESET],
        [CLOSE],
        [b"HTTP/1.1 200", CLOSE],
        [b"no HTTP at all\r\n\r\n", CLOSE],
        [head(200, JSON_TYPE, ("content-length", "100")), RESET],
        [head(200, JSON_TYPE, ("content-length", "-3")), b"{}", CLOSE],
        [head(200, JSON_TYPE, CHUNKED), b"zz\r\n{}\r\n", CLOSE],
        [head(200, *((f"x-flood-{n}", "x" * 50) for n in range(5000))), b"{}", CLOSE],
        [head(200, ("x-flood", "x" * 200_000)), b"{}", CLOSE],
    ],
    ids=["reset", "close", "half-head", "no-http", "head", "negative", "chunk", "many", "long"],
)
def test_what_breaks_off_before_an_answer_is_a_503_and_asked_once(
    wicked: Wicked, http: httpx.Client, steps: list[Step], body: dict[str, object]
) -> None:
    wicked.answer(steps)
    answer = http.post(PATH, json=body)
    assert answer.status_code == 503, answer.text
    assert error_of(answer)["code"] == "backend_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert len(wicked.asked) == 1


@pytest.mark.parametrize(
    "steps",
    [
        [whole(ANSWER[:100], length=len(ANSWER)), CLOSE],
        [whole(ANSWER[:100], length=len(ANSWER)), RESET],
        [whole(ANSWER, length=len(ANSWER) + 5), CLOSE],
        [whole(ANSWER, length=len(ANSWER) - 20), CLOSE],
        [head(200, JSON_TYPE, CHUNKED), chunk(ANSWER), CLOSE],
        [head(200, JSON_TYPE, CHUNKED), chunk(ANSWER)[:50], CLOSE],
        [head(200, JSON_TYPE), ANSWER[:100], CLOSE],
        [whole(zlib.compress(ANSWER)[:50], ("content-encoding", "gzip")), CLOSE],
        [whole(b"")],
    ],
    ids=[
        "close",
        "reset",
        "longer",
        "shorter",
        "no-end",
        "half-chunk",
        "no-length",
        "gzip",
        "none",
    ],
)
def test_a_whole_answer_that_is_not_all_there_is_no_200(
    wicked: Wicked, http: httpx.Client, steps: list[Step]
) -> None:
    wicked.answer(steps)
    answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 503, answer.text
    error_of(answer)
    assert len(wicked.asked) == 1


def test_what_follows_a_short_answer_is_not_the_next_one(
    wicked: Wicked, http: httpx.Client
) -> None:
    planted = whole(b'{"planted":true}')
    wicked.answer([whole(ANSWER) + planted], [whole(ANSWER)])
    for _ in range(4):
        answer = http.post(PATH, json=CHAT)
        assert answer.status_code == 503 or answer.content == ANSWER
        assert b"planted" not in answer.content


@pytest.mark.parametrize(
    "steps",
    [
        [stream(), chunk(FIRST), RESET],
        [stream(), chunk(FIRST), CLOSE],
        [stream(), chunk(FIRST + SECOND[:30]), CLOSE],
        [stream(), chunk(FIRST + SECOND[:30]), END],
        [stream(), chunk(FIRST) + chunk(SECOND)[:40], CLOSE],
        [stream(), chunk(FIRST + SECOND), END],
        [stream(), chunk(FIRST), 0.2, b"what?\r\n", CLOSE],
    ],
    ids=["reset", "close", "half-event", "half-end", "half-chunk", "no-done", "bad-chunk"],
)
def test_a_stream_that_breaks_off_ends_with_one_error(
    wicked: Wicked, http: httpx.Client, through: Server, steps: list[Step]
) -> None:
    wicked.answer(steps)
    answer = http.post(PATH, json=STREAMED)
    assert answer.status_code == 200
    assert answer.content.startswith(FIRST)
    assert last_error(answer.content)["code"] == "backend_unavailable"
    said = []
    with pytest.raises(openai.APIError):
        said.extend(through.client().chat.completions.create(**STREAMED))
    assert said


def test_a_stream_that_breaks_off_before_its_first_event_is_a_503(
    wicked: Wicked, http: httpx.Client
) -> None:
    breaks: list[list[Step]] = [
        [stream(), CLOSE],
        [stream(), chunk(FIRST[:20]), RESET],
        [stream(), END],
    ]
    for steps in breaks:
        wicked.answer(steps)
        answer = http.post(PATH, json=STREAMED)
        assert answer.status_code == 503
        error_of(answer)


def test_a_stall_before_the_head_is_a_504_in_time(wicked: Wicked, http: httpx.Client) -> None:
    for body in (CHAT, STREAMED):
        wicked.answer([30.0])
        since_s = time.monotonic()
        answer = http.post(PATH, json=body)
        assert answer.status_code == 504
        assert error_of(answer)["code"] == "backend_timeout"
        assert SILENCE_S <= time.monotonic() - since_s < SILENCE_S + 1
        assert len(wicked.asked) == 1
        assert wicked.asked[0].gone.wait(2)


def test_a_stall_within_a_whole_answer_is_a_504(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(ANSWER[:50], length=len(ANSWER)), 30.0])
    assert http.post(PATH, json=CHAT).status_code == 504


def test_a_stall_in_mid_stream_is_an_error_event_in_time(
    wicked: Wicked, http: httpx.Client
) -> None:
    wicked.answer([stream(), chunk(FIRST + SECOND[:9]), 30.0])
    since_s = time.monotonic()
    answer = http.post(PATH, json=STREAMED)
    assert last_error(answer.content)["code"] == "backend_timeout"
    assert time.monotonic() - since_s < SILENCE_S + 1
    assert wicked.asked[0].gone.wait(2)


def test_a_slow_stream_is_no_stall(wicked: Wicked, http: httpx.Client) -> None:
    pieces: list[Step] = [stream()]
    for piece in (FIRST[:40], FIRST[40:], SECOND + LAST[:7], LAST[7:] + DONE):
        pieces += [chunk(piece), 0.6]
    wicked.answer([*pieces, END])
    assert http.post(PATH, json=STREAMED).content == FIRST + SECOND + LAST + DONE


def test_an_error_event_of_the_upstreams_own_is_the_only_one(
    wicked: Wicked, http: httpx.Client
) -> None:
    own = b'data: {"error":{"message":"m","type":"server_error","param":null,"code":"own"}}\n\n'
    wicked.answer([stream(), chunk(FIRST + own), END])
    answer = http.post(PATH, json=STREAMED)
    assert answer.content == FIRST + own
    assert last_error(answer.content)["code"] == "own"


def test_a_dead_upstream_is_a_503_within_the_deadline(serve: Serve) -> None:
    port = free_port()
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1",
        OPENAI_API_KEY="k",
        OPENAI_DEADLINE_S="1",
    )
    with server.http() as http:
        since_s = time.monotonic()
        for body in (CHAT, STREAMED):
            answer = http.post(PATH, json=body)
            assert answer.status_code == 503
            assert error_of(answer)["code"] == "backend_unavailable"
            assert answer.headers["retry-after"] == "1"
            assert str(port) not in answer.text
        assert time.monotonic() - since_s < 4
        assert http.get("/v1/models").status_code == 503


def test_the_client_that_leaves_takes_its_upstream_request_along(
    wicked: Wicked, through: Server
) -> None:
    waits: list[tuple[list[Step], dict[str, object]]] = [
        ([stream(), chunk(FIRST), 30.0], STREAMED),
        ([stream(), 30.0], STREAMED),
        ([30.0], CHAT),
        ([whole(ANSWER[:9], length=99), 30.0], CHAT),
    ]
    for steps, body in waits:
        wicked.answer(steps)
        with through.http() as http, pytest.raises(httpx.ReadTimeout):
            http.post(PATH, json=body, timeout=0.3)
        assert wicked.asked[0].gone.wait(0.5), body


def test_events_are_whole_however_they_are_cut(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([stream(), *(chunk(EVENTS[n : n + 7]) for n in range(0, len(EVENTS), 7)), END])
    assert http.post(PATH, json=STREAMED).content == EVENTS
    crlf = EVENTS.replace(b"\n", b"\r\n")
    wicked.answer([stream(), *(chunk(crlf[n : n + 5]) for n in range(0, len(crlf), 5)), END])
    assert http.post(PATH, json=STREAMED).content == crlf
