"""The error envelope, strictly."""

import re
from typing import Any

import httpx

MESSAGES = [{"role": "user", "content": "Hello there"}]
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}
LEAKS = re.compile(
    r"\.py\b|/work|/usr|Traceback|pydantic|ChatCompletionRequest|WireModel|<class|__\w+__|lambda"
    r"|\w+Error\b"
)


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error of a response that must be a proper refusal."""
    assert response.status_code >= 400
    assert response.headers["content-type"] == "application/json"
    assert len(response.content) < 2048
    body = response.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["type"], str)
    assert isinstance(error["param"], str | None)
    assert isinstance(error["code"], str | None)
    assert not LEAKS.search(response.text), response.text
    return error
