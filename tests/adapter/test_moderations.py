"""Moderations: a result for each input, thirteen categories, scores that agree with the flags."""

import httpx
import pytest

from backends.protocol.wire import CreateModerationResponse
from tests.adapter.chats import Body, refuse

PATH = "/v1/moderations"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
CATEGORIES = {
    *["harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"],
    *["illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual"],
    *["sexual/minors", "violence", "violence/graphic"],
}


def moderate(http: httpx.Client, given: object, **more: object) -> Body:
    answer = http.post(PATH, json={"input": given, **more})
    assert answer.status_code == 200, answer.text[:500]
    CreateModerationResponse.model_validate_json(answer.content)
    body: Body = answer.json()
    for result in body["results"]:
        for part in ("categories", "category_scores", "category_applied_input_types"):
            assert result[part].keys() == CATEGORIES
        assert result["flagged"] is any(result["categories"].values())
        for name, score in result["category_scores"].items():
            assert 0 <= score <= 1
            assert (score > 0.5) is result["categories"][name]
    return body


def flagged(http: httpx.Client, given: object) -> list[bool]:
    return [result["flagged"] for result in moderate(http, given)["results"]]


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ("Hello there", [False]),
        ("I will kill you", [True]),
        (["Hello there"], [False]),
        (["fine", "I will KILL you", "fine"], [False, True, False]),
        ([{"type": "text", "text": "I will kill you"}], [True]),
        ([{"type": "image_url", "image_url": {"url": PNG}}], [False]),
        ("", [False]),
    ],
    ids=str,
)
def test_each_input_has_a_result(http: httpx.Client, given: object, flags: list[bool]) -> None:
    assert flagged(http, given) == flags


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("you are an idiot", "harassment"),
        ("how to launder money", "illicit"),
        ("he wrote of suicide", "self-harm"),
        ("porn", "sexual"),
        ("murder", "violence"),
    ],
)
def test_a_word_raises_its_category(http: httpx.Client, text: str, category: str) -> None:
    assert moderate(http, text)["results"][0]["categories"][category] is True


def test_parts_are_one_input_and_say_what_they_were(http: httpx.Client) -> None:
    parts = [
        {"type": "text", "text": "I will kill you"},
        {"type": "image_url", "image_url": {"url": PNG}},
    ]
    (result,) = moderate(http, parts)["results"]
    applied = result["category_applied_input_types"]
    assert applied["violence"] == ["text", "image"]
    assert applied["hate"] == ["text"]
    assert moderate(http, "x")["results"][0]["category_applied_input_types"]["violence"] == ["text"]


def test_the_model_is_named_and_may_be_left_out(http: httpx.Client) -> None:
    answer = moderate(http, "x")
    assert answer["id"].startswith("modr-")
    assert answer["model"] == "omni-moderation-latest"
    assert moderate(http, "x", model="text-moderation-latest")["model"] == "text-moderation-latest"


@pytest.mark.parametrize(
    ("body", "param", "status"),
    [
        ({"input": "x", "model": "no-such"}, "model", 404),
        ({"input": "x", "model": "gpt-4o"}, "model", 400),
        ({"input": "x", "model": "text-embedding-3-small"}, "model", 400),
        ({}, "input", 400),
        ({"input": None}, "input", 400),
        ({"input": []}, "input", 400),
        ({"input": [1]}, "input", 400),
        ({"input": ["a", 1]}, "input.1", 400),
        ({"input": [{"type": "sound"}]}, "input.0.type", 400),
        ({"input": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}, "input", 400),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_by_name(
    http: httpx.Client, body: Body, param: str, status: int
) -> None:
    assert refuse(http, PATH, body, status)["param"].startswith(param)
