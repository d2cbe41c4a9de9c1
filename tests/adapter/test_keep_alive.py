"""Signs of life in the silence of a stream: comments, and no status or event is harmed by them."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import CHAT, error_of
from tests.adapter.test_disconnect import leave
from tests.adapter.watching import PATH, soon, total
from tests.backends.openai.bodies import DONE, EVENTS, FIRST, LAST, SECOND
from tests.backends.openai.conftest import wicked
from tests.backends.openai.wicked import END, Step, Wicked, chunk, stream, whole
from tests.server import Serve, Server

__all__ = ["wicked"]
COMMENT = b": keep-alive\n\n"
STREAM = CHAT | {"stream": True}
QUIET = {"STREAM_KEEP_ALIVE_S": "0.2"}

SLOW = """
import asyncio
from backends.protocol import Model, TextDelta
from backends.protocol.errors import BadRequestError, RateLimitError

class Slow:
    async def models(self):
        return [Model("m")]

    async def generate(self, request):
        text = request.last_user_text()
        if text == "wrong":
            raise BadRequestError("It is wrong.", param="messages")
        await asyncio.sleep(0.7)
        if text == "busy":
            raise RateLimitError("It is busy.")
        for piece in ("one ", "two"):
            yield TextDelta(piece)
            await asyncio.sleep(0.7)
"""


def ask(server: Server, text: str = "Hi", path: str = PATH, **more: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "prompt": text}
    with server.http() as http:
        return http.post(path, json=body | {"stream": True, **more})


def without_comments(body: bytes) -> bytes:
    """The events; comments stand between them alone."""
    assert all(b"keep-alive" not in one for one in body.split(b"\n\n") if one[:1] != b":")
    return body.replace(COMMENT, b"")


@pytest.fixture
def slow(serve: Serve, tmp_path: Path) -> Server:
    """A server of the slow backend above, which bears 0.2 s of silence."""
    (tmp_path / "slow.py").write_text(SLOW)
    return serve("--backend", "slow:Slow", **QUIET)


def test_own_streams_send_comments_before_the_first_token_and_between(slow: Server) -> None:
    for path in (PATH, "/v1/completions"):
        answer = ask(slow, path=path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        before, _, after = answer.content.partition(b"one ")
        assert before.startswith(COMMENT)
        assert before.count(COMMENT) >= 2
        assert COMMENT in after.partition(b"two")[0]
        events = without_comments(answer.content)
        assert events.endswith(DONE)
        for event in events.split(b"\n\n")[:-2]:
            json.loads(event.removeprefix(b"data: "))
    assert total(slow, "gen_ai_server_time_to_first_token_seconds_sum", operation="chat") > 0.6


def test_the_same_mistake_has_the_same_status_while_there_is_no_head(slow: Server) -> None:
    answer = ask(slow, "wrong")
    assert (answer.status_code, error_of(answer)["param"]) == (400, "messages")
    assert ask(slow, n=0).status_code == 400
    assert ask(slow, model="unknown").status_code == 404


def test_a_failure_after_a_comment_is_an_event(slow: Server) -> None:
    answer = ask(slow, "busy")
    assert answer.status_code == 200
    assert answer.content.startswith(COMMENT)
    event = without_comments(answer.content)
    assert json.loads(event.removeprefix(b"data: "))["error"]["message"] == "It is busy."
    assert soon(lambda: '"rate_limit_exceeded"' in slow.log)
    with slow.client() as client, pytest.raises(Exception, match="It is busy"):
        list(client.chat.completions.create(**_words("busy")))


def _words(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "stream": True}


def test_the_official_client_reads_such_a_stream(slow: Server) -> None:
    with slow.client() as client:
        chunks = list(client.chat.completions.create(**_words("Hi")))
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "one two"


def test_a_whole_answer_has_none(slow: Server) -> None:
    assert ask(slow, stream=False).json()["choices"][0]["message"]["content"] == "one two"


def test_none_where_the_setting_is_zero_or_the_stream_is_quick(serve: Serve) -> None:
    for seconds in ("0", "0.3"):
        server = serve(MOCK_TTFT_MS="500" if seconds == "0" else "0", STREAM_KEEP_ALIVE_S=seconds)
        assert b": " not in ask(server, model="gpt-4o").content.replace(b"data: ", b"")


def test_leaving_is_noticed_among_comments(serve: Serve) -> None:
    server = serve(MOCK_TTFT_MS="60000", **QUIET)
    leave(server, STREAM, after=COMMENT)
    assert soon(lambda: total(server, "adapter_cancellations_total") == 1)
    assert soon(lambda: '"status": 499' in server.log or '"status":499' in server.log)
    assert '"crash"' not in server.log


@pytest.fixture
def through(serve: Serve, wicked: Wicked) -> Server:
    """A passthrough that bears 0.2 s of silence, and its upstream's a second."""
    return serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY="k",
        OPENAI_MODELS="*",
        OPENAI_SILENCE_S="2",
        **QUIET,
    )


