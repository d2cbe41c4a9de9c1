"""The container files, as far as they can be held without a Docker engine."""

import re
from pathlib import Path

import yaml

from adapter.settings import Settings
from backends.anthropic.settings import AnthropicSettings
from backends.mock.settings import MockSettings
from backends.openai.settings import OpenAISettings

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_image_copies_what_is_there_and_all_that_the_package_needs() -> None:
    lines = re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.MULTILINE)
    copied = " ".join(lines).split()
    assert {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    packages = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())
    assert packages
    assert set(re.findall(r'"(\w+)"', packages.group(1))) <= set(copied)


def test_the_image_serves_the_mock_on_every_address() -> None:
    assert "HOST=0.0.0.0 PORT=8000 BACKEND=mock" in DOCKERFILE
    assert re.search(r'^ENTRYPOINT \["/venv/bin/adapter"\]$', DOCKERFILE, re.MULTILINE)
    assert re.search(r'^CMD \["serve"\]$', DOCKERFILE, re.MULTILINE)


def test_compose_sets_only_settings_that_exist_and_publishes_the_port() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    service = compose["services"]["adapter"]
    groups = (Settings, MockSettings, OpenAISettings, AnthropicSettings)
    known = {name.upper() for group in groups for name in group.model_fields}
    environment = service["environment"]
    assert set(environment) <= known
    assert environment["BACKEND"] == "${BACKEND:-mock}"
    assert (environment["HOST"], environment["PORT"]) == ("0.0.0.0", 8000)  # noqa: S104
    assert service["ports"] == ["${PORT:-8000}:8000"]
    assert service["build"] == "."
    named = set(re.findall(r"\b[A-Z][A-Z_]+\b", (ROOT / "README.md").read_text())) & known
    assert "OPENAI_API_KEY" in named
    assert named <= set(environment)


def test_compose_passes_every_other_setting_of_env_where_there_is_one() -> None:
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["adapter"]
    assert service["env_file"] == [{"path": ".env", "required": False}]
    # What is given as ${NAME:-…} takes the place of the file's, and is read from it too.
    for name, value in service["environment"].items():
        assert name in {"HOST", "PORT"} or value.startswith(f"${{{name}:-")
