"""The wire models against bodies good and bad."""

import time
from typing import Any

import pytest
from pydantic import ValidationError

from backends.protocol import wire
from backends.protocol.wire import (
    CreateChatCompletionRequest,
    CreateCompletionRequest,
    CreateEmbeddingRequest,
    CreateModerationRequest,
    DetokenizeRequest,
    TokenizeRequest,
    WireModel,
)

Body = dict[str, Any]


def said(*messages: object, **more: object) -> Body:
    """A chat request; a bare string is what the user says."""
    spoken = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
    return {"model": "m", "messages": spoken or [{"role": "user", "content": "hi"}], **more}


def parts(*contents: Body) -> Body:
    return said({"role": "user", "content": list(contents)})


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CUSTOM = {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}
GRAMMAR = {"type": "grammar", "grammar": {"definition": "a", "syntax": "lark"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,", "detail": "low"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}

GOOD: dict[type[WireModel], list[Body]] = {
    CreateChatCompletionRequest: [
        said(),
        said(reasoning={"effort": "high"}, top_k=5),
        said(
            dict.fromkeys(("content", "refusal", "audio", "function_call")) | {"role": "assistant"}
        ),
        said({"role": "assistant"}, {"role": "assistant", "content": "", "reasoning_content": "r"}),
        said({"role": "assistant", "tool_calls": [CALL]}, {"role": "assistant", "tool_calls": []}),
        said({"role": "tool", "content": [{"type": "text", "text": "t"}], "tool_call_id": "c"}),
        said({"role": "function", "name": "f", "content": None}),
        said(
            {"role": "developer", "content": "d"}, {"role": "system", "content": "s", "name": "n"}
        ),
        parts(IMAGE, {"type": "text", "text": ""}, {"type": "file", "file": {"file_id": "f"}}),
        parts({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}),
        said(tools=[FUNCTION, CUSTOM], tool_choice=FUNCTION, parallel_tool_calls=False),
        said(tools=[{"type": "custom", "custom": {"name": "c", "format": GRAMMAR}}]),
        said(tools=[], tool_choice="auto", functions=[{"name": "f"}], function_call={"name": "f"}),
        said(tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
        said(response_format=SCHEMA, stop=["a", "b"], seed=-(2**63), logit_bias={"50256": -100}),
        said(temperature=0, top_p=1, n=128, max_tokens=1, logprobs=True, top_logprobs=20),
        said(audio={"voice": {"id": "v"}, "format": "wav"}, metadata={"k" * 64: "v" * 512}),
        said(prediction={"type": "content", "content": [{"type": "text", "text": "t"}]}),
        said(
            **dict.fromkeys(CreateChatCompletionRequest.model_fields.keys() - {"messages", "model"})
        ),
    ],
    CreateCompletionRequest: [
        *({"model": "m", "prompt": p} for p in ("", "a", ["a"], [1, 2], [[1], [2]], None)),
        {"model": "m", "prompt": "p", "max_tokens": 0, "best_of": 0, "logprobs": 5, "suffix": None},
    ],
    CreateEmbeddingRequest: [
        *({"model": "m", "input": i} for i in ("a", ["a"] * 2048, [1, 2], [[1], [2]])),
        {"model": "m", "input": "a", "dimensions": 1, "encoding_format": "base64", "user": None},
    ],
    CreateModerationRequest: [
        {"input": i} for i in ("", ["a"], [IMAGE, {"type": "text", "text": ""}])
    ],
    TokenizeRequest: [{"model": "m", "prompt": ""}, said()],
    DetokenizeRequest: [{"model": "m", "tokens": []}, {"model": "m", "tokens": [0, 1]}],
}

BAD: dict[type[WireModel], list[tuple[Body, str, str]]] = {
    CreateChatCompletionRequest: [
        ({"model": "m"}, "messages", "missing"),
        ({"messages": [{"role": "user", "content": "hi"}]}, "model", "missing"),
        (said(model=""), "model", "string_too_short"),
        (said(messages=[]), "messages", "too_short"),
        (said(*["hi"] * 2049), "messages", "too_long"),
        (said(messages="hi"), "messages", "list_type"),
        (said(123), "messages.0", "union_tag_not_found"),
        (said({"role": 123}), "messages.0", "union_tag_not_found"),
        (said({"role": "pilot", "content": ""}), "messages.0", "union_tag_invalid"),
        (said("hi", {"role": "user"}), "messages.1.<user>.content", "missing"),
        (said({"role": "user", "content": 123}), "messages.0.<user>.content", "form_type"),
        (said({"role": "user", "content": None}), "messages.0.<user>.content", "form_type"),
        (
            said({"role": "user", "content": "", "name": None}),
            "messages.0.<user>.name",
            "string_type",
        ),
        (said({"role": "tool", "content": ""}), "messages.0.<tool>.tool_call_id", "missing"),
        (parts(), "messages.0.<user>.content.<array>", "too_short"),
        (parts({"type": "smell"}), "messages.0.<user>.content.<array>.0", "union_tag_invalid"),
        (said(temperature=2.1), "temperature", "less_than_equal"),
        (said(temperature="hot"), "temperature", "float_type"),
        (said(temperature=float("nan")), "temperature", "finite_number"),
        (said(n=True), "n", "int_type"),
        (said(n=1.0), "n", "int_type"),
        (said(n=129), "n", "less_than_equal"),
        (said(max_tokens=0), "max_tokens", "greater_than_equal"),
        (said(seed=2**63), "seed", "less_than_equal"),
        (said(top_logprobs=21), "top_logprobs", "less_than_equal"),
        (said(stop=[]), "stop.<array>", "too_short"),
        (said(stop=["a"] * 5), "stop.<array>", "too_long"),
        (said(stop=1), "stop", "form_type"),
        (said(logit_bias={"a": 1}), "logit_bias.a.[key]", "string_pattern_mismatch"),
        (said(logit_bias={"1": 101}), "logit_bias.1", "less_than_equal"),
        (said(metadata={str(i): "" for i in range(17)}), "metadata", "too_long"),
        (said(metadata={"k": "v" * 513}), "metadata.k", "string_too_long"),
        (said(tools=[FUNCTION] * 129), "tools", "too_long"),
        (said(tools=[{"type": "search"}]), "tools.0", "union_tag_invalid"),
        (said(tools=[{"type": "function"}]), "tools.0.<function>.function", "missing"),
        (said(tool_choice={}), "tool_choice.<object>", "union_tag_not_found"),
        (said(tool_choice="any"), "tool_choice.<text>", "literal_error"),
        (said(response_format={"type": "sound"}), "response_format", "union_tag_invalid"),
        (said(reasoning_effort="most"), "reasoning_effort", "literal_error"),
        (said(stream_options={"include_usage": None}), "stream_options.include_usage", "bool_type"),
    ],
    CreateCompletionRequest: [
        ({"model": "m"}, "prompt", "missing"),
        ({"model": "m", "prompt": 1}, "prompt", "form_type"),
        ({"model": "m", "prompt": []}, "prompt.<texts>", "too_short"),
        ({"model": "m", "prompt": [[]]}, "prompt.<token-arrays>.0", "too_short"),
        ({"model": "m", "prompt": ["a", 1]}, "prompt.<texts>.1", "string_type"),
        ({"model": "m", "prompt": [1, -1]}, "prompt.<tokens>.1", "greater_than_equal"),
        ({"model": "m", "prompt": [True]}, "prompt", "form_type"),
        ({"model": "m", "prompt": "p", "logprobs": 6}, "logprobs", "less_than_equal"),
        ({"model": "m", "prompt": "p", "best_of": 21}, "best_of", "less_than_equal"),
    ],
    CreateEmbeddingRequest: [
        ({"model": "m", "input": ""}, "input.<text>", "string_too_short"),
        ({"model": "m", "input": []}, "input.<texts>", "too_short"),
        ({"model": "m", "input": [""]}, "input.<texts>.0", "string_too_short"),
        ({"model": "m", "input": ["a"] * 2049}, "input.<texts>", "too_long"),
        ({"model": "m", "input": [1, "a"]}, "input.<tokens>.1", "int_type"),
        ({"model": "m", "input": "a", "dimensions": 0}, "dimensions", "greater_than_equal"),
        (
            {"model": "m", "input": "a", "encoding_format": "hex"},
            "encoding_format",
            "literal_error",
        ),
    ],
    CreateModerationRequest: [
        ({}, "input", "missing"),
        ({"input": [{"type": "text"}]}, "input.<objects>.0.<text>.text", "missing"),
    ],
    TokenizeRequest: [
        ({"model": "m"}, "", "one_source"),
        (said(prompt="p"), "", "one_source"),
    ],
    DetokenizeRequest: [({"model": "m", "tokens": [-1]}, "tokens.0", "greater_than_equal")],
}


@pytest.mark.parametrize(("model", "body"), [(m, body) for m in GOOD for body in GOOD[m]])
def test_a_good_request_is_taken_whole(model: type[WireModel], body: Body) -> None:
    assert model.model_validate(body).model_dump(exclude_unset=True) == body


@pytest.mark.parametrize(
    ("model", "body", "place", "kind"), [(m, *case) for m in BAD for case in BAD[m]]
)
def test_a_bad_request_has_one_fault(
    model: type[WireModel], body: Body, place: str, kind: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    faults = [(".".join(map(str, fault["loc"])), fault["type"]) for fault in caught.value.errors()]
    assert faults == [(place, kind)]


LOGPROB = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
MODEL = {"id": "m", "object": "model", "created": 1, "owned_by": "o"}
HEAD = {"id": "i", "created": 1, "model": "m"}
ANSWER = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [CALL]}
CATEGORIES = [
    *("harassment", "harassment/threatening", "hate", "hate/threatening"),
    *("illicit", "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent"),
    *("sexual", "sexual/minors", "violence", "violence/graphic"),
]
JUDGED = {
    "flagged": False,
    "categories": dict.fromkeys(CATEGORIES, False),
    "category_scores": dict.fromkeys(CATEGORIES, 0.0),
    "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
}


def choice(**more: object) -> list[Body]:
    return [{"index": 0, "finish_reason": None, "logprobs": None} | more]


ANSWERS: list[tuple[type[WireModel], Body]] = [
    (
        wire.ChatCompletion,
        {**HEAD, "object": "chat.completion", "usage": USAGE}
        | {"choices": choice(message=ANSWER, finish_reason="tool_calls")},
    ),
    (
        wire.ChatCompletionChunk,
        {**HEAD, "object": "chat.completion.chunk", "usage": None}
        | {"choices": choice(delta={}, logprobs={"content": [LOGPROB], "refusal": None})},
    ),
    (wire.Completion, {**HEAD, "object": "text_completion", "choices": choice(text="t")}),
    (
        wire.CreateEmbeddingResponse,
        {"object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        | {"data": [{"object": "embedding", "index": 0, "embedding": e} for e in ([0.5], "AAA=")]},
    ),
    (wire.CreateModerationResponse, {"id": "i", "model": "m", "results": [JUDGED]}),
    (wire.ListModelsResponse, {"object": "list", "data": [MODEL]}),
    (wire.TokenizeResponse, {"count": 1, "max_model_len": 9, "tokens": [1]}),
    (wire.DetokenizeResponse, {"prompt": ""}),
    (
        wire.ErrorResponse,
        {"error": {"message": "m", "type": "server_error", "param": None, "code": None}},
    ),
]


@pytest.mark.parametrize(("model", "body"), ANSWERS)
def test_an_answer_is_taken_whole_and_misses_any_key(model: type[WireModel], body: Body) -> None:
    assert model.model_validate(body).model_dump(exclude_unset=True) == body
    for key in body.keys() - {"usage"} if "choices" in body else body:
        with pytest.raises(ValidationError):
            model.model_validate({k: v for k, v in body.items() if k != key})


MANY = 100_000
CROWDS: list[tuple[type[WireModel], Body]] = [
    (CreateChatCompletionRequest, said(*[{}] * MANY)),
    (CreateChatCompletionRequest, said(*["hi"] * MANY)),
    (CreateChatCompletionRequest, parts(*[{}] * MANY)),
    (CreateChatCompletionRequest, said({"role": "assistant", "tool_calls": [{}] * MANY})),
    (CreateChatCompletionRequest, said(tools=[{}] * MANY)),
    (CreateChatCompletionRequest, said(logit_bias={f"k{i}": 0 for i in range(MANY)})),
    (CreateChatCompletionRequest, said(metadata={str(i): 0 for i in range(MANY)})),
    (CreateChatCompletionRequest, said(modalities=["smell"] * MANY)),
    (CreateCompletionRequest, {"model": "m", "prompt": [-1] * MANY}),
    (CreateCompletionRequest, {"model": "m", "prompt": [[]] * MANY}),
    (CreateEmbeddingRequest, {"model": "m", "input": [""] * MANY}),
    (CreateModerationRequest, {"input": [{}] * MANY}),
]


@pytest.mark.parametrize(("model", "body"), CROWDS)
def test_a_hundred_thousand_faults_are_refused_as_one(model: type[WireModel], body: Body) -> None:
    started = time.perf_counter()
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    assert caught.value.error_count() == 1
    assert time.perf_counter() - started < 0.5
