"""Every property of a chat request: translated, ignored by the documented list, or refused."""

from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from backends.anthropic.parameters import IGNORED, REFUSED, TRANSLATED
from backends.protocol.wire import CreateChatCompletionRequest
from tests.adapter.envelope import error_of
from tests.adapter.every_parameter import SAMPLES
from tests.backends.anthropic.asking import chat, refused, user
from tests.backends.anthropic.stub import Stub

Json = dict[str, Any]
PATH = "/v1/chat/completions"
DOCUMENT = (Path(__file__).parents[3] / "docs/anthropic.md").read_text()
# The adapter asks several times, or answers in another way; Anthropic is asked for the same.
BY_THE_ADAPTER = {"n", "stream", "stream_options"}


@pytest.mark.parametrize("name", CreateChatCompletionRequest.model_fields)
def test_every_property_is_in_one_of_three_lists(name: str) -> None:
    assert [name in names for names in (TRANSLATED, IGNORED, REFUSED)].count(True) == 1
    assert name in SAMPLES
    if name not in TRANSLATED:
        assert f"`{name}`" in DOCUMENT


def test_the_lists_have_no_other_names() -> None:
    assert CreateChatCompletionRequest.model_fields.keys() == TRANSLATED | IGNORED | REFUSED


def asked_with(plain: httpx.Client, stub: Stub, **more: Any) -> tuple[int, Json]:
    """How often Anthropic was asked, and what."""
    stub.asked.clear()
    body = {"model": "claude-test", "messages": [user()], **more}
    answer = plain.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    return len(stub.asked), stub.last


@pytest.mark.parametrize("name", sorted(TRANSLATED))
def test_what_is_translated_changes_what_anthropic_is_asked(
    plain: httpx.Client, stub: Stub, name: str
) -> None:
    value, beside = SAMPLES[name]
    times, body = asked_with(plain, stub, **beside, **{name: value})
    without_times, without = asked_with(plain, stub, **beside)
    if name in BY_THE_ADAPTER:
        assert (times, body) == (2 if name == "n" else without_times, without)
    else:
        assert body != without


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_what_is_ignored_changes_nothing(plain: httpx.Client, stub: Stub, name: str) -> None:
    value, beside = SAMPLES[name]
    _, body = asked_with(plain, stub, **beside, **{name: value})
    assert body == asked_with(plain, stub, **beside)[1]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_is_named(plain: httpx.Client, stub: Stub, name: str) -> None:
    value, beside = SAMPLES[name]
    param = "logprobs" if name == "top_logprobs" else name
    refused(plain, stub, param, **beside, **{name: value})


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({"user": "u"}, "u"),
        ({"safety_identifier": "s"}, "s"),
        ({"user": "u", "safety_identifier": "s"}, "s"),
    ],
)
def test_who_asks_is_the_user_id(claude: openai.OpenAI, stub: Stub, more: Json, sent: str) -> None:
    chat(claude, **more)
    assert stub.last["metadata"] == {"user_id": sent}


def test_a_user_that_anthropic_refuses_is_named(plain: httpx.Client, stub: Stub) -> None:
    stub.fail(400, "invalid_request_error", "metadata.user_id: String should have at most 256")
    body = {"model": "claude-test", "messages": [user()], "user": "u" * 300}
    assert error_of(plain.post(PATH, json=body))["param"] == "user"


@pytest.mark.parametrize(("tier", "sent"), [("auto", None), ("default", "standard_only")])
def test_a_service_tier_that_claude_has(
    claude: openai.OpenAI, stub: Stub, tier: str, sent: str | None
) -> None:
    chat(claude, service_tier=tier)
    assert stub.last.get("service_tier") == sent


@pytest.mark.parametrize("tier", ["flex", "scale", "priority", "fast"])
def test_one_that_it_has_not_is_refused(plain: httpx.Client, stub: Stub, tier: str) -> None:
    error = refused(plain, stub, "service_tier", service_tier=tier)
    assert tier in error["message"]
