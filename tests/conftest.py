"""Servers and clients for the tests; the servers of a session are started once."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from tests.mutants.traceability import Traceability
from tests.server import KEY, ROOT, Serve, Server, free_port, start

__all__ = ["KEY", "Serve", "Server", "free_port", "start"]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Traceability(ROOT / "reports/traceability.md"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers; each is stopped when the test ends."""
    started = []

    def start_one(*flags: str, **environment: str) -> Server:
        started.append(start(tmp_path, *flags, **environment))
        return started[-1]

    yield start_one
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The mock with no configuration at all."""
    server = start(tmp_path_factory.mktemp("mock"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The smallest backend."""
    server = start(tmp_path_factory.mktemp("echo"), "--backend", "echo")
    yield server
    server.stop()


@pytest.fixture
def http(mock: Server) -> Iterator[httpx.Client]:
    """A plain client of the mock."""
    with mock.http() as client:
        yield client


@pytest.fixture
def client(mock: Server) -> Iterator[openai.OpenAI]:
    """The official client of the mock."""
    with mock.client() as client:
        yield client
