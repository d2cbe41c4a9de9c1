"""Tool calls are read back whole, however the text is cut."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.protocol import TextDelta, TokenLogprob, ToolCallDelta
from backends.torch.grammar.calls import CallReader
from tests.backends.torch.call_reading import TOOLS, read

TEXTS = [
    'Sure. <tool_call>\n{"name": "get_weather", "arguments": {"city": "a\\"}</tool_call>"}}'
    "\n</tool_call>",
    '<tool_call>\n{"name": "get", "arguments": {"on": true}}\n</tool_call>\n'
    '<tool_call>\n{"name": "note", "arguments":'
    ' {"input": "tab\\t\\\\ \\u00e9 \\ud83d\\ude00 \\ud83d!"}}'
    "\n</tool_call>",
    "no <tool_ call < here <tool_cal",
    '<tool_call>\n{"na',
    '<tool_call>\n{"name": "note", "arguments": {"input": "cut off \\u00',
    '<tool_call>\n{"name": "get", "arguments": {"on": [1, {"a": "}"}',
    "",
    '<tool_call>\n{"name": "get", "arguments": {"on": true}}\n</tool_call>\n'
    '<tool_call>\n{"name": "get", "arguments": {"on": true}}\n</tool_call>\n'
    '<tool_call>\n{"name": "get", "arguments": {"on": false}}\n</tool_call>',
    '<tool_call>\n{"name": "get", "arguments": {"on": true}}\n</tool_call>\n'
    '<tool_call>\n{"name": "get", "arguments": {"on": false}}\n</tool_call>\n'
    '<tool_call>\n{"name": "get", "arguments": {"on": tr',
]


@settings(max_examples=150, deadline=None)
@given(whole=st.sampled_from(TEXTS), cuts=st.lists(st.integers(0, 220), max_size=60))
def test_any_cut_reads_the_same(whole: str, cuts: list[int]) -> None:
    places = sorted(cut for cut in cuts if cut <= len(whole))
    pieces = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
    assert read(pieces)[:2] == read([whole])[:2]


def test_calls_are_read_as_they_are_written() -> None:
    assert read([TEXTS[0]])[:2] == ("Sure. ", [("get_weather", '{"city": "a\\"}</tool_call>"}')])
    assert read([TEXTS[1]])[:2] == ("", [("get", '{"on": true}'), ("note", "tab\t\\ é 😀 \ufffd!")])
    assert read([TEXTS[2]])[:2] == (TEXTS[2], [])
    assert read([TEXTS[3]])[:2] == ("", [])
    assert read([TEXTS[4]])[:2] == ("", [("note", "cut off ")])
    assert read([TEXTS[5]])[:2] == ("", [("get", '{"on": [1, {"a": "}"}')])


def test_a_call_that_is_repeated_is_told_once_and_nothing_behind_it() -> None:
    once, twice = ("get", '{"on": true}'), ("get", '{"on": false}')
    assert read([TEXTS[7]])[:2] == ("", [once])
    assert read(list(TEXTS[7]))[:2] == ("", [once])
    assert read([TEXTS[8]])[:2] == ("", [once, twice])
    reader = CallReader(TOOLS)
    reader.push(TEXTS[8])
    assert not reader.repeated
    reader.push("ue}}")
    assert reader.repeated


def test_a_repeated_call_is_known_whatever_its_white_space() -> None:
    first = '<tool_call>\n{"name": "get", "arguments": {"on": "a b"}}\n</tool_call>\n'
    spaced = '<tool_call>\n{"name": "get", "arguments": { "on" :\n"a b" }}\n</tool_call>'
    other = '<tool_call>\n{"name": "get", "arguments": {"on": "ab"}}\n</tool_call>'
    for cut in (list, lambda text: [text]):
        assert read(cut(first + spaced))[1] == [("get", '{"on": "a b"}')]
        assert len(read(cut(first + other))[1]) == 2
    noted = [f'<tool_call>\n{{"name": "note", "arguments": {{"input": "{text}"}}}}\n</tool_call>'
             for text in ("a b", "ab")]  # fmt: skip
    assert len(read(["\n".join(noted)])[1]) == 2


def test_text_and_arguments_come_as_soon_as_they_are_certain() -> None:
    reader = CallReader(TOOLS, choice=3)
    told = [reader.push(piece) for piece in ["Hi", " <to", "ld", "<tool_call>", '\n{"name": "get"']]
    assert told == [
        [TextDelta("Hi", 3, 1, [])],
        [TextDelta(" ", 3, 1, [])],
        [TextDelta("<told", 3, 1, [])],
        [],
        [ToolCallDelta(0, "get", choice=3, tokens=2)],
    ]
    told = [
        reader.push(piece, 2) for piece in [', "arguments": {', '"on"', ": 1}", "}\n</tool_call>"]
    ]
    assert told == [
        [ToolCallDelta(0, arguments="{", choice=3, tokens=2)],
        [ToolCallDelta(0, arguments='"on"', choice=3, tokens=2)],
        [ToolCallDelta(0, arguments=": 1}", choice=3, tokens=2)],
        [],
    ]
    assert reader.finish() == [ToolCallDelta(0, choice=3, tokens=2)]


def test_logprobs_ride_on_the_text_and_join_to_it() -> None:
    words = ["Hi", " there", " <", "b", "", "> <tool", "_call>", '\n{"name": "get"', "!"]
    for seed in range(30):
        lot = Random(seed)
        reader = CallReader(TOOLS)
        events: list[Any] = []
        entries: list[TokenLogprob] = []
        text = ""
        for word in words:
            text, entries = text + word, [*entries, TokenLogprob(word, -1.0)]
            if lot.random() < 0.6:
                events += reader.push(text, len(entries), entries)
                text, entries = "", []
        events += reader.push(text, len(entries), entries) + reader.finish()
        spoken = [event for event in events if isinstance(event, TextDelta)]
        assert "".join(event.text for event in spoken) == "Hi there <b> "
        for event in spoken:
            assert "".join(entry.token for entry in event.logprobs) == event.text
        assert sum(event.tokens for event in events) == len(words)
