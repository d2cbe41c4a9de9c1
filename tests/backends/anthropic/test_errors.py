"""Anthropic's failures, before the answer and in the middle of it."""

import json
from typing import Any

import httpx
import openai
import pytest

from tests.adapter.envelope import error_of
from tests.backends.anthropic.asking import chat, user
from tests.backends.anthropic.conftest import BACKEND
from tests.backends.anthropic.streams import end, start, text
from tests.backends.anthropic.stub import KEY, Stub
from tests.server import Serve, free_port

BODY = {"model": "claude-test", "messages": [user()]}
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("told", "shown", "code"),
    [
        ((400, "invalid_request_error"), 400, None),
        ((307, "brand_new_error"), 503, "backend_unavailable"),
        ((401, "authentication_error"), 502, "upstream_auth"),
        ((402, "billing_error"), 502, "upstream_auth"),
        ((403, "permission_error"), 502, "upstream_auth"),
        ((404, "not_found_error"), 404, None),
        ((409, "conflict_error"), 409, None),
        ((413, "request_too_large"), 413, "request_too_large"),
        ((418, "brand_new_error"), 400, None),
        ((429, "rate_limit_error"), 429, "rate_limit_exceeded"),
        ((500, "api_error"), 500, None),
        ((503, "api_error"), 503, "backend_unavailable"),
        ((504, "timeout_error"), 504, "backend_timeout"),
        ((529, "overloaded_error"), 503, "backend_unavailable"),
    ],
)
def test_a_refusal(
    plain: httpx.Client, stub: Stub, told: tuple[int, str], shown: int, code: str | None
) -> None:
    for stream in (False, True):
        stub.fail(*told, "Something is wrong.")
        refusal = plain.post(CHAT, json={**BODY, "stream": stream})
        assert refusal.status_code == shown
        error = error_of(refusal)
        assert error["code"] == code
        assert error["type"] in {"invalid_request_error", "rate_limit_error", "server_error"}
        assert (error["message"] == "Something is wrong.") == (shown != 502)
        assert ("retry-after" in refusal.headers) == (shown in {429, 503})


def test_how_long_to_wait(plain: httpx.Client, stub: Stub) -> None:
    stub.fail(429, "rate_limit_error", "Slow.", retry_after_ms="7000", x_should_retry="false")
    assert plain.post(CHAT, json=BODY).headers["retry-after"] == "7"
    assert len(stub.asked) == 1


def test_a_long_wait_is_the_clients(stub: Stub, plain: httpx.Client) -> None:
    stub.fail(429, "rate_limit_error", "Slow down", retry_after_ms="20000")
    refusal = plain.post(CHAT, json=BODY)
    assert (refusal.status_code, refusal.headers["retry-after"]) == (429, "20")
    assert len(stub.asked) == 1


def test_an_overloaded_upstream_is_asked_again(claude: openai.OpenAI, stub: Stub) -> None:
    stub.fail(529, "overloaded_error", "Overloaded", times=2)
    assert chat(claude)["choices"][0]["message"]["content"] == "Hello there"
    assert len(stub.asked) == 4


def test_a_model_that_anthropic_does_not_know(plain: httpx.Client, stub: Stub) -> None:
    stub.fail(404, "not_found_error", "model: claude-other-1")
    error = error_of(plain.post(CHAT, json={**BODY, "model": "claude-other-1"}))
    assert (error["param"], error["code"]) == ("model", "model_not_found")


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("max_tokens: 99 > 8, which is the maximum", "max_tokens", None),
        ("messages.3.content.0: invalid base64 data", "messages", None),
        ("output_config.format.schema: not supported", "response_format", None),
        ("output_config.effort: not supported", "reasoning_effort", None),
        ("tools.0.input_schema: invalid", "tools", None),
        ("toolsmith: no", None, None),
    ],
)
def test_a_refusal_names_the_clients_parameter(
    plain: httpx.Client, stub: Stub, message: str, param: str | None, code: str | None
) -> None:
    stub.fail(400, "invalid_request_error", message)
    error = error_of(plain.post(CHAT, json=BODY))
    assert (error["message"], error["param"], error["code"]) == (message, param, code)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "prompt is too long: 9 tokens > 8 maximum",
            "8 tokens. However, your messages resulted in 9 tokens."
            " Please reduce the length of the messages.",
        ),
        (
            "input length and `max_tokens` exceed context limit: 7 + 3 > 8, decrease them",
            "8 tokens. However, you requested 10 tokens (7 in the messages, 3 in the completion)."
            " Please reduce the length of the messages or completion.",
        ),
        ("prompt is too long", "exceeded: prompt is too long"),
    ],
)
def test_too_long_a_prompt_is_told_in_openais_words(
    plain: httpx.Client, stub: Stub, said: str, shown: str
) -> None:
    stub.fail(400, "invalid_request_error", said)
    error = error_of(plain.post(CHAT, json=BODY))
    assert error["message"] == f"This model's maximum context length is {shown}"
    assert (error["param"], error["code"]) == ("messages", "context_length_exceeded")


