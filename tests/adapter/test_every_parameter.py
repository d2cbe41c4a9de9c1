"""Every property of a chat request: carried out, taken by the documented list, or refused."""

from pathlib import Path

import pytest

from adapter.parse.support import ADAPTER, HARMLESS
from backends.protocol import SAMPLING
from backends.protocol.wire import CreateChatCompletionRequest
from tests.adapter.chats import refuse
from tests.adapter.every_parameter import SAMPLES
from tests.server import Server

PATH = "/v1/chat/completions"
DOCUMENT = (Path(__file__).parents[2] / "docs/adding-a-backend.md").read_text()
HELLO = {"model": "echo", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("name", CreateChatCompletionRequest.model_fields)
def test_the_smallest_backend_drops_nothing_without_a_word(echo: Server, name: str) -> None:
    value, beside = SAMPLES[name]
    body = {**HELLO, **beside, **({} if name == "model" else {name: value})}
    with echo.http() as http:
        if name in ADAPTER | SAMPLING | HARMLESS:
            assert http.post(PATH, json=body).status_code == 200
            assert name not in HARMLESS or f"`{name}`" in DOCUMENT
        else:
            # A property is refused where it stands alone, or by what it needs.
            assert refuse(http, PATH, body)["param"] in {name, *beside}
