"""The wire models against OpenAI's own document, and the proof that the comparison can fail."""

import json
import os
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from backends.protocol import wire
from backends.protocol.wire import (
    CreateChatCompletionRequest,
    CreateCompletionRequest,
    CreateEmbeddingRequest,
    CreateModerationRequest,
    WireModel,
)
from tests.backends.protocol.official import differences

Body = dict[str, Any]

REQUESTS: dict[str, type[WireModel]] = {
    "/chat/completions": CreateChatCompletionRequest,
    "/completions": CreateCompletionRequest,
    "/embeddings": CreateEmbeddingRequest,
    "/moderations": CreateModerationRequest,
}
ANSWERS: dict[str, type[WireModel]] = {
    "CreateChatCompletionResponse": wire.ChatCompletion,
    "CreateChatCompletionStreamResponse": wire.ChatCompletionChunk,
    "CreateCompletionResponse": wire.Completion,
    "CreateEmbeddingResponse": wire.CreateEmbeddingResponse,
    "CreateModerationResponse": wire.CreateModerationResponse,
    "ErrorResponse": wire.ErrorResponse,
    "ListModelsResponse": wire.ListModelsResponse,
}

# Where a request of ours differs from the official one on purpose: a pattern, and why.
REQUEST_DEVIATIONS = {
    r"\w+\.\w+: accepts null": "A null parameter is the same as one left out; clients send them.",
    r".*\.function\.parameters: accepts null": "So is a function without parameters.",
    r"(.*\.)?(voice<object>|format<\w+>|CreateEmbeddingRequest)\.\*: False became True": (
        "Clients send properties of their own; STRICT_PARAMETERS refuses them in the adapter."
    ),
    r".*\.metadata: maxProperties None became 16": "Stated in words.",
    r".*\.metadata\.\*: (key maxLength None became 64|maxLength None became 512)": (
        "Stated in words."
    ),
    r".*\.name: pattern None became \^\[A-Za-z0-9_-\]\{1,64\}\$": "Stated in words.",
    r".*\.logit_bias\.\*: (minimum None became -100|maximum None became 100)": "Stated in words.",
    r".*\.logit_bias\.\*: key pattern None became .*": "A key is a token id.",
    r".*(integer>|array>\.#)\.#: minimum None became 0": "A token id is never negative.",
    r".*\.seed: m\w+ \S+ became -?92233720368547758\d\d": "The bounds of int64, there rounded.",
    r".*\.max(_completion)?_tokens: minimum None became 1": "A chat of no tokens is no chat.",
    r".*\.messages: maxItems None became 2048": "What api.openai.com refuses.",
    r".*\.tools: maxItems None became 128": "Stated in words.",
    r".*\.model: minLength None became 1": "An empty name names no model.",
    r".*EmbeddingRequest\.input<.*: minLength None became 1": "Stated in words.",
    r".*<array of string>: minItems None became 1": "An empty batch has no answer.",
    r".*\.cache_control: unknown to the official schema": (
        "Anthropic's word, which clients send through chat."
    ),
}

# The official answers that no server can keep to.
ANSWER_DEVIATIONS = {
    r"Completion\.choices\.#\.finish_reason: accepts null": "A stream's pieces have none yet.",
    r"Completion\.usage: accepts null": "So has a stream that ends with its usage.",
    r"Completion\.choices\.#\.logprobs\.\w+_logprobs\.#: accepts null": (
        "Nothing comes before an echoed first token."
    ),
    r".*\.embedding: accepts string": "base64.",
    r"ChatCompletion\.metadata.*: .*max\w+ None became \d+": "What the request allows.",
}


@pytest.fixture(scope="session")
def document() -> Body:
    path = os.environ.get("OPENAI_OPENAPI_DOCUMENT")
    if not path:
        pytest.skip("OPENAI_OPENAPI_DOCUMENT does not name OpenAI's OpenAPI document (JSON)")
    loaded: Body = json.loads(Path(path).read_text(encoding="utf-8"))
    return loaded


def unexplained(lines: list[str], deviations: dict[str, str]) -> list[str]:
    unused = [p for p in deviations if not any(re.fullmatch(p, line) for line in lines)]
    odd = [line for line in lines if not any(re.fullmatch(p, line) for p in deviations)]
    return odd + [f"deviation that is none: {pattern}" for pattern in unused]


def test_requests_agree_with_the_official_document(document: Body) -> None:
    lines: list[str] = []
    for path, model in REQUESTS.items():
        content = document["paths"][path]["post"]["requestBody"]["content"]
        official, ours = content["application/json"]["schema"], model.model_json_schema()
        lines += differences(official, document, ours, ours, model.__name__)
    assert unexplained(lines, REQUEST_DEVIATIONS) == []


def test_answers_agree_with_the_official_document(document: Body) -> None:
    lines: list[str] = []
    for component, model in ANSWERS.items():
        official, ours = document["components"]["schemas"][component], model.model_json_schema()
        lines += differences(official, document, ours, ours, model.__name__)
    assert unexplained(lines, ANSWER_DEVIATIONS) == []


LISTED = {"enum", "anyOf", "oneOf", "required", "properties"}
BINDING = {"const", "pattern", "propertyNames", "additionalProperties", "$ref"}


def removable(schema: object) -> Iterator[tuple[Any, Any]]:
    """Each constraint, property and variant: what it stands in, and its key or index there."""
    if isinstance(schema, list):
        for item in schema:
            yield from removable(item)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key in LISTED:
                yield from (
                    (value, k) for k in (value if key == "properties" else range(len(value)))
                )
            elif (key in BINDING and value is not True) or key.startswith(("min", "max")):
                yield schema, key
            yield from removable(value)


@pytest.mark.parametrize("model", REQUESTS.values())
def test_the_comparison_sees_whatever_is_taken_away(model: type[WireModel]) -> None:
    whole = model.model_json_schema()
    root = {key: value for key, value in whole.items() if key != "$defs"}
    unseen = []
    for definition in [*whole.get("$defs", {}).values(), root]:
        for index, place in enumerate(removable(definition)):
            planted = deepcopy(definition)
            container, key = next(islice(removable(planted), index, None))
            del container[key]
            if not any(differences(definition, whole, planted, whole)):
                unseen.append(place)
    assert unseen == []
    assert list(differences(whole, whole, whole, whole)) == []


@pytest.mark.parametrize(
    ("definition", "name", "planted", "line"),
    [
        ("ImageURL", "detail", {"type": "string"}, "detail: enum lacks high"),
        ("ImageURL", "url", {"type": "integer"}, "url: lacks string"),
        ("InputAudio", "format", {"enum": ["wav", "ogg"], "type": "string"}, "enum adds ogg"),
        ("PastAudio", "id", {"type": "string", "maxLength": 9}, "maxLength None became 9"),
        ("PastAudio", "more", {"type": "string"}, "more: unknown to the official schema"),
    ],
)
def test_the_comparison_names_what_was_changed(
    definition: str, name: str, planted: Body, line: str
) -> None:
    whole = CreateChatCompletionRequest.model_json_schema()
    changed = deepcopy(whole)
    changed["$defs"][definition]["properties"][name] = planted
    assert line in " ".join(differences(whole, whole, changed, changed))
