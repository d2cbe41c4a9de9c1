"""What the adapter does for backends of other people: duties, failures, refusals, closing."""

import json
import os
import sys
import time
from collections.abc import Iterator

import httpx
import openai
import pytest

from backends.protocol.wire import ErrorResponse
from tests.adapter.chats import Body, ask, chat_body, chunks_of, events, joined, refuse, said
from tests.server import Server, start

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
SOURCE = """
import asyncio
from pathlib import Path
from backends.protocol import *
from backends.protocol.errors import RateLimitError

async def fails_late(request):
    yield TextDelta("one ")
    yield TextDelta("two ")
    raise RateLimitError("Slow down.", retry_after_s=7)

async def crashes_late(request):
    yield TextDelta("one ")
    yield TextDelta("two ")
    raise ValueError("secret")

async def fails_early(request):
    raise RateLimitError("Slow down.", retry_after_s=7)
    yield

def fails_at_once(request):
    raise RateLimitError("Slow down.", retry_after_s=7)

async def crashes_early(request):
    raise ValueError("secret")
    yield

async def counts(request):
    yield TextDelta("one two")
    yield Usage(100, 7, cached_tokens=64, reasoning_tokens=3)

async def lists(request):
    yield [TextDelta("one"), TextDelta(" two")]
    yield []
    yield (TextDelta(" three"), Finish("stop"))

async def endless(request):
    try:
        while True:
            yield TextDelta("word ", tokens=1)
            await asyncio.sleep(0.005)
    finally:
        with Path("closed").open("a") as closed:
            closed.write("x")

ALL = {each.__name__: each for each in (
    fails_late, crashes_late, fails_early, fails_at_once, crashes_early,
    counts, lists, endless)}

class Mine:
    async def models(self):
        return [Model(name) for name in ALL]

    def generate(self, request):
        return ALL[request.model](request)
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine.py").write_text(SOURCE)
    path = os.pathsep.join([str(folder), *sys.path])
    server = start(folder, "--backend", "mine:Mine", PYTHONPATH=path)
    yield server
    server.stop()


@pytest.fixture
def own(mine: Server) -> Iterator[httpx.Client]:
    with mine.http() as http:
        yield http


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@pytest.mark.parametrize(
    ("model", "kind"), [("fails_late", "rate_limit_error"), ("crashes_late", "server_error")]
)
def test_a_failure_after_the_first_byte_is_one_event_and_the_end(
    own: httpx.Client, model: str, kind: str, path: str, n: int
) -> None:
    body = chat_body(model=model, stream=True, prompt="x", n=n)
    answer = own.post(path, json=body)
    assert answer.status_code == 200
    *data, last = events(answer.content)
    assert data
    ErrorResponse.model_validate_json(last)
    assert json.loads(last)["error"]["type"] == kind
    assert not any("error" in one or '"finish_reason":"' in one for one in data)
    assert "[DONE]" not in answer.text
    assert "secret" not in answer.text
    assert said(own, model="lists") == ("one two three", "stop")


def test_the_official_client_raises_on_a_late_failure(mine: Server) -> None:
    with mine.client() as client:
        stream = client.completions.create(model="fails_late", prompt="x", stream=True)
        with pytest.raises(openai.APIError, match="Slow down"):
            list(stream)


@pytest.mark.parametrize(
    ("model", "status"),
    [
        ("fails_early", 429),
        ("fails_at_once", 429),
        ("crashes_early", 500),
    ],
)
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_a_failure_before_the_first_byte_is_a_status(
    own: httpx.Client, model: str, status: int, path: str
) -> None:
    body = chat_body(model=model, prompt="x")
    assert "secret" not in refuse(own, path, body, status)["message"]
    if status == 429:
        assert own.post(path, json=body).headers["retry-after"] == "7"


@pytest.mark.parametrize(("model", "status"), [("fails_late", 429), ("crashes_late", 500)])
def test_a_late_failure_of_a_whole_answer_is_a_status(
    own: httpx.Client, model: str, status: int
) -> None:
    answer = own.post(CHAT, json=chat_body(model=model))
    assert answer.status_code == status
    ErrorResponse.model_validate_json(answer.content)


@pytest.mark.parametrize("n", [1, 3])
def test_a_backends_own_usage_is_told(own: httpx.Client, n: int) -> None:
    usage = ask(own, model="counts", n=n)["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (100, 7 * n)
    assert usage["total_tokens"] == 100 + 7 * n
    assert usage["prompt_tokens_details"]["cached_tokens"] == 64
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 3 * n
    options = {"include_usage": True}
    assert chunks_of(own, model="counts", n=n, stream_options=options)[-1]["usage"] == usage


def test_lists_of_events_are_their_events(own: httpx.Client) -> None:
    assert said(own, model="lists") == ("one two three", "stop")
    assert joined(chunks_of(own, model="lists", n=2), 1)["message"]["content"] == "one two three"


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("more", [{"max_tokens": 5}, {"stop": "word word word"}], ids=str)
def test_an_endless_answer_is_closed_at_its_end(
    own: httpx.Client, mine: Server, more: Body, stream: bool, n: int
) -> None:
    closed = mine.log_file.parent / "closed"
    closed.write_text("")
    answer = own.post(CHAT, json=chat_body(model="endless", n=n, stream=stream, **more), timeout=5)
    assert answer.status_code == 200
    assert answer.text.count('"finish_reason":"') == n
    deadline = time.monotonic() + 2
    while len(closed.read_text()) < n and time.monotonic() < deadline:
        time.sleep(0.02)
    assert closed.read_text() == "x" * n
