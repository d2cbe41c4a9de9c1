"""The two examples, behind the real adapter, to the official client."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.backends.folder.folders import EXAMPLES, KEYS, check, example_upstream, settings
from tests.server import Server, start

FOLDER = "backends.folder:FolderBackend"
MODELS = ["acme-small", "brook-1"]
SAY: list[Any] = [{"role": "user", "content": "Hello there"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("providers")
    with example_upstream(folder / "copies") as copies:
        server = start(folder, "--backend", FOLDER, **settings(copies, **KEYS))
        yield server
        server.stop()


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with server.client() as client:
        yield client


@pytest.mark.parametrize("model", MODELS)
def test_a_chat(client: openai.OpenAI, model: str) -> None:
    chat = client.chat.completions.create(model=model, messages=SAY)
    assert chat.choices[0].message.content == "You said: Hello there"
    assert chat.choices[0].finish_reason == "stop"
    assert chat.model == model
    assert chat.usage
    assert (chat.usage.prompt_tokens, chat.usage.completion_tokens) == (2, 4)


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_chat(client: openai.OpenAI, model: str) -> None:
    stream = client.chat.completions.create(
        model=model, messages=SAY, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    texts = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    words = [text for text in texts if text]
    assert "".join(words) == "You said: Hello there"
    assert len(words) == (4 if model == "brook-1" else 1)
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 4


@pytest.mark.parametrize("model", MODELS)
def test_the_providers_own_limit(client: openai.OpenAI, model: str) -> None:
    chat = client.chat.completions.create(model=model, messages=SAY, max_tokens=3)
    assert chat.choices[0].message.content == "You said: Hello"
    assert chat.choices[0].finish_reason == "length"


@pytest.mark.parametrize("model", MODELS)
def test_several_choices_and_stop_strings(client: openai.OpenAI, model: str) -> None:
    chat = client.chat.completions.create(model=model, messages=SAY, n=2, stop=" there")
    assert [one.message.content for one in chat.choices] == ["You said: Hello"] * 2


@pytest.mark.parametrize("model", MODELS)
def test_a_legacy_completion(client: openai.OpenAI, model: str) -> None:
    completion = client.completions.create(model=model, prompt="Hello there")
    assert completion.choices[0].text == "You said: Hello there"


def test_the_models(client: openai.OpenAI) -> None:
    listed = {model.id: model.owned_by for model in client.models.list()}
    assert listed == {"acme-small": "acme", "acme-large": "acme"}
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="creek-1", messages=SAY)


@pytest.mark.parametrize(
    ("model", "parameter", "value"),
    [
        ("acme-small", "top_p", 0.5),
        ("brook-1", "seed", 4),
        ("brook-1", "frequency_penalty", 1),
        ("acme-small", "logprobs", True),
        ("acme-small", "response_format", {"type": "json_object"}),
    ],
)
def test_what_the_template_does_not_carry_is_refused(
    client: openai.OpenAI, model: str, parameter: str, value: Any
) -> None:
    given: dict[str, Any] = {parameter: value}
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=SAY, **given)
    assert (refused.value.param, refused.value.code) == (parameter, "unsupported_parameter")


@pytest.mark.parametrize("model", MODELS)
def test_what_is_no_text_is_refused_by_its_place(client: openai.OpenAI, model: str) -> None:
    call: Any = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages: list[Any] = [
        *SAY,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
    ]
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=messages)
    assert refused.value.param == "messages.1.tool_calls"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("acme", ["POST /v2/answer HTTP/1.1", '"words": "Hello"', '["You said: Hello there"]']),
        ("brook", ["POST /flow/${BROOK_REGION}/talk HTTP/1.1", "streamed", "refuses  seed"]),
    ],
)
def test_the_check(name: str, shown: list[str]) -> None:
    checked = check(EXAMPLES / name, **KEYS)
    assert checked.exit_code == 0, checked.stderr
    assert [one for one in [*shown, "2 tokens in, 4 out"] if one not in checked.stdout] == []
    assert [key for key in KEYS.values() if key in checked.stdout] == []
