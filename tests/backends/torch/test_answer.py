"""One choice's tokens as events: where it ends, and what logprobs tell of its tokens."""

from pathlib import Path

import pytest

from adapter.render.logprobs import chat_logprobs, completion_logprobs
from backends.protocol import Event, Finish, TextDelta, Tool, ToolCallDelta
from backends.torch.answer import Answer, token_logprob
from backends.torch.engine.run import Progress
from backends.torch.grammar.calls import CallReader
from backends.torch.sampling.drawing import Drawn
from backends.torch.text.detokenizer import Detokenizer
from backends.torch.text.tokenizer import Tokenizer

TURN_ENDS = ("\nUser:", "\nSystem:")


@pytest.fixture(scope="module")
def tokenizer(smollm2: Path) -> Tokenizer:
    return Tokenizer.read(smollm2)


def events_of(tokenizer: Tokenizer, text: str, **options: object) -> tuple[list[Event], Answer]:
    """What comes of the tokens of a text, one a step, until the answer is finished."""
    given = {"choice": 0, "logprobs": 0, "reader": None, "turn_ends": TURN_ENDS, **options}
    answer = Answer(tokenizer, Detokenizer(tokenizer), **given)  # type: ignore[arg-type]
    steps = [Progress([Drawn(token, -0.5)]) for token in tokenizer.encode(text)]
    events: list[Event] = []
    for step in [*steps, Progress(finish="length")]:
        events += [] if answer.finished else answer.take(step)
    return events, answer


def text_of(events: list[Event]) -> str:
    for event in events:
        if isinstance(event, TextDelta):
            assert event.text == "".join(told.token for told in event.logprobs)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("said", ["Fine.\nUseful things, User: yes\n\nUs 🦊", "", "One\n"])
@pytest.mark.parametrize("end", ["\nUser: and on\nUser: more", "\nSystem: no"])
def test_an_answer_ends_where_the_next_turn_begins(
    tokenizer: Tokenizer, said: str, end: str
) -> None:
    events, answer = events_of(tokenizer, said + end)
    assert text_of(events) == said
    assert [event.reason for event in events if isinstance(event, Finish)] == ["stop"]
    assert answer.finished


def test_an_answer_ends_at_a_call_that_is_made_a_second_time(tokenizer: Tokenizer) -> None:
    call = '<tool_call>\n{"name": "stop", "arguments": {}}\n</tool_call>\n'
    reader = CallReader([Tool("stop")])
    events, answer = events_of(tokenizer, call * 16, reader=reader, turn_ends=())
    told = [event for event in events if isinstance(event, ToolCallDelta)]
    assert [event.name for event in told if event.name] == ["stop"]
    assert "".join(event.arguments for event in told) == "{}"
    assert events[-1] == Finish("tool_calls", 0)
    assert sum(event.tokens or 0 for event in told) == answer.tokens
    assert answer.tokens < len(tokenizer.encode(call * 2)) + 1


@pytest.mark.parametrize("said", ["No turn\nUse", "\nUser", "a\n", "🦊\nSystems:"])
def test_what_only_looked_like_a_turn_is_told(tokenizer: Tokenizer, said: str) -> None:
    events, answer = events_of(tokenizer, said)
    assert text_of(events) == said
    assert sum(event.tokens or 0 for event in events if isinstance(event, TextDelta)) == (
        answer.tokens
    )
    assert events[-1] == Finish("length", 0)


def test_a_stop_string_across_tokens_ends_it(tokenizer: Tokenizer) -> None:
    events, answer = events_of(tokenizer, "one two three four", stops=("o thr", "zz"))
    assert text_of(events) == "one two three"
    assert events[-1] == Finish("stop", 0)
    assert answer.tokens == 3


def test_each_part_of_a_character_tells_its_own_bytes(tokenizer: Tokenizer) -> None:
    events, _ = events_of(tokenizer, "a 🦊")
    told = [one for event in events if isinstance(event, TextDelta) for one in event.logprobs]
    assert len(told) > 2
    entries = chat_logprobs(told)["content"]
    assert b"".join(bytes(entry["bytes"]) for entry in entries) == "a 🦊".encode()
    assert all(entry["bytes"] for entry in entries)
    assert entries[-1]["token"].startswith("\\x")
    legacy = completion_logprobs(told, 0)
    assert legacy["tokens"] == [entry["token"] for entry in entries]
    assert legacy["text_offset"][0] == 0
    assert legacy["text_offset"][-1] == 2


def test_parts_of_characters_among_the_likeliest_are_kept_apart(tokenizer: Tokenizer) -> None:
    parts = [token for token in tokenizer.encode("🦊🐻🌍") if not is_text(tokenizer, token)][:4]
    drawn = Drawn(parts[0], -0.5, [(part, -0.5) for part in parts])
    (entry,) = chat_logprobs([token_logprob(drawn, "", 4, tokenizer)])["content"]
    assert [bytes(one["bytes"]) for one in entry["top_logprobs"]] == [
        tokenizer.token_bytes(part) for part in parts
    ]
    assert entry["top_logprobs"][0]["token"] == entry["token"]


def is_text(tokenizer: Tokenizer, token: int) -> bool:
    return "�" not in tokenizer.token_bytes(token).decode(errors="replace")
