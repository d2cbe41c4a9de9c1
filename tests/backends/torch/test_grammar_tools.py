"""Whatever a model prefers, the calls that come out are of the tools and fit them."""

import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema_rs
import pytest
from tokenizers import Tokenizer

from backends.protocol import (
    GenerationRequest,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from backends.protocol.errors import BadRequestError
from backends.torch.grammar.grammars import Grammars
from backends.torch.grammar.schemas import reason_of
from tests.backends.torch.call_reading import TOOLS, WEATHER, Call, read
from tests.backends.torch.random_walk import STOPS, VOCABULARY, Walk

LOOK = {"type": "string", "pattern": "(?=a)"}
DOCUMENT = ResponseFormat("json_schema", {"type": "array", "items": {"type": "boolean"}}, True)


@pytest.fixture(scope="module")
def marked(smollm2: Path) -> str:
    """The tokenizer with the marks of a call as tokens, as in Qwen's, and `<think>`."""
    description = json.loads((smollm2 / "tokenizer.json").read_text())
    marks = [("<tool_call>", True), ("</tool_call>", True), ("<think>", False)]
    for index, (content, special) in enumerate(marks):
        description["added_tokens"].append(
            {
                "id": 49_152 + index,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": special,
            }
        )
    return json.dumps(description)


@pytest.fixture(scope="module")
def marked_grammars(marked: str) -> Grammars:
    return Grammars(marked, VOCABULARY, STOPS)


def request(
    mode: str = "required",
    *,
    tools: Sequence[Tool] = TOOLS,
    allowed: Sequence[str] | None = None,
    parallel: bool = True,
    wanted: ResponseFormat | None = None,
) -> GenerationRequest:
    choice = ToolChoice(mode, allowed, parallel)  # type: ignore[arg-type]
    form = wanted or ResponseFormat()
    return GenerationRequest("m", tools=tools, tool_choice=choice, response_format=form)


def require_fitting(calls: Sequence[Call]) -> None:
    for name, arguments in calls:
        tool = next(tool for tool in TOOLS if tool.name == name)
        if tool.kind == "function":
            value = json.loads(arguments)
            assert isinstance(value, dict)
            jsonschema_rs.validate(dict(tool.parameters), value)


def walks(
    grammars: Grammars, tokenizer: Tokenizer, asked: GenerationRequest, count: int
) -> list[list[str]]:
    """The pieces of every walk that came to its end."""
    ended = []
    for seed in range(count):
        matcher = grammars.of_request(asked)
        assert matcher is not None
        walk = Walk(tokenizer, seed)
        if walk.text(matcher) is not None:
            ended.append([tokenizer.decode([token]) for token in walk.tokens])
    assert len(ended) > count * 2 / 3
    return ended


@pytest.mark.parametrize("parallel", [True, False])
def test_every_walk_that_must_call_makes_calls_that_fit(
    grammars: Grammars, tokenizer: Tokenizer, parallel: bool
) -> None:
    seen = set()
    for pieces in walks(grammars, tokenizer, request(parallel=parallel), 25):
        text, calls, _ = read(pieces)
        assert not text
        assert len(calls) >= 1 if parallel else len(calls) == 1
        require_fitting(calls)
        seen |= {name for name, _ in calls}
    assert seen == {tool.name for tool in TOOLS}


def test_every_walk_with_a_named_tool_calls_it_once(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    for pieces in walks(grammars, tokenizer, request(allowed=["get"]), 15):
        text, calls, _ = read(pieces)
        assert not text
        assert [name for name, _ in calls] == ["get"]
        require_fitting(calls)


def test_every_walk_that_may_call_gives_text_or_calls(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    for pieces in walks(grammars, tokenizer, request("auto"), 15):
        text, calls, _ = read(pieces)
        assert bool(calls) == ("<tool_call>" in "".join(pieces))
        assert calls or text == "".join(pieces)
        require_fitting(calls)


def test_a_call_begun_in_free_text_is_kept_to_its_form(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    called = 0
    for seed in range(15):
        matcher = grammars.of_request(request("auto"))
        assert matcher is not None
        walk = Walk(tokenizer, seed)
        for token in tokenizer.encode("Let me look: <tool_call>").ids:
            matcher.consume(token)
            walk.tokens.append(token)
        if walk.text(matcher) is not None:
            text, calls, _ = read([tokenizer.decode([token]) for token in walk.tokens])
            assert text == "Let me look: "
            assert calls
            require_fitting(calls)
            called += 1
    assert called >= 10


def test_every_walk_with_a_format_gives_a_document_or_calls(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    kinds = set()
    for pieces in walks(grammars, tokenizer, request("auto", wanted=DOCUMENT), 20):
        text, calls, _ = read(pieces)
        kinds.add(bool(calls))
        assert bool(calls) != bool(text)
        require_fitting(calls)
        if text:
            assert all(isinstance(one, bool) for one in json.loads(text))
    assert kinds == {True, False}


def test_marks_that_are_tokens_of_their_own_are_used(
    marked: str, marked_grammars: Grammars
) -> None:
    tokenizer = Tokenizer.from_str(marked)
    for mode in ("required", "auto"):
        matcher = marked_grammars.of_request(request(mode))
        assert matcher is not None
        text = '<tool_call>\n{"name": "get", "arguments": {"on": true}}\n</tool_call>'
        tokens = tokenizer.encode(text).ids
        assert tokens[0] == 49_152
        for token in tokens:
            assert matcher.mask()[token]
            matcher.consume(token)
        assert matcher.mask()[2]


def test_free_text_may_hold_the_words_that_are_tokens_and_no_other_special(
    marked: str, marked_grammars: Grammars
) -> None:
    matcher = marked_grammars.of_request(request("auto"))
    assert matcher is not None
    tokenizer = Tokenizer.from_str(marked)
    for token in tokenizer.encode("<think>I should call.").ids:
        assert matcher.mask()[token]
        matcher.consume(token)
    assert matcher.mask()[[2, 49_152, 49_154]].all()
    assert not matcher.mask()[[1, 3, 49_153]].any()


def test_tools_without_any_to_call_leave_the_text_alone(grammars: Grammars) -> None:
    assert grammars.of_request(request("none")) is None
    assert grammars.of_request(request("auto", allowed=[])) is None


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        (Tool("a", parameters={"not": {}}, strict=True, param="tools.1.p"), "the keyword 'not'"),
        (Tool("a", parameters={"type": "string"}, param="tools.1.p"), "arguments are an object"),
        (
            Tool("a", parameters={"properties": {"x": LOOK}}, param="tools.1.p"),
            "a 'pattern' of this",
        ),
        (
            Tool("a", kind="custom", format={"type": "grammar", "grammar": {}}, param="tools.1.p"),
            "a custom tool's grammar",
        ),
    ],
)
def test_a_tool_that_cannot_be_kept_to_is_refused_by_its_place(
    grammars: Grammars, tool: Tool, reason: str
) -> None:
    with pytest.raises(BadRequestError, match=reason) as caught:
        grammars.of_request(request("auto", tools=[WEATHER, tool]))
    assert caught.value.param == "tools.1.p"


def test_what_a_tool_that_is_not_strict_cannot_enforce_is_left_out(grammars: Grammars) -> None:
    tool = Tool("a", parameters={"properties": {"x": {"type": "array", "uniqueItems": True}}})
    assert grammars.of_request(request(tools=[tool])) is not None


def test_many_tools_are_bounded_together(grammars: Grammars) -> None:
    """Each alone is small enough; 128 of them took a minute."""
    properties: dict[str, object] = {f"p{number}": {} for number in range(100)}
    tools = [Tool(f"t{number}", parameters={"properties": properties}) for number in range(128)]
    with pytest.raises(BadRequestError, match="12800 'properties' in all") as caught:
        grammars.of_request(request("auto", tools=tools))
    assert caught.value.param == "tools"
    assert grammars.of_request(request("auto", tools=tools[:20])) is not None


def test_what_breaks_down_inside_the_library_is_told_in_our_words() -> None:
    assert reason_of("panic: assertion failed: symbols.len() < u16::MAX") == "it is too complex"


def test_a_function_and_a_custom_tool_of_one_name_are_refused(grammars: Grammars) -> None:
    tools = [Tool("a"), Tool("a", kind="custom", param="tools.1.custom.format")]
    with pytest.raises(BadRequestError, match="one name, 'a'") as caught:
        grammars.of_request(request("auto", tools=tools))
    assert caught.value.param == "tools.1.custom.format"
