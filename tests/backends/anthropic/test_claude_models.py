"""Which models there are: those that Anthropic lists, and those that are set."""

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
