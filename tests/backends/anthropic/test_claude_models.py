"""Which models there are: those that Anthropic lists, and those that are set."""

import time

import openai

from tests.backends.anthropic.conftest import BACKEND
from tests.backends.anthropic.stub import KEY, Stub
from tests.server import Serve


def names(client: openai.OpenAI) -> list[str]:
    return [model.id for model in client.models.list()]


def test_listed_ones_over_several_pages_and_set_ones(claude: openai.OpenAI) -> None:
    listed = ["claude-test", "claude-new", "claude-always", "claude-plain"]
    assert names(claude) == [*listed, "claude-alias"]
    model = claude.models.retrieve("claude-test")
    assert (model.owned_by, model.created) == ("anthropic", 1759104000)


def test_set_ones_alone_where_there_is_no_list(stub: Stub, serve: Serve) -> None:
    stub.lists_models = False
    settings = {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": KEY}
    with serve("--backend", BACKEND, ANTHROPIC_MODELS="a, b", **settings).client() as client:
        assert names(client) == ["a", "b"]


def test_no_list_and_none_set(stub: Stub, serve: Serve) -> None:
    stub.lists_models = False
    settings = {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": KEY}
    with serve("--backend", BACKEND, **settings).http() as http:
        assert http.get("/v1/models").status_code == 404


def test_a_list_that_never_comes_stops_no_chat(stub: Stub, serve: Serve) -> None:
    stub.list_wait_s = 60
    settings = {
        "ANTHROPIC_BASE_URL": stub.url,
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_MODELS": "claude-named",
        "ANTHROPIC_MODELS_TIMEOUT_S": "0.3",
    }
    server = serve("--backend", BACKEND, **settings)
    since_s = time.monotonic()
    with server.client() as client:
        for model in ("claude-named", "claude-unlisted"):
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": "Hi"}],
                reasoning_effort="low",
            )
            assert answer.choices[0].message.content == "Hello there"
    assert time.monotonic() - since_s < 20
    # How a model thinks is not asked for again right after it could not be had.
    assert stub.looked_up == ["claude-named"]


def test_strictly_the_list_decides(stub: Stub, serve: Serve) -> None:
    settings = {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": KEY, "STRICT_MODELS": "1"}
    with serve("--backend", BACKEND, **settings).http() as http:
        body = {"messages": [{"role": "user", "content": "Hi"}]}
        unlisted = http.post("/v1/chat/completions", json=body | {"model": "claude-unlisted"})
        assert (unlisted.status_code, stub.asked) == (404, [])
        listed = http.post("/v1/chat/completions", json=body | {"model": "claude-test"})
        assert listed.status_code == 200
