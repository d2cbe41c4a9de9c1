"""The `backends` and `models` of the config file, right and wrong."""

from pathlib import Path

import pytest

from adapter.routing.config import read_routing
from adapter.routing.table import Table
from backends.protocol.errors import NotFoundError

RIGHT = """
port: 8000
backends:
  up: {use: openai, base_url: "http://127.0.0.1:1/v1", api_key: "${UPSTREAM_KEY}"}
  spare: {use: mock}
  qwen: {use: mock, claims: ["qwen*"]}
  open: {use: mock}
models:
  gpt-4o: {backend: up, aliases: [best]}
  smart: {routes: [{backend: up, model: gpt-4o, weight: 3}, {backend: spare}], fallback: [qwen]}
  "claude-*": {backend: spare}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-from-the-environment")
    return tmp_path / "adapter.yaml"


def table(file: Path, text: str = RIGHT) -> Table:
    file.write_text(text)
    config = read_routing(file)
    assert config is not None
    return Table(config)


def test_variables_are_expanded(file: Path) -> None:
    file.write_text(RIGHT)
    config = read_routing(file)
    assert config is not None
    assert config.backends["up"].options["api_key"] == "sk-from-the-environment"


@pytest.mark.parametrize(
    ("model", "provider", "why", "ways"),
    [
        ("gpt-4o", None, "id", ["up gpt-4o"]),
        ("gpt-4o", "spare", "id", ["up gpt-4o"]),
        ("best", None, "alias of gpt-4o", ["up gpt-4o"]),
        ("claude-x", None, "pattern claude-*", ["spare claude-x"]),
        ("other", "spare", "provider", ["spare other"]),
        ("qwen-7b", None, "qwen claims qwen*", ["qwen qwen-7b"]),
        ("qwen-7b", "up", "provider", ["up qwen-7b"]),
        ("anything", None, "no model names the backend", ["open anything"]),
    ],
)
def test_who_answers(
    file: Path, model: str, provider: str | None, why: str, ways: list[str]
) -> None:
    found = table(file).find(model, provider)
    assert found.why == why
    assert [f"{way.backend} {way.model}" for way in found.ways] == ways


def test_shares_and_what_stands_behind(file: Path) -> None:
    found = table(file).find("smart")
    assert [(way.backend, way.model, way.weight) for way in found.ways] == [
        ("up", "gpt-4o", 3),
        ("spare", "smart", 1),
    ]
    assert [way.backend for way in found.fallback] == ["qwen"]


def test_nobody_answers(file: Path) -> None:
    closed = RIGHT.replace("  open: {use: mock}\n", "")
    with pytest.raises(NotFoundError) as caught:
        table(file, closed).find("anything")
    assert caught.value.code == "model_not_found"
    with pytest.raises(NotFoundError) as caught:
        table(file).find("anything", "nobody")
    assert (caught.value.code, caught.value.param) == ("provider_not_found", "provider")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("${UPSTREAM_KEY}", "${NOT_THERE}", "line 4: backends.up.api_key: NOT_THERE"),
        ("{use: mock}\n  qwen", "{}\n  qwen", "line 5: backends.spare.use"),
        ("weight: 3", "weight: 0", "line 10: models.smart.routes.0.weight"),
        ("backend: spare}\n", "backend: spar}\n", "there is no backend 'spar'"),
        ("aliases: [best]", "aliases: [smart]", "'smart' is also"),
        ("aliases: [best]", "alias: [best]", "line 9: models.gpt-4o.alias"),
        ("{backend: up, ", "{", "give either 'backend' or 'routes'"),
        ("backends:\n", "backends: [\n", "adapter.yaml"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_key(file: Path, old: str, new: str, told: str) -> None:
    assert old in RIGHT
    file.write_text(RIGHT.replace(old, new, 1))
    with pytest.raises(ValueError, match="CONFIG") as caught:
        read_routing(file)
    assert told in str(caught.value)
    assert "sk-from-the-environment" not in str(caught.value)


def test_a_file_of_settings_alone_routes_nothing(file: Path) -> None:
    file.write_text("port: 8000\n")
    assert read_routing(file) is None
    assert read_routing(None) is None
