"""What an upstream tells of its usage may be anything; the request is logged all the same."""

import json

import httpx
import pytest

from tests.adapter.watching import soon
from tests.backends.openai.bodies import PATH
from tests.backends.openai.wicked import Wicked, whole
from tests.server import Server

USAGES = [
    {"prompt_tokens": -1, "completion_tokens": -1},
    {"prompt_tokens": 10**30, "completion_tokens": 2},
    {"prompt_tokens": "many", "completion_tokens": None},
    [1],
]


@pytest.mark.parametrize("usage", USAGES)
def test_a_wrong_usage_costs_no_log_line(
    http: httpx.Client, through: Server, wicked: Wicked, usage: object
) -> None:
    said = {"choices": [{"index": 0, "message": {"content": "Hi"}}], "usage": usage}
    wicked.answer([whole(json.dumps(said).encode())])
    answer = http.post(PATH, json={"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
    assert answer.status_code == 200, answer.text
    assert soon(lambda: answer.headers["x-request-id"] in through.log)
    assert "Exception in ASGI application" not in through.log