def test_relayed_streams_send_comments_and_never_within_an_event(
    wicked: Wicked, through: Server
) -> None:
    wicked.answer(
        [
            *(0.7, stream(), 0.5, chunk(FIRST[:30]), 0.7, chunk(FIRST[30:] + SECOND[:9])),
            *(0.7, chunk(SECOND[9:] + LAST), 0.7, chunk(DONE), END),
        ]
    )
    answer = ask(through)
    assert answer.content.startswith(COMMENT)
    assert answer.content.count(COMMENT) >= 4
    assert without_comments(answer.content) == FIRST + SECOND + LAST + DONE


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([0.7, whole(b'{"error":{"message":"m","code":"own"}}', status=404)], "own"),
        ([0.7, stream(), chunk(b'data: {"error":{"message":"m","code":"own"}}\n\n'), END], "own"),
        ([0.7, stream(), chunk(DONE), END], "bad_upstream_answer"),
        ([0.7, whole(b'{"choices":[]}')], "bad_upstream_answer"),
        ([stream(), 30.0], "backend_timeout"),
    ],
    ids=["refusal", "inside", "nothing", "whole", "silence"],
)
def test_a_failure_of_the_upstreams_after_a_comment_is_an_event(
    wicked: Wicked, through: Server, steps: list[Step], code: str
) -> None:
    wicked.answer(steps)
    answer = ask(through)
    assert (answer.status_code, answer.content[: len(COMMENT)]) == (200, COMMENT)
    (event, rest) = without_comments(answer.content).split(b"\n\n")
    assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == code
    assert rest == b""


def test_an_upstreams_quick_refusal_keeps_its_status(wicked: Wicked, through: Server) -> None:
    wicked.answer([whole(b'{"error":{"message":"m","code":"own"}}', status=404)])
    assert ask(through).status_code == 404


def test_the_fallback_answers_though_comments_have_gone_out(
    serve: Serve, wicked: Wicked, tmp_path: Path
) -> None:
    file = tmp_path / "adapter.yaml"
    url = f"http://127.0.0.1:{wicked.port}/v1"
    file.write_text(
        f"""
stream_keep_alive_s: 0.2
backends:
  sick: {{use: openai, base_url: "{url}", api_key: k, attempts: 1, models: m}}
  well: {{use: openai, base_url: "{url}", api_key: k, attempts: 1, models: m}}
models:
  m: {{routes: [{{backend: sick}}], fallback: [{{backend: well}}]}}
"""
    )
    server = serve("--config", str(file))
    failures: list[list[Step]] = [
        [0.7, whole(b"{}", status=503)],
        [stream(), 0.7, chunk(DONE), END],
    ]
    for sick in failures:
        wicked.answer(sick, [stream(), chunk(EVENTS), END])
        answer = ask(server)
        assert answer.content.startswith(COMMENT)
        assert without_comments(answer.content) == EVENTS


def test_a_reader_that_stops_gets_no_heap_of_comments(wicked: Wicked, through: Server) -> None:
    event = b"data: " + b"x" * 60_000 + b"\n\n"
    wicked.answer([stream(), chunk(FIRST), *[chunk(event) for _ in range(300)], chunk(EVENTS), END])
    body = json.dumps({"model": "m", "messages": [], "stream": True}).encode()
    head = b"POST %b HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    with through.connect() as raw:
        raw.sendall(head % (PATH.encode(), len(body)) + body)
        time.sleep(2)
        got = b"".join(iter(lambda: raw.recv(1 << 20), b""))
    assert got.count(b"x" * 60_000) == 300
    # While what went before is not read, it is no silence.
    assert got.count(b"keep-alive") <= 1
