"""Backends of other people: pieces of any size, choices of their own, abilities not claimed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.adapter.chats import Body, ask, chat_body, chunks_of, joined, refuse, said
from tests.adapter.completions import complete, folded
from tests.server import Serve, start

SOURCE = """
from backends.protocol import *

SHARED = [TextDelta("same "), TextDelta("again"), Finish("stop")]

async def shared(request):
    yield SHARED

async def silent(request):
    return
    yield

async def filtered(request):
    yield TextDelta("some")
    yield Finish("content_filter")

async def calls(request):
    yield TextDelta("Let me see.")
    yield ToolCallDelta(0, name="f", arguments='{"a":', id="call_mine")
    yield ToolCallDelta(1, name="g")
    yield ToolCallDelta(0, arguments="1}")
    yield ToolCallDelta(1, arguments="{}")
    yield Finish("tool_calls")

ALL = {each.__name__: each for each in (shared, silent, filtered, calls)}

class Mine:
    async def models(self):
        return [Model(name) for name in ("1", "2", "3", "5", "1000", *ALL)]

    def generate(self, request):
        return ALL[request.model](request) if request.model in ALL else pieces(request)

async def pieces(request):
    text, size = request.last_user_text(), int(request.model)
    for start in range(0, len(text), size):
        yield TextDelta(text[start : start + size])

class Several(Mine):
    honours = frozenset({"n", "stop", "max_tokens"})

    async def generate(self, request):
        for number in range(3):
            for choice in range(request.n):
                yield TextDelta(f"{choice}.{number} ", choice)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "mine.py").write_text(SOURCE)
    path = os.pathsep.join([str(folder), *sys.path])
    server = start(folder, "--backend", "mine:Mine", PYTHONPATH=path)
    with server.http() as http:
        yield http
    server.stop()


STOPPED: list[Body] = [
    {},
    {"stop": "there"},
    {"stop": ["there, world", "re"]},
    {"stop": ["world", "d. T"]},
    {"stop": "zzz"},
    {"stop": "The end.!"},
]


@pytest.mark.parametrize("more", STOPPED, ids=str)
def test_the_size_of_a_backends_pieces_does_not_change_the_text(
    own: httpx.Client, more: Body
) -> None:
    text = "Hello there, world. 日本語🌍 The end."
    answers = {size: said(own, text, model=str(size), **more) for size in (1, 2, 3, 5, 1000)}
    assert len(set(answers.values())) == 1, answers
    chunks = chunks_of(own, text, model="3", **more)
    assert joined(chunks)["message"]["content"] == answers[3][0]


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_one_large_piece_is_cut_at_the_limit(own: httpx.Client, limit: int) -> None:
    answer = ask(own, "Hello there, world", model="1000", max_tokens=limit)
    assert answer["usage"]["completion_tokens"] == limit
    assert answer["choices"][0]["finish_reason"] == "length"
    assert "Hello there, world".startswith(answer["choices"][0]["message"]["content"])


def test_a_backend_may_make_several_choices_itself(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    with serve("--backend", "mine:Several", PYTHONPATH=path).http() as http:
        choices = ask(http, model="1", n=3)["choices"]
        assert [one["message"]["content"] for one in choices] == [
            f"{index}.0 {index}.1 {index}.2 " for index in range(3)
        ]
        two, _ = folded(http, ["a", "b"], model="1", n=2)
        assert [one["text"][:3] for one in two] == ["0.0", "1.0", "0.0", "1.0"]


@pytest.mark.parametrize("name", ["temperature", "top_p", "seed", "logit_bias", "presence_penalty"])
def test_what_a_backend_does_not_claim_is_refused(own: httpx.Client, name: str) -> None:
    value = {"5": 1} if name == "logit_bias" else 0
    body = chat_body(model="1", **{name: 0.5 if name == "presence_penalty" else value})
    error = refuse(own, "/v1/chat/completions", body)
    assert (error["code"], error["param"]) == ("unsupported_parameter", name)


def test_events_that_a_backend_keeps_are_not_spoilt(own: httpx.Client) -> None:
    for n in (1, 3, 1, 2):
        choices = ask(own, model="shared", n=n)["choices"]
        assert [one["message"]["content"] for one in choices] == ["same again"] * n


def test_a_backend_that_says_nothing_has_stopped(own: httpx.Client) -> None:
    assert said(own, model="silent") == ("", "stop")
    chunks = chunks_of(own, model="silent", n=2)
    assert [joined(chunks, index)["finish"] for index in (0, 1)] == ["stop", "stop"]
    assert complete(own, "a", model="silent", echo=True)["choices"][0]["text"] == "a"


def test_a_filter_is_told(own: httpx.Client) -> None:
    assert said(own, model="filtered") == ("some", "content_filter")


def test_text_before_calls_is_kept_and_calls_are_put_together(own: httpx.Client) -> None:
    (choice,) = ask(own, model="calls")["choices"]
    calls = choice["message"]["tool_calls"]
    assert choice["message"]["content"] == "Let me see."
    assert [call["function"]["arguments"] for call in calls] == ['{"a":1}', "{}"]
    assert calls[0]["id"] == "call_mine"
    one = joined(chunks_of(own, model="calls"))
    assert one["message"]["content"] == "Let me see."
    assert [one["calls"][index]["arguments"] for index in (0, 1)] == ['{"a":1}', "{}"]
    assert one["finish"] == "tool_calls"
