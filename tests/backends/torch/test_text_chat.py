import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from backends.protocol import Tool
from backends.protocol.errors import BadRequestError, UnsupportedParameter
from backends.protocol.wire.messages import Messages
from backends.torch.text.chat import Chat
from backends.torch.text.tokenizer import Tokenizer
from tests.backends.torch.tokenizer_folders import byte_level, write

WEATHER = Tool("get_weather", "Tells the weather.", {"type": "object", "properties": {"city": {}}})
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Köln"}'},
}
ASKED = [{"role": "user", "content": "Weather?"}]
CALLED = [*ASKED, {"role": "assistant", "content": None, "tool_calls": [CALL]}]
ANSWERED = [*CALLED, {"role": "tool", "tool_call_id": "call_1", "content": "rain"}]

LISTING = "{% for m in messages %}[{{ m.role }}|{{ m.content }}]{% endfor %}"
STRICT = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate user/assistant') }}{% endif %}"
    "[{{ m.role }}|{{ m.content }}]{% endfor %}"
)
NATIVE = (
    "{% if tools %}{% for t in tools %}{{ t.function.name }};{% endfor %}<tool_call>{% endif %}"
    "{% for m in messages %}[{{ m.role }}|{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ c.function.arguments | tojson }}{% endfor %}]{% endfor %}"
)
parse = TypeAdapter(Messages).validate_python


def chat(folder: Path, template: str | None, **config: str) -> Chat:
    more = {} if template is None else {"chat_template": template}
    return Chat(Tokenizer.read(write(folder, byte_level(), {**config, **more})))


def test_the_default_models_own_template_is_rendered(smollm2: Path) -> None:
    prompt = "".join(Chat(Tokenizer.read(smollm2)).pieces(parse(ASKED)))
    assert prompt == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        "<|im_end|>\n<|im_start|>user\nWeather?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_parts_roles_and_refusals_become_plain_text(tmp_path: Path) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "developer", "content": [{"type": "text", "text": "a"}]},
        {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "refusal": "never"},
    ]
    shown = "".join(chat(tmp_path, LISTING).pieces(parse(messages)))
    assert shown == "[system|a][user|bc][assistant|no][assistant|never]"
    knows = LISTING + "{# developer #}"
    assert "".join(chat(tmp_path, knows).pieces(parse(messages))).startswith("[developer|a]")


def test_the_name_of_who_speaks_is_told(tmp_path: Path) -> None:
    messages = parse([{"role": "user", "name": "Ann", "content": "hi"}])
    assert "".join(chat(tmp_path, LISTING).pieces(messages)) == "[user|Ann: hi]"
    own = "{% for message in messages %}{{ message['name'] }}>{{ message.content }}{% endfor %}"
    assert "".join(chat(tmp_path, own).pieces(messages)) == "Ann>hi"


def test_a_template_that_knows_tools_is_given_them(tmp_path: Path) -> None:
    native = chat(tmp_path, NATIVE)
    assert native.native_tools
    shown = "".join(native.pieces(parse(ANSWERED), [WEATHER]))
    assert shown == (
        'get_weather;<tool_call>[user|Weather?][assistant|{"city": "Köln"}][tool|rain]'
    )
    assert "".join(native.pieces(parse(ASKED))) == "[user|Weather?]"


def test_tools_are_told_to_a_template_that_knows_none(tmp_path: Path) -> None:
    told = chat(tmp_path, LISTING)
    assert not told.native_tools
    shown = "".join(
        told.pieces(parse([{"role": "system", "content": "Be brief."}, *ANSWERED]), [WEATHER])
    )
    assert shown.startswith("[system|Be brief.\n\nYou may call functions")
    line = next(line for line in shown.splitlines() if line.startswith('{"type"'))
    assert json.loads(line)["function"] == {
        "name": "get_weather",
        "description": "Tells the weather.",
        "parameters": WEATHER.parameters,
    }
    assert shown.endswith(
        '[user|Weather?][assistant|<tool_call>\n{"name": "get_weather", "arguments":'
        ' {"city": "Köln"}}\n</tool_call>][user|<tool_response>\nrain\n</tool_response>]'
    )


