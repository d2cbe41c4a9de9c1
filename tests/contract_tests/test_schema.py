"""The strict schemas: the right is accepted, and the faults of the wrong are named."""

import copy
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from contract_tests.schema.official import Document
from contract_tests.schema.strict import Schema, strict
from tests.contract_tests.right_answers import CHAT, CHUNK, COMPLETION, MODEL, PART, VECTORS

RIGHT = {
    "chat.ChatCompletion": CHAT,
    "chat.ChatCompletionChunk": CHUNK,
    "Completion": COMPLETION,
    "streamed Completion": PART,
    "CreateEmbeddingResponse": VECTORS,
    "Model": MODEL,
}
GONE = object()


def edited(value: Any, path: str, to: Any) -> Any:
    """The value with something else at that place; `GONE` takes it away."""
    whole = copy.deepcopy(value)
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    here = whole
    for step in steps:
        here = here[step]
    if to is GONE:
        del here[last]
    else:
        here[last] = to
    return whole


# --- the types of the SDK ---


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_has_no_faults(name: str) -> None:
    assert strict(name).faults(RIGHT[name]) == []


@pytest.mark.parametrize("name", RIGHT)
def test_keys_of_a_server_s_own_are_no_faults(name: str) -> None:
    assert strict(name).faults({**RIGHT[name], "timings": {"x": 1}}) == []


@pytest.mark.parametrize(
    ("name", "path", "to", "fault"),
    [
        ("chat.ChatCompletion", "id", GONE, "the whole: "),
        ("chat.ChatCompletion", "id", 7, "id: "),
        ("chat.ChatCompletion", "object", "text_completion", "object: "),
        ("chat.ChatCompletion", "created", 1.5, "created: "),
        ("chat.ChatCompletion", "created", "1", "created: "),
        ("chat.ChatCompletion", "choices", {}, "choices: "),
        ("chat.ChatCompletion", "choices.0.finish_reason", "eos", "choices.*.finish_reason: "),
        ("chat.ChatCompletion", "choices.0.finish_reason", None, "choices.*.finish_reason: "),
        ("chat.ChatCompletion", "choices.0.logprobs", GONE, "choices.*: "),
        ("chat.ChatCompletion", "choices.0.message.refusal", GONE, "choices.*.message: "),
        ("chat.ChatCompletion", "choices.0.message.content", GONE, "choices.*.message: "),
        ("chat.ChatCompletion", "choices.0.message.content", 7, "choices.*.message.content: "),
        ("chat.ChatCompletion", "choices.0.message.role", "user", "choices.*.message.role: "),
        ("chat.ChatCompletion", "usage.total_tokens", GONE, "usage: "),
        ("chat.ChatCompletionChunk", "choices.0.finish_reason", GONE, "choices.*: "),
        ("chat.ChatCompletionChunk", "choices.0.delta", GONE, "choices.*: "),
        ("chat.ChatCompletionChunk", "object", "chat.completion", "object: "),
        ("Completion", "choices.0.finish_reason", None, "choices.*.finish_reason: "),
        ("Completion", "choices.0.logprobs", GONE, "choices.*: "),
        ("streamed Completion", "choices.0.finish_reason", "eos", "choices.*.finish_reason: "),
        ("CreateEmbeddingResponse", "data.0.embedding", [None], "data.*.embedding.*: "),
        ("CreateEmbeddingResponse", "data.0.embedding", 7, "data.*.embedding: "),
        ("CreateEmbeddingResponse", "usage", GONE, "the whole: "),
        ("Model", "owned_by", None, "owned_by: "),
    ],
)
def test_a_fault_is_named_by_its_place(name: str, path: str, to: Any, fault: str) -> None:
    faults = strict(name).faults(edited(RIGHT[name], path, to))
    assert faults
    assert all(one.startswith(fault) and len(one) > len(fault) for one in faults)


@pytest.mark.parametrize(
    ("name", "path", "to"),
    [
        ("CreateEmbeddingResponse", "data.0.embedding", "AACAPw=="),
        ("chat.ChatCompletion", "choices.0.message.content", None),
        ("chat.ChatCompletion", "usage", GONE),
        ("chat.ChatCompletionChunk", "usage", None),
        (
            "Completion",
            "choices.0.logprobs",
            {
                "tokens": ["a", "b"],
                "token_logprobs": [None, -1],
                "top_logprobs": [None, {"b": -1}],
                "text_offset": [0, 1],
            },
        ),
    ],
)
def test_what_every_right_server_does_is_excused(name: str, path: str, to: Any) -> None:
    assert strict(name).faults(edited(RIGHT[name], path, to)) == []


@pytest.mark.parametrize(
    "value", [None, True, 0, "", [], {}, json.loads("1e999"), 10**40, "\ud800", {"\ud800": 1}]
)
def test_another_kind_of_value_is_a_fault_and_no_crash(value: Any) -> None:
    assert strict("chat.ChatCompletion").faults(value)


