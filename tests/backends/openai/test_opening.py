"""How answers open: streams of any content type, and failures that call themselves a success."""

import json
from pathlib import Path
from typing import Any

import httpx
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
    STREAMED,
    USAGE,
)
from tests.backends.openai.conftest import UPSTREAM_KEY
from tests.backends.openai.test_passing import RESPONSE_EVENTS
from tests.backends.openai.wicked import (
    END,
    SSE_TYPE,
    Step,
    Wicked,
    chunk,
    head,
    stream,
    whole,
)
from tests.server import Serve, Server

CHUNKED = ("transfer-encoding", "chunked")
BOM = b"\xef\xbb\xbf"
FILTERED = b'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n'
EMPTY = b'data: {"id":"c","choices":[]}\n\n'
NULL = b'data: {"id":"c","choices":null}\n\n'
TYPES = [None, "text/plain; charset=utf-8", "application/json", "application/octet-stream"]


def typed(kind: str | None) -> bytes:
    return head(200, CHUNKED, *([("content-type", kind)] if kind else []))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "before",
    [b"", b": hello\n\n", b"event: message\n", b"id: 1\n", b"retry: 10\n", BOM, b"\n", b"\r\n"],
)
def test_a_stream_is_told_by_its_first_bytes(
    wicked: Wicked, http: httpx.Client, kind: str | None, before: bytes
) -> None:
    sent = before + EVENTS
    for cut in (1, 3, len(sent)):
        pieces = [chunk(sent[n : n + cut]) for n in range(0, len(sent), cut)]
        # Byte by byte on the wire too, in the beginning.
        first: list[Step] = [step for piece in pieces[:5] for step in (piece, 0.01)]
        wicked.answer([typed(kind), *first, b"".join(pieces[5:]), END])
        answer = http.post(PATH, json=STREAMED)
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.content == sent.removeprefix(BOM)


def test_the_official_client_reads_a_stream_of_no_type(wicked: Wicked, through: Server) -> None:
    wicked.answer([typed(None), chunk(EVENTS), END])
    chunks = list(through.client().chat.completions.create(**STREAMED))
    assert chunks[0].choices[0].delta.content == "one "


def test_a_stored_response_is_streamed_by_its_query(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([typed("text/plain"), chunk(RESPONSE_EVENTS), END])
    answer = http.get("/v1/responses/resp_1?stream=true&starting_after=2")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.content == RESPONSE_EVENTS


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("body", [CHAT, STREAMED])
def test_an_error_of_any_type_stays_json(
    wicked: Wicked, http: httpx.Client, kind: str | None, body: dict[str, Any]
) -> None:
    told = b'{"error":{"message":"It broke","code":418}}'
    wicked.answer([typed(kind), chunk(told), END])
    answer = http.post(PATH, json=body)
    assert (answer.status_code, answer.content) == (418, told)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("kind", [*TYPES, "text/html"])
def test_a_whole_answer_of_any_type_is_json(
    wicked: Wicked, http: httpx.Client, kind: str | None
) -> None:
    wicked.answer([typed(kind), chunk(ANSWER), END])
    answer = http.post(PATH, json=CHAT)
    assert (answer.content, answer.headers["content-type"]) == (ANSWER, "application/json")


@pytest.mark.parametrize("body", [CHAT, STREAMED])
def test_text_that_is_neither_is_a_502(
    wicked: Wicked, http: httpx.Client, body: dict[str, Any]
) -> None:
    for said in (b"database is locked", b"", b"dat", b"\n\n"):
        wicked.answer([typed("text/plain"), *([chunk(said)] if said else []), END])
        answer = http.post(PATH, json=body)
        assert answer.status_code == 502
        error_of(answer)


def told(**error: object) -> bytes:
    return json.dumps({"error": {"message": "It broke", **error}}).encode()


FAILURES = [
    (told(code=429), 429),
    (told(code="429"), 429),
    (told(status=503), 503),
    (told(status="UNAVAILABLE", code=503), 503),
    (told(code="overloaded"), 502),
    (told(code=200), 502),
    (told(code=True), 502),
    (b'{"id":"c","choices":[],"error":{"message":"It broke","code":529}}', 529),
    (b'{"id":"c","choices":[{"index":0,"delta":{}}],"error":{"message":"It broke"}}', 502),
    (b'{"status":400,"error":"It broke"}', 400),
    (b'{"object":"error","message":"It broke","code":404}', 404),
    (b'{"type":"error","message":"It broke","code":"server_error"}', 502),
]


@pytest.mark.parametrize(("said", "status"), FAILURES)
def test_a_failure_inside_a_success_is_one_wherever_it_stands(
    wicked: Wicked, http: httpx.Client, said: bytes, status: int
) -> None:
    lines = b"event: error\ndata: " + said + b"\n\n"
    for path in ("chat/completions", "completions", "responses"):
        body = {"model": "m", "messages": [], "prompt": "a", "input": "a"}
        answers: list[tuple[list[Step], bool]] = [
            ([whole(said)], False),
            ([stream(), chunk(b"data: " + said + b"\n\n"), END], True),
            ([stream(), chunk(b": wait\n\n" + lines), chunk(DONE), END], True),
        ]
        for steps, streams in answers:
            wicked.answer(steps)
            answer = http.post(f"/v1/{path}", json=body | {"stream": streams})
            assert answer.status_code == status, answer.text
            assert answer.json()["error"]["message"] == "It broke"


def test_an_error_event_of_plain_words_is_a_failure(wicked: Wicked, http: httpx.Client) -> None:
    for data in (b"It broke", b'{"detail":"It broke"}'):
        wicked.answer([stream(), chunk(b"event: error\ndata: " + data + b"\n\n"), END])
        assert http.post(PATH, json=STREAMED).status_code == 502


def test_the_operators_secrets_stay_in_a_failure_inside(wicked: Wicked, http: httpx.Client) -> None:
    said = told(code=400, key=UPSTREAM_KEY, hint=f"key {UPSTREAM_KEY}")
    wicked.answer([stream(), chunk(b"data: " + said + b"\n\n"), END])
    answer = http.post(PATH, json=STREAMED)
    assert answer.status_code == 400
    assert UPSTREAM_KEY not in answer.text
    wicked.answer([stream(), chunk(b"data: " + told(code=401) + b"\n\n"), END])
    assert http.post(PATH, json=STREAMED).json()["error"]["code"] == "upstream_auth"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (DONE, 502),
        (b": wait\n\n" + DONE, 502),
        (EMPTY + DONE, 502),
        (NULL + DONE, 502),
        (FILTERED + USAGE + DONE, 502),
        (EMPTY, 503),
        (NULL, 503),
        (b": wait\n\n", 503),
        (b"", 503),
    ],
)
def test_a_stream_that_says_nothing_is_a_failure(
    wicked: Wicked, http: httpx.Client, sent: bytes, status: int
) -> None:
    for path in ("chat/completions", "completions"):
        wicked.answer([stream(), *([chunk(sent)] if sent else []), END])
        answer = http.post(f"/v1/{path}", json=STREAMED | {"prompt": "a"})
        assert answer.status_code == status, answer.text
        error_of(answer)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("chat/completions", b'{"id":"c","choices":[]}'),
        ("chat/completions", b'{"choices":null}'),
        ("completions", b'{"choices":null}'),
        ("embeddings", b'{"data":[]}'),
        ("moderations", b'{"results":null}'),
    ],
)
def test_an_answer_that_holds_nothing_is_a_failure(
    wicked: Wicked, http: httpx.Client, path: str, said: bytes
) -> None:
    wicked.answer([whole(said)])
    answer = http.post(f"/v1/{path}", json=CHAT | {"prompt": "a", "input": "a"})
    assert (answer.status_code, error_of(answer)["code"]) == (502, "bad_upstream_answer")


