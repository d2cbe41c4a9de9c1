"""`cache_control`, Anthropic's own word for a prefix worth keeping, sent through chat."""

from typing import Any

import httpx
import openai
import pytest

from tests.backends.anthropic.asking import TIME, WEATHER, calls, chat, result, user
from tests.backends.anthropic.conftest import BACKEND
from tests.backends.anthropic.stub import KEY, Stub
from tests.backends.anthropic.test_parts import IMAGES, PDF, file, image
from tests.server import Serve

Json = dict[str, Any]
PATH = "/v1/chat/completions"
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
MARK = {"cache_control": {"type": "ephemeral"}}


def words(text: str = "Long.", **more: object) -> Json:
    return {"type": "text", "text": text, **more}


@pytest.mark.parametrize("mark", [MARK, HOUR])
def test_a_part_of_any_kind(claude: openai.OpenAI, stub: Stub, mark: Json) -> None:
    url = f"data:image/png;base64,{IMAGES['image/png']}"
    parts = [words(), image(url), file(file_data=PDF)]
    marked = [part | mark for part in parts]
    system = {"role": "system", "content": [words() | mark]}
    past = {"role": "assistant", "content": [words() | mark]}
    chat(claude, system, user(marked), past, user())
    assert stub.last["system"] == [words() | mark]
    turns = stub.last["messages"]
    assert [block["cache_control"] for block in turns[0]["content"]] == [*mark.values()] * 3
    assert turns[1]["content"] == [words() | mark]
    assert turns[2]["content"] == [words("Hi")]


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_a_messages_own_mark_is_that_of_its_last_block(
    claude: openai.OpenAI, stub: Stub, role: str
) -> None:
    for content in ("Long.", [words("First."), words()]):
        chat(claude, user(), {"role": role, "content": content, **MARK})
        blocks = [block for turn in stub.last["messages"] for block in turn["content"]]
        assert [block["text"] for block in blocks if "cache_control" in block] == ["Long."]


def test_instructions_at_the_beginning(claude: openai.OpenAI, stub: Stub) -> None:
    chat(claude, {"role": "system", "content": "Long.", **HOUR}, user())
    assert stub.last["system"] == [words() | HOUR]


def test_a_call_and_its_result(claude: openai.OpenAI, stub: Stub) -> None:
    asked = [user(), calls(("a", "{}"), ("b", "{}"), ("c", "{}")) | MARK]
    results = [result("a") | HOUR, result("b", [words() | MARK, words("More.")]), result("c")]
    chat(claude, *asked, *results, tools=[WEATHER])
    called, answered = stub.last["messages"][1:]
    assert [block.get("cache_control") for block in called["content"]] == [
        *(None, None),
        MARK["cache_control"],
    ]
    assert [block.get("cache_control") for block in answered["content"]] == [
        HOUR["cache_control"],
        MARK["cache_control"],
        None,
    ]


def test_tools_marked_outside_or_inside(claude: openai.OpenAI, stub: Stub) -> None:
    inside = {"type": "function", "function": {**TIME["function"], **HOUR}}
    chat(claude, tools=[WEATHER | MARK, inside, TIME])
    assert [tool.get("cache_control") for tool in stub.last["tools"]] == [
        MARK["cache_control"],
        HOUR["cache_control"],
        None,
    ]


def test_legacy_functions(plain: httpx.Client, stub: Stub) -> None:
    functions = [{**WEATHER["function"], **MARK}]
    body = {"model": "claude-test", "messages": [user()], "functions": functions}
    assert plain.post(PATH, json=body).status_code == 200
    assert stub.last["tools"][0]["cache_control"] == MARK["cache_control"]


def test_the_whole_request(claude: openai.OpenAI, stub: Stub) -> None:
    chat(claude, extra_body=HOUR)
    assert stub.last["cache_control"] == HOUR["cache_control"]


def test_null_is_the_same_as_left_out(plain: httpx.Client, stub: Stub) -> None:
    none = {"cache_control": None}
    body = {"model": "claude-test", "messages": [user([words() | none]) | none], **none}
    assert plain.post(PATH, json=body).status_code == 200
    assert stub.last["messages"][0]["content"] == [words()]
    assert "cache_control" not in stub.last


def test_strict_parameters_know_it(stub: Stub, serve: Serve) -> None:
    settings = {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": KEY}
    body = {
        "model": "claude-test",
        "messages": [user([words() | MARK]) | MARK],
        "tools": [WEATHER | MARK],
        **MARK,
    }
    with serve("--backend", BACKEND, STRICT_PARAMETERS="true", **settings).http() as http:
        assert http.post(PATH, json=body).status_code == 200


def test_other_backends_take_it_without_effect(http: httpx.Client) -> None:
    body = {"model": "mock-1", "messages": [user([words() | MARK]) | HOUR], **MARK}
    answer = http.post(PATH, json=body).json()
    assert answer["choices"][0]["message"]["content"] == "Long."
