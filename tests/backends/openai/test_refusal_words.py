"""A refusal of any form keeps its words, in one envelope."""

import json
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import CHAT, PATH, STREAMED
from tests.backends.openai.wicked import Wicked, whole

FIELD = {"loc": ["body", "messages", 0, "content"], "msg": "field required", "type": "missing"}
# A body, the words that are shown, and the `param` and `code`.
FORMS: list[tuple[Any, str, str | None, str | None]] = [
    ({"error": {"message": "No.", "param": "n", "code": "c"}}, "No.", "n", "c"),
    ({"error": "No."}, "No.", None, None),
    ({"error": {"detail": "No."}}, "No.", None, None),
    ({"object": "error", "message": "No.", "param": "n", "code": 400}, "No.", "n", None),
    ({"message": "No.", "code": "c"}, "No.", None, "c"),
    ({"msg": "No."}, "No.", None, None),
    ({"detail": "No."}, "No.", None, None),
    ({"detail": {"error": {"message": "No.", "code": "c"}}}, "No.", None, "c"),
    (
        {"detail": [FIELD]},
        "messages.0.content: field required",
        "messages.0.content",
        None,
    ),
    ({"detail": ["No.", "Never."]}, "No.; Never.", None, None),
    ([{"error": {"message": "No.", "code": 400, "status": "BAD"}}], "No.", None, None),
    ({"errors": [{"message": "No.", "code": "c"}]}, "No.", None, "c"),
    ({"errors": ["No."]}, "No.", None, None),
    ({"errors": {"n": ["No."]}}, "n: No.", None, None),
    ({"error": "bad_request", "error_description": "No."}, "No.", None, None),
    ({"title": "Bad", "detail": "No.", "status": 400}, "No.", None, None),
    ({"title": "No.", "status": 400}, "No.", None, None),
    ({"fault": {"faultstring": "No."}}, "No.", None, None),
    ("No.", "No.", None, None),
    (b"No.\r\nNever.\n", "No. Never.", None, None),
    (
        b"<!DOCTYPE html><html><head><title>413 Too &amp; Large</title>",
        "413 Too & Large",
        None,
        None,
    ),
    (b"<html><body><h1>No.</h1><p>x", "No.", None, None),
    (b"", "The upstream answered 422.", None, None),
    (b"\xff\xfe\x00\x01\x02", "The upstream answered 422.", None, None),
    (b"Traceback (most recent call last):\n  File", "The upstream answered 422.", None, None),
    ([], "The upstream answered 422.", None, None),
    ({"error": None}, "The upstream answered 422.", None, None),
]


@pytest.mark.parametrize("body", [CHAT, STREAMED])
def test_the_words_of_a_refusal(wicked: Wicked, http: httpx.Client, body: dict[str, Any]) -> None:
    for told, message, param, code in FORMS:
        raw = told if isinstance(told, bytes) else json.dumps(told).encode()
        wicked.answer([whole(raw, status=422)])
        answer = http.post(PATH, json=body)
        assert answer.status_code == 422
        if answer.content != raw:  # an envelope passes as it is
            assert error_of(answer)["message"] == message, told
            assert (error_of(answer)["param"], error_of(answer)["code"]) == (param, code)
        assert answer.json()["error"]["message"] == message


@pytest.mark.parametrize("form", ['{"detail": "%s"}', "%s", '[{"error": "%s"}]'])
def test_the_words_are_bounded_and_without_secrets(
    wicked: Wicked, http: httpx.Client, form: str
) -> None:
    told = "No: sk-1234567890abcdef1234 " + "and so on " * 5000
    wicked.answer([whole((form % told).encode(), status=400)])
    message = error_of(http.post(PATH, json=CHAT))["message"]
    assert message.startswith("No: […] and so on")
    assert len(message) <= 500


def test_a_deep_refusal_is_a_refusal(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(b'{"error":' * 1000 + b"1" + b"}" * 1000, status=400)])
    assert error_of(http.post(PATH, json=CHAT))["message"] == "The upstream answered 400."