def test_calls_of_the_past_are_shown_without_tools_too(tmp_path: Path) -> None:
    shown = "".join(chat(tmp_path, LISTING).pieces(parse(ANSWERED)))
    assert "<tool_call>" in shown
    assert "You may call functions" not in shown


def test_results_in_a_row_are_one_turn(tmp_path: Path) -> None:
    second = CALL | {"id": "call_2"}
    messages = [
        *ASKED,
        {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL, second]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_2", "content": "sun"},
        {"role": "user", "content": "Well?"},
    ]
    shown = "".join(chat(tmp_path, STRICT).pieces(parse(messages)))
    assert shown.count("[user|") == 2
    assert shown.count("<tool_call>") == 2
    assert "[assistant|Let me see.\n<tool_call>" in shown
    assert shown.endswith("sun\n</tool_response>\nWell?]")


def test_a_template_without_a_system_prompt_has_the_tools_in_the_first_turn(tmp_path: Path) -> None:
    shown = "".join(chat(tmp_path, STRICT).pieces(parse(ANSWERED), [WEATHER]))
    assert shown.startswith("[user|You may call functions")
    assert "\n\nWeather?]" in shown


def test_a_template_with_another_form_of_call_is_told_ours(tmp_path: Path) -> None:
    other = chat(tmp_path, "{% if tools %}call as [f(x)]{% endif %}" + LISTING)
    assert not other.native_tools
    shown = "".join(other.pieces(parse(ASKED), [WEATHER]))
    assert "<tool_call>" in shown
    assert "call as" not in shown


def test_what_a_template_refuses_is_a_400_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="Roles must alternate user/assistant") as refused:
        "".join(chat(tmp_path, STRICT).pieces(parse([*ASKED, *ASKED])))
    assert refused.value.param == "messages"


def test_a_spoken_answer_is_refused_by_name(tmp_path: Path) -> None:
    messages = [*ASKED, {"role": "assistant", "audio": {"id": "a"}}]
    with pytest.raises(UnsupportedParameter) as refused:
        "".join(chat(tmp_path, LISTING).pieces(parse(messages)))
    assert refused.value.param == "messages.1.audio"


@pytest.mark.parametrize("depth", [300, 900, 100_000])
@pytest.mark.parametrize("template", [LISTING, NATIVE])
def test_arguments_nested_however_deeply_are_shown_or_refused(
    tmp_path: Path, template: str, depth: int
) -> None:
    function = {"name": "f", "arguments": '{"a": ' + "[" * depth + "]" * depth + "}"}
    call = {"id": "c", "type": "function", "function": function}
    messages = parse([*ASKED, {"role": "assistant", "tool_calls": [call]}])
    try:
        shown = "".join(chat(tmp_path, template).pieces(messages))
    except BadRequestError as refused:
        assert refused.param == "messages"  # noqa: PT017 - either will do
    else:
        assert "[[[[" in shown


def test_legacy_and_custom_calls_are_calls(tmp_path: Path) -> None:
    messages: list[dict[str, Any]] = [
        *ASKED,
        {"role": "assistant", "function_call": {"name": "f", "arguments": "not JSON"}},
        {"role": "function", "name": "f", "content": "done"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "g", "input": "x"}}],
        },
    ]
    shown = "".join(chat(tmp_path, LISTING).pieces(parse(messages), [Tool("g", kind="custom")]))
    assert '{"name": "f", "arguments": not JSON}' in shown
    assert "<tool_response>\ndone\n</tool_response>" in shown
    assert '{"name": "g", "arguments": {"input": "x"}}' in shown


def test_a_model_without_a_template_has_a_plain_one(tmp_path: Path) -> None:
    plain = chat(tmp_path, None, bos_token="<s>")
    messages = [{"role": "system", "content": "Be brief."}, *ASKED]
    assert (
        "".join(plain.pieces(parse(messages)))
        == "<s>System: Be brief.\n\nUser: Weather?\n\nAssistant:"
    )
    assert plain.turn_ends == ("\nUser:", "\nSystem:")
    assert "You may call" in "".join(plain.pieces(parse(ASKED), [WEATHER]))
