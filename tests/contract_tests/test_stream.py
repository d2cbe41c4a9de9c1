"""A stream of chunks, however malformed: never anything but `Broken`."""

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from contract_tests.verdict import Broken
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import Stream

ODD: list[Any] = [None, True, 0, -1, 1.5, 10**40, "", "x", "\ud800", [], [[]], [None], {}, {"": {}}]
VIEWS: dict[str, Callable[[Stream], object]] = {
    "chunks": lambda stream: stream.chunks,
    "choices": lambda stream: stream.choices,
    "of": lambda stream: stream.of(0),
    "deltas": lambda stream: stream.deltas(),
    "text": lambda stream: stream.text(),
    "finishes": lambda stream: stream.finishes(),
    "usages": lambda stream: stream.usages,
    "tool_calls": lambda stream: stream.tool_calls(),
}


def streamed(*payloads: str, ends: str = "data: [DONE]\n\n") -> Stream:
    """The stream of those payloads."""
    body = "".join(f"data: {payload}\n\n" for payload in payloads) + ends
    return Stream(Exchange("POST", "http://x/v1", [], b"", 200, body=body.encode()))


def chunked(*chunks: Any) -> Stream:
    return streamed(*(json.dumps(chunk) for chunk in chunks))


def choice(**parts: Any) -> dict[str, Any]:
    """A chunk of one choice."""
    return {"choices": [{"index": 0, **parts}]}


def calls(*fragments: Any) -> dict[str, Any]:
    """A chunk with those fragments of tool calls."""
    return choice(delta={"tool_calls": list(fragments)})


MALFORMED: dict[str, Callable[[Any], Any]] = {
    "choices": lambda odd: {"choices": odd},
    "choice": lambda odd: {"choices": [odd]},
    "index": lambda odd: {"choices": [{"index": odd, "delta": {"content": "a"}}]},
    "delta": lambda odd: choice(delta=odd),
    "content": lambda odd: choice(delta={"content": odd}),
    "text": lambda odd: choice(text=odd),
    "finish_reason": lambda odd: choice(finish_reason=odd),
    "usage": lambda odd: {"choices": [], "usage": odd},
    "tool_calls": lambda odd: choice(delta={"tool_calls": odd}),
    "fragment": calls,
    "fragment_index": lambda odd: calls({"index": odd, "id": "a"}, {"index": 0, "id": "b"}),
    "function": lambda odd: calls({"index": 0, "function": odd}),
    "function_name": lambda odd: calls({"index": 0, "function": {"name": odd}}),
    "call_id": lambda odd: calls({"index": 0, "id": odd}),
}


@pytest.mark.parametrize("place", MALFORMED)
def test_an_odd_value_inside_a_chunk_is_left_out(place: str) -> None:
    for odd, view in product(ODD, VIEWS.values()):
        view(chunked(MALFORMED[place](odd), choice(delta={"content": "b"})))


def test_an_odd_value_instead_of_a_chunk_is_broken() -> None:
    for odd, view in product(ODD, VIEWS.values()):
        if not isinstance(odd, dict):
            with pytest.raises(Broken, match="a JSON object in each data line"):
                view(chunked(odd, choice(delta={"content": "b"})))


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        '{"a": 1',
        "{'a': 1}",
        '{"a": 1}{"b": 2}',
        "[done]",
        "[DONE] ",
        "null",
        "[]",
        '"text"',
        "1",
        '{"a": NaN}',
        '{"a": -Infinity}',
        "[" * 100_000,
        '{"a": ' * 100_000,
        "1" * 5000,
        '{"a": "\t"}',
        "\ufeff{}",
    ],
    ids=lambda payload: repr(payload[:16]),
)
def test_a_payload_that_is_no_json_object_is_broken(payload: str) -> None:
    for view in VIEWS.values():
        with pytest.raises(Broken):
            view(streamed(json.dumps(choice(text="a")), payload))


@pytest.mark.parametrize("ends", ["", "data: [DONE]\n\n", ": ping\n\n", "\x00", "<html>"])
def test_no_chunk_at_all_is_broken(ends: str) -> None:
    for view in VIEWS.values():
        with pytest.raises(Broken, match="a stream of chunks"):
            view(streamed(ends=ends))


def test_a_body_that_is_not_utf_8_is_broken() -> None:
    with pytest.raises(Broken):
        _ = Stream(Exchange("POST", "http://x", [], b"", 200, body=b"data: \xff\n\n")).chunks


def test_comments_and_done_are_no_chunks() -> None:
    body = b': ping\n\ndata: {"id": "a"}\n\nevent: x\n\ndata: [DONE]\n\ndata: {"id": "b"}\n\n'
    stream = Stream(Exchange("POST", "http://x", [], b"", 200, body=body))
    assert [chunk["id"] for chunk in stream.chunks] == ["a", "b"]
    assert stream.payloads[1] == "[DONE]"
    assert len(stream.frames) == 5


def test_a_chunk_over_several_data_lines_is_one() -> None:
    assert streamed('{"id":\ndata: "a"}').chunks == [{"id": "a"}]


def test_the_text_of_each_choice_is_put_together() -> None:
    stream = chunked(
        {"choices": [{"index": 1, "delta": {"content": "x"}}, {"delta": {"content": "a"}}]},
        choice(delta={"content": None}),
        choice(delta={"content": "b"}, finish_reason="stop"),
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"total_tokens": 3}},
    )
    assert (stream.text(0), stream.text(1), stream.text(2)) == ("ab", "x", "")
    assert (stream.finishes(0), stream.finishes(1)) == (["stop"], ["length"])
    assert stream.usages == [{"total_tokens": 3}]


def test_the_text_of_a_completion_is_put_together() -> None:
    assert chunked(choice(text="a"), choice(text="b")).text() == "ab"


def test_tool_calls_are_put_together_by_index() -> None:
    stream = chunked(
        calls({"index": 0, "id": "c0", "function": {"name": "f", "arguments": ""}}),
        calls({"index": 1, "id": "c1", "function": {"name": "g", "arguments": "{"}}),
        calls({"index": 0, "function": {"arguments": '{"a":'}}),
        calls({"index": 1, "function": {"arguments": "}"}}, {"index": 0}),
        calls({"index": 0, "function": {"arguments": "1}"}}),
    )
    assert stream.tool_calls() == [
        {"id": "c0", "name": "f", "arguments": '{"a":1}'},
        {"id": "c1", "name": "g", "arguments": "{}"},
    ]


def test_the_eleventh_tool_call_comes_after_the_tenth() -> None:
    fragments = [{"index": n, "id": f"c{n}"} for n in range(12)]
    called = chunked(*map(calls, fragments)).tool_calls()
    assert [call["id"] for call in called] == [f"c{n}" for n in range(12)]