def test_chunks_without_choices_before_others_are_legal(wicked: Wicked, http: httpx.Client) -> None:
    sent = FILTERED + EMPTY + b'data: {"error":null,"choices":[]}\n\n' + EVENTS
    wicked.answer([stream(), *(chunk(sent[n : n + 40]) for n in range(0, len(sent), 40)), END])
    assert http.post(PATH, json=STREAMED).content == sent


def test_a_failed_response_that_is_stored_is_an_answer(wicked: Wicked, http: httpx.Client) -> None:
    stored = b'{"object":"response","id":"r","status":"failed","error":{"code":"server_error"}}'
    wicked.answer([whole(stored)])
    assert http.get("/v1/responses/r").content == stored
    answer = http.post("/v1/responses", json={"model": "m", "input": "a"})
    assert (answer.status_code, answer.content) == (200, stored)


def test_a_failure_inside_a_success_falls_back(
    serve: Serve, wicked: Wicked, mock: Server, tmp_path: Path
) -> None:
    file = tmp_path / "adapter.yaml"
    file.write_text(
        f"""
backends:
  sick: {{use: openai, base_url: "http://127.0.0.1:{wicked.port}/v1", api_key: k, attempts: 1}}
  well: {{use: openai, base_url: "{mock.url}/v1", api_key: k}}
models:
  smart: {{routes: [{{backend: sick}}], fallback: [{{backend: well, model: gpt-4o}}]}}
"""
    )
    server = serve("--config", str(file))
    good: list[Step] = [stream(), chunk(FIRST + LAST + DONE), END]
    with server.http() as http:
        for said in (b"data: " + told() + b"\n\n", DONE, EMPTY + DONE, NULL, b": wait\n\n"):
            wicked.answer(good)
            http.post(PATH, json=STREAMED | {"model": "smart"})
            wicked.answer([head(200, SSE_TYPE, CHUNKED), chunk(said), END])
            answer = http.post(PATH, json=STREAMED | {"model": "smart"})
            assert answer.status_code == 200
            assert b"gpt-4o" in answer.content
        wicked.answer(good)
        http.post(PATH, json=STREAMED | {"model": "smart"})
        wicked.answer([whole(b'{"choices":null}')])
        assert b"gpt-4o" in http.post(PATH, json=CHAT | {"model": "smart"}).content
