"""What travels to an upstream and what comes back: the same bytes, and no header too many."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import error_of
from tests.adapter.watching import total
from tests.backends.openai.bodies import ANSWER, CHAT, EVENTS, PATH, STREAMED
from tests.backends.openai.conftest import UPSTREAM_KEY
from tests.backends.openai.wicked import END, SSE_TYPE, Wicked, chunk, head, stream, whole
from tests.server import Serve, Server

ODD = (
    b'{ "model" : "m-1",\n "messages":'
    b'[{"role":"user","content":"\\u0048i \\"model\\": \\"m-1\\""}],'
    b'"seed": 12345678901234567890123, "top_p": 1.00, "x_mine":{"model":"m-1"}, "n":1 }'
)
JSON = {"content-type": "application/json"}
RESPONSE = (
    b'{"id":"resp_1","object":"response","status":"completed","error":null,"output":[],'
    b'"usage":{"input_tokens":11,"output_tokens":5,"total_tokens":16}}'
)


def response_event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


RESPONSE_EVENTS = (
    response_event("response.created", response={"id": "resp_1"})
    + response_event("response.output_text.delta", delta="Hi", x_new=1)
    + response_event("response.completed", response=json.loads(RESPONSE) | {"x": "y" * 20_000})
)


@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings", "moderations"])
def test_bodies_pass_byte_for_byte_both_ways(wicked: Wicked, http: httpx.Client, path: str) -> None:
    wicked.answer([whole(ANSWER)])
    answer = http.post(f"/v1/{path}?a=%20b&c=%41+d", content=ODD, headers=JSON)
    assert (answer.status_code, answer.content) == (200, ANSWER)
    assert answer.headers["content-length"] == str(len(ANSWER))
    (asked,) = wicked.asked
    assert asked.body == ODD
    assert asked.target == f"/v1/{path}?a=%20b&c=%41+d"


def test_streams_pass_byte_for_byte(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([stream(), chunk(b": hello\n\n" + EVENTS[:50]), chunk(EVENTS[50:]), END])
    answer = http.post(PATH, json=STREAMED)
    assert answer.content == b": hello\n\n" + EVENTS
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"


def test_the_official_client_sees_what_the_upstream_sent(wicked: Wicked, through: Server) -> None:
    wicked.answer([whole(ANSWER)], [stream(), chunk(EVENTS), END])
    client = through.client()
    said = client.chat.completions.create(**CHAT, extra_body={"x_mine": [1]})
    assert said.choices[0].message.content == "wörld"
    assert said.model_extra == {"x_new": 1.5}
    assert json.loads(wicked.asked[0].body)["x_mine"] == [1]
    chunks = list(client.chat.completions.create(**STREAMED))
    assert chunks[0].model_extra == {"x_new": {"a": 1.5}}
    assert chunks[-1].usage


def test_an_alias_changes_the_model_alone(serve: Serve, wicked: Wicked) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY=UPSTREAM_KEY,
        OPENAI_MODELS="m-9",
        MODEL_NAME="m-1",
    )
    wicked.answer([whole(ANSWER)])
    with server.http() as http:
        answer = http.post(PATH, content=ODD, headers=JSON)
        assert answer.content == ANSWER
        assert http.post(PATH, json=CHAT | {"model": "m-9"}).status_code == 404
    assert wicked.asked[0].body == ODD.replace(b'"model" : "m-1"', b'"model" : "m-9"')


def test_only_headers_that_matter_travel_on(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(ANSWER)])
    mine = {"cookie": "a=b", "x-secret": "s", "openai-beta": "x=1", "idempotency-key": "i-1"}
    http.post(PATH, json=CHAT, headers=mine)
    (asked,) = wicked.asked
    assert asked.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    assert "clients-own-key" not in str(asked)
    assert asked.header("openai-beta") == "x=1"
    assert asked.header("idempotency-key") == "i-1"
    assert asked.header("content-type") == "application/json"
    assert asked.header("accept-encoding") == "identity"
    for name in ("cookie", "x-secret", "openai-project", "x-stainless-lang"):
        assert asked.header(name) is None


def test_only_headers_that_matter_come_back(wicked: Wicked, http: httpx.Client) -> None:
    good = {
        "x-request-id": "req-upstream",
        "x-ratelimit-remaining-tokens": "9",
        "openai-processing-ms": "17",
        "openai-organization": "ours",
        "retry-after-ms": "5",
    }
    bad = {
        "set-cookie": "a=b",
        "keep-alive": "timeout=5",
        "proxy-authenticate": "Basic",
        "server": "wicked",
        "x-internal": "10.0.0.1",
        "alt-svc": "h3",
    }
    for answer_bytes, body in (
        ([whole(ANSWER, *good.items(), *bad.items(), ("x-request-id", "req-upstream"))], CHAT),
        ([stream(*good.items(), *bad.items()), chunk(EVENTS), END], STREAMED),
    ):
        wicked.answer(answer_bytes)
        answer = http.post(PATH, json=body)
        names = [name.decode().lower() for name, _ in answer.headers.raw]
        assert answer.status_code == 200
        assert {name: answer.headers[name] for name in good} == good
        assert not set(bad) & set(names) - {"server"}
        assert answer.headers.get("server") != "wicked"
        assert names.count("x-request-id") == names.count("openai-processing-ms") == 1


def test_the_log_has_the_upstreams_request_id(
    wicked: Wicked, http: httpx.Client, through: Server
) -> None:
    wicked.answer([whole(ANSWER, ("x-request-id", "req-logged"))])
    http.post(PATH, json=CHAT)
    assert '"req-logged"' in through.log
    assert UPSTREAM_KEY not in through.log


def test_gzip_is_unpacked(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(gzip.compress(ANSWER), ("content-encoding", "gzip"))])
    answer = http.post(PATH, json=CHAT)
    assert answer.content == ANSWER
    assert "content-encoding" not in answer.headers


def test_headers_beyond_ascii_break_nothing(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(ANSWER, ("openai-note", "wörld"))])
    assert http.post(PATH, json=CHAT).content == ANSWER


def test_the_tokens_of_whole_answers_and_streams_are_counted(
    wicked: Wicked, http: httpx.Client, through: Server
) -> None:
    for steps, path, body, given, made in (
        ([whole(ANSWER)], "chat/completions", CHAT, 7, 3),
        ([stream(), chunk(EVENTS), END], "chat/completions", STREAMED, 7, 3),
        ([whole(RESPONSE)], "responses", {"model": "m", "input": "Hi"}, 11, 5),
        (
            [stream(), chunk(RESPONSE_EVENTS), END],
            "responses",
            {"model": "m", "input": "Hi", "stream": True},
            11,
            5,
        ),
    ):
        before = [
            total(through, "gen_ai_client_token_usage_total", token=t) for t in ("input", "output")
        ]
        wicked.answer(steps)
        assert http.post(f"/v1/{path}", json=body).status_code == 200
        after = [
            total(through, "gen_ai_client_token_usage_total", token=t) for t in ("input", "output")
        ]
        assert [new - old for new, old in zip(after, before, strict=True)] == [given, made]


def test_a_stream_that_tells_no_usage_is_not_counted_as_free(
    wicked: Wicked, http: httpx.Client, through: Server
) -> None:
    def counted() -> list[float]:
        name = "gen_ai_client_token_usage_total"
        return [total(through, name, token=token) for token in ("input", "output")]

    told = b"".join(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n' for _ in range(7))
    body = STREAMED | {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a" * 40}]}]
    }
    for steps, made in (
        ([stream(), chunk(told + b"data: [DONE]\n\n"), END], 5),
        ([stream(), chunk(told)], 4),
    ):
        before = counted()
        wicked.answer(steps)
        http.post(PATH, json=body)
        assert [new - old for new, old in zip(counted(), before, strict=True)] == [10, made]


def test_responses_pass_whole_and_streamed(wicked: Wicked, http: httpx.Client) -> None:
    body = {"model": "m", "input": "Hi"}
    wicked.answer([whole(RESPONSE)])
    assert http.post("/v1/responses", json=body).content == RESPONSE
    wicked.answer([stream(), chunk(RESPONSE_EVENTS), END])
    assert http.post("/v1/responses", json=body | {"stream": True}).content == RESPONSE_EVENTS
    half = RESPONSE_EVENTS[: RESPONSE_EVENTS.index(b"event: response.completed")]
    wicked.answer([stream(), chunk(half), END])
    broken = http.post("/v1/responses", json=body | {"stream": True}).content
    assert broken.startswith(half)
    assert b'"backend_unavailable"' in broken.removeprefix(half)


def test_stored_responses_pass_by_any_method(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(RESPONSE)])
    for method, path in (
        ("GET", "/v1/responses/resp_1?include=a&include=b%2Fc"),
        ("GET", "/v1/responses/resp_1/input_items?limit=2"),
        ("DELETE", "/v1/responses/resp%2F1"),
        ("POST", "/v1/responses/resp_1/cancel"),
    ):
        assert http.request(method, path).content == RESPONSE
        assert (wicked.asked[-1].method, wicked.asked[-1].target) == (method, path)
    error_of(http.post("/v1/responses", json={"input": "no model"}))
    error_of(http.post("/v1/responses"))
    assert len(wicked.asked) == 4


@pytest.mark.parametrize(
    "path",
    ["files", "responsesque/a", "responses/../files", "responses/%2e%2e/files", "responses/..%2fa"],
)
def test_other_paths_do_not_pass(wicked: Wicked, through: Server, path: str) -> None:
    wicked.answer([whole(b"{}")])
    with through.connect() as raw:
        raw.sendall(f"GET /v1/{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b'"unknown_url"' in answer
    assert not wicked.asked


def test_the_clients_own_key_goes_on_when_told(serve: Serve, wicked: Wicked) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY=UPSTREAM_KEY,
        OPENAI_MODELS="*",
        OPENAI_HEADERS='{"x-team": "blue"}',
        FORWARD_CLIENT_KEY="true",
    )
    wicked.answer([whole(ANSWER)])
    server.client("sk-client-1").chat.completions.create(**CHAT)
    assert wicked.asked[0].header("authorization") == "Bearer sk-client-1"
    assert wicked.asked[0].header("x-team") == "blue"
    with server.http() as http:
        http.post(PATH, json=CHAT)
        assert wicked.asked[1].header("authorization") is None
        wicked.answer([whole(b'{"error":{"message":"Wrong key."}}', status=401)])
        answer = http.post(PATH, json=CHAT)
        assert answer.status_code == 401
        assert answer.json()["error"]["message"] == "Wrong key."


def test_a_stream_of_another_kind_needs_no_done(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([head(200, SSE_TYPE, ("content-length", "11")) + b"data: {}\n\n\n"])
    assert http.get("/v1/responses/resp_1?stream=true").status_code == 200


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings", "responses"])
def test_a_coded_body_travels_on_decoded(
    wicked: Wicked, http: httpx.Client, path: str, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    wicked.answer([whole(ANSWER)])
    headers = JSON | {"content-encoding": coding}
    answer = http.post(f"/v1/{path}", content=encode(ODD), headers=headers)
    assert answer.status_code == 200
    (asked,) = wicked.asked
    assert asked.body == ODD
    assert asked.header("content-encoding") is None
    assert asked.header("content-length") == str(len(ODD))


def test_a_coding_that_is_not_read_does_not_travel_on(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(ANSWER)])
    for coding, status in (("br", 415), ("gzip", 400)):
        answer = http.post(PATH, content=ODD, headers=JSON | {"content-encoding": coding})
        assert answer.status_code == status
        error_of(answer)
    assert not wicked.asked
