"""The adapter as a passthrough in front of an upstream that misbehaves."""

from collections.abc import Iterator

import httpx
import pytest

from tests.backends.openai.wicked import Wicked
from tests.server import Server, start

UPSTREAM_KEY = "sk-the-operators-own-key"
SILENCE_S = 1.0


@pytest.fixture(scope="session")
def wicked() -> Iterator[Wicked]:
    with Wicked() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def through(wicked: Wicked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An adapter that takes any model, and bears a second of silence."""
    server = start(
        tmp_path_factory.mktemp("through"),
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY=UPSTREAM_KEY,
        OPENAI_MODELS="*",
        OPENAI_SILENCE_S=str(SILENCE_S),
        OPENAI_DEADLINE_S="5",
    )
    yield server
    server.stop()


@pytest.fixture
def http(through: Server) -> Iterator[httpx.Client]:
    with through.http(headers={"authorization": "Bearer sk-the-clients-own-key"}) as client:
        yield client