def test_a_value_nested_without_bottom_is_a_fault_and_no_crash() -> None:
    deep = json.loads("[" * 600 + "]" * 600)
    assert strict("chat.ChatCompletion").faults(edited(CHAT, "choices.0.message.content", deep))


def test_an_element_s_fault_is_named_once() -> None:
    wrong = edited(VECTORS, "data.0.embedding", ["x"] * 50)
    assert len(strict("CreateEmbeddingResponse").faults(wrong)) <= 2


# --- a document ---


def written(folder: Path, schemas: Any) -> Path:
    """A document of those components."""
    path = folder / "openapi.json"
    path.write_text(json.dumps({"openapi": "3.1.0", "components": {"schemas": schemas}}))
    return path


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "openapi: 3.1.0", '{"components": []}', '{"components": {}}',
     '{"components": {"schemas": []}}', '{"components": {"schemas": {"Embedding": []}}}'],
)  # fmt: skip
def test_a_file_of_something_else_is_no_document(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no OpenAPI document"):
        Document(path)


@pytest.mark.parametrize("name", ["missing.json", ""])
def test_no_file_is_no_document(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no OpenAPI document"):
        Document(tmp_path / name)


def test_nullable_allows_null(tmp_path: Path) -> None:
    schemas = {
        "A": {
            "type": "object",
            "properties": {
                "one": {"type": "string", "enum": ["x"], "nullable": True},
                "two": {"$ref": "#/components/schemas/B", "nullable": True},
                "three": {"type": "array", "items": {"type": "integer", "nullable": True}},
                "four": {"type": "integer", "nullable": False},
                "nullable": {"type": "boolean"},
            },
        },
        "B": {"type": "object", "properties": {"deep": {"type": "integer", "nullable": True}}},
    }
    schema = Document(written(tmp_path, schemas)).schema("A")
    assert schema.faults({"one": None, "two": None, "three": [None, 1], "nullable": True}) == []
    assert schema.faults({"one": "x", "two": {"deep": None}}) == []
    for wrong in ({"one": "y"}, {"four": None}, {"two": {"deep": "1"}}, {"nullable": None}):
        assert schema.faults(wrong)


def test_the_known_faults_of_the_document_are_excused(tmp_path: Path) -> None:
    numbers = {"type": "array", "items": {"type": "number"}}
    logprobs = {"type": "object", "properties": {"token_logprobs": numbers}}
    choice = {
        "type": "object",
        "required": ["finish_reason"],
        "properties": {"finish_reason": {"enum": ["stop"]}, "logprobs": logprobs},
    }
    completion = {"type": "object", "properties": {"choices": {"items": choice}}}
    embedding = {"type": "object", "properties": {"embedding": numbers}}
    document = Document(
        written(tmp_path, {"Embedding": embedding, "CreateCompletionResponse": completion})
    )
    assert document.schema("Embedding").faults({"embedding": "AACAPw=="}) == []
    assert document.schema("Embedding").faults({"embedding": [1]}) == []
    assert document.schema("Embedding").faults({"embedding": [None]})
    unfinished = {"choices": [{"finish_reason": None, "logprobs": {"token_logprobs": [None]}}]}
    assert document.schema("CreateCompletionResponse").faults(unfinished)
    assert document.schema("streamed CreateCompletionResponse").faults(unfinished) == []
    assert document.schema("CreateCompletionResponse").faults(unfinished)


def test_a_document_tells_which_components_it_has(tmp_path: Path) -> None:
    document = Document(written(tmp_path, {"A": {}}))
    assert document.has("A")
    assert document.has("streamed A")
    assert not document.has("B")


# --- the official document ---


@cache
def official() -> Document:
    path = os.environ.get("OPENAI_OPENAPI_DOCUMENT")
    if not path:
        pytest.skip("OPENAI_OPENAPI_DOCUMENT names no document to judge by")
    return Document(Path(path))


OFFICIAL = {
    "CreateChatCompletionResponse": CHAT,
    "CreateChatCompletionStreamResponse": CHUNK,
    "CreateCompletionResponse": COMPLETION,
    "streamed CreateCompletionResponse": PART,
    "CreateEmbeddingResponse": VECTORS,
    "Model": MODEL,
}


@pytest.mark.parametrize("component", OFFICIAL)
def test_the_official_document_accepts_the_right_and_not_the_wrong(component: str) -> None:
    schema: Schema = official().schema(component)
    assert schema.faults(OFFICIAL[component]) == []
    for key in OFFICIAL[component].keys() & {"model", "object", "created"}:
        assert schema.faults(edited(OFFICIAL[component], key, GONE)), key
        assert schema.faults(edited(OFFICIAL[component], key, {})), key
