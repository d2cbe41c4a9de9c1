"""Our own servers keep the contract, every SHOULD of it too."""

import pytest

from tests.contract_tests.commands import adapter
from tests.server import Serve, Server

FULL = ("--profile", "full", "--strict")


def judged(url: str, *options: str) -> None:
    run = adapter("check", f"{url}/v1", *options)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_mock(mock: Server) -> None:
    judged(mock.url, *FULL, "--fuzz", "10")


def test_the_mock_with_keys_and_browsers(serve: Serve) -> None:
    keyed = serve(ENABLE_AUTH="true", API_KEY_SECRET="sk-right", CORS_ORIGINS="*")
    judged(keyed.url, *FULL, "--api-key", "sk-right")


def test_the_smallest_backend(echo: Server) -> None:
    judged(echo.url, "--profile", "text", "--strict", "--fuzz", "10")


def test_the_passthrough_in_front_of_the_mock(serve: Serve, mock: Server) -> None:
    upstream = {"OPENAI_BASE_URL": f"{mock.url}/v1", "OPENAI_API_KEY": "sk-up"}
    judged(serve("--backend", "openai", **upstream).url, *FULL, "--fuzz", "10")


@pytest.mark.parametrize("backend", ["mock", "openai"])
def test_routed_backends(serve: Serve, mock: Server, tmp_path_factory: pytest.TempPathFactory,
                         backend: str) -> None:  # fmt: skip
    use = {"mock": "{use: mock}", "openai": f'{{use: openai, base_url: "{mock.url}/v1"}}'}
    file = tmp_path_factory.mktemp("routed") / "adapter.yaml"
    file.write_text(f"backends:\n  one: {use[backend]}\n")
    judged(serve("--config", str(file)).url, *FULL)