@pytest.mark.parametrize(
    ("kind", "shown", "code"),
    [
        ("overloaded_error", 503, "backend_unavailable"),
        ("api_error", 500, None),
        ("rate_limit_error", 429, "rate_limit_exceeded"),
        ("timeout_error", 504, "backend_timeout"),
        ("authentication_error", 502, "upstream_auth"),
        ("brand_new_error", 500, None),
    ],
)
def test_an_error_inside_the_stream(
    plain: httpx.Client, stub: Stub, kind: str, shown: int, code: str | None
) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "Overloaded"}}
    stub.events = [start(), *text("Hello")[:2], error]
    whole = plain.post(CHAT, json=BODY)
    assert whole.status_code == shown
    assert error_of(whole)["code"] == code
    assert frames(plain)[-1]["error"] == error_of(whole)
    stub.events = [error]
    assert plain.post(CHAT, json={**BODY, "stream": True}).status_code == shown


def frames(plain: httpx.Client) -> list[dict[str, object]]:
    """The chunks of a stream that ends with an error and so without `[DONE]`."""
    streamed = plain.post(CHAT, json={**BODY, "stream": True})
    assert streamed.status_code == 200
    assert "[DONE]" not in streamed.text
    lines = [line for line in streamed.text.split("\n\n") if line]
    assert "Hello" in lines[1]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("cut", [1, 3, 4])
def test_a_stream_that_breaks_off_is_no_answer(plain: httpx.Client, stub: Stub, cut: int) -> None:
    stub.events = [start(), *text("Hello", " there"), *end()][:cut]
    whole = plain.post(CHAT, json=BODY)
    assert whole.status_code == 503
    assert error_of(whole)["code"] == "backend_unavailable"
    if cut > 1:
        assert frames(plain)[-1]["error"] == error_of(whole)


def test_a_connection_that_is_reset_in_mid_stream(plain: httpx.Client, stub: Stub) -> None:
    stub.events, stub.resets = [start(), *text("Hello", " there")], True
    assert error_of(plain.post(CHAT, json=BODY))["code"] == "backend_unavailable"
    assert frames(plain)[-1]["error"] == error_of(plain.post(CHAT, json=BODY))


def test_a_stream_without_its_last_event_is_whole(claude: openai.OpenAI, stub: Stub) -> None:
    stub.events = [start(), *text("Hello"), end()[0]]
    assert chat(claude)["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("raw", [b"data: {oops\n\n", b"data: [1]\n\n", b"<html></html>", b""])
def test_what_is_no_stream_of_anthropics(plain: httpx.Client, stub: Stub, raw: bytes) -> None:
    stub.raw = raw
    assert error_of(plain.post(CHAT, json=BODY))["code"] == "backend_unavailable"


def test_a_secret_in_a_message_stays_here(plain: httpx.Client, stub: Stub) -> None:
    stub.fail(400, "invalid_request_error", f"no access for {KEY}-abcdefgh to /srv/claude/models/x")
    message = error_of(plain.post(CHAT, json=BODY))["message"]
    assert KEY not in message
    assert "/srv" not in message


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"type": "error", "error": {"type": "x", "message": "No."}}, "No."),
        ({"error": "No."}, "No."),
        ({"detail": [{"loc": ["body", "n"], "msg": "No."}]}, "n: No."),
        ([{"error": {"message": "No."}}], "No."),
        ({"message": f"Key {KEY} is no key."}, "Key [key] is no key."),
    ],
)
def test_a_refusal_of_another_form_keeps_its_words(
    plain: httpx.Client, stub: Stub, told: Any, said: str
) -> None:
    stub.failures = [(422, told, {})]
    answer = plain.post(CHAT, json=BODY)
    assert answer.status_code == 400
    assert error_of(answer)["message"] == said


def test_nobody_is_there(serve: Serve) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    settings = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_MODELS": "claude-test"}
    with serve("--backend", BACKEND, **settings).http() as http:
        refusal = http.post(CHAT, json=BODY)
        assert refusal.status_code == 503
        assert error_of(refusal)["code"] == "backend_unavailable"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "ANTHROPIC_API_KEY"),
        ({"ANTHROPIC_BASE_URL": "ftp://example.com"}, "ANTHROPIC_BASE_URL"),
        ({"ANTHROPIC_MAX_TOKENS": "0", "ANTHROPIC_API_KEY": KEY}, "ANTHROPIC_MAX_TOKENS"),
    ],
)
def test_a_wrong_setting_is_named_at_start(
    serve: Serve, settings: dict[str, str], named: str
) -> None:
    with pytest.raises(RuntimeError, match=named):
        serve("--backend", BACKEND, **settings)
