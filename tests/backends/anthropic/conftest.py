"""The adapter with Claude behind it, where Claude is a stub."""

from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.backends.anthropic.stub import KEY, Stub, running
from tests.server import Server, start

BACKEND = "backends.anthropic:AnthropicBackend"


@pytest.fixture(scope="session")
def anthropic() -> Iterator[Stub]:
    with running() as stub:
        yield stub


@pytest.fixture(scope="session")
def adapter(anthropic: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(
        tmp_path_factory.mktemp("anthropic"),
        "--backend",
        BACKEND,
        ANTHROPIC_BASE_URL=anthropic.url,
        ANTHROPIC_API_KEY=KEY,
        ANTHROPIC_MODELS="claude-alias,claude-other-*",
        ANTHROPIC_MAX_TOKENS="1000",
        ANTHROPIC_BETA="one-2026-01-01, two-2026-02-02",
    )
    yield server
    server.stop()


@pytest.fixture
def stub(anthropic: Stub) -> Stub:
    anthropic.reset()
    return anthropic


@pytest.fixture
def claude(stub: Stub, adapter: Server) -> Iterator[openai.OpenAI]:
    """The official client."""
    with adapter.client() as client:
        yield client


@pytest.fixture
def plain(stub: Stub, adapter: Server) -> Iterator[httpx.Client]:
    """A plain client."""
    with adapter.http() as client:
        yield client
