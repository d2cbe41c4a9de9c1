"""The house rules that a test can hold."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from adapter.settings import Settings
from backends.anthropic.settings import AnthropicSettings
from backends.folder.settings import FolderSettings
from backends.mock.settings import MockSettings
from backends.openai.settings import OpenAISettings
from backends.torch.settings import TorchSettings
from backends.torch.weights.cache import CacheSettings
from backends.upstream.settings import UpstreamSettings

ROOT = Path(__file__).parent.parent
LINES = 300
FUNCTION_LINES = 60


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository, committed or not yet; nothing where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).exists()]


def env_lines(settings: type[BaseSettings]) -> list[str]:
    """What `.env.example` has to say of each setting."""
    lines = []
    for name, field in settings.model_fields.items():
        value = field.default
        if value is None or value == ():
            value = ""
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        lines += [f"# {field.description}", f"#{name.upper()}={shown}", ""]
    return lines


def test_env_example_lists_every_setting_with_its_meaning_and_default() -> None:
    expected = [
        "# Copy to .env. Each line shows a setting's default; uncomment what you change.",
        "",
        "# --- the server ---",
        "",
        *env_lines(Settings),
        "# --- the mock (BACKEND=mock) ---",
        "",
        *env_lines(MockSettings),
        "# --- every upstream (BACKEND=openai, anthropic, folder) ---",
        "",
        *env_lines(UpstreamSettings),
        "# --- passthrough (BACKEND=openai) ---",
        "",
        *env_lines(OpenAISettings),
        "# --- Claude (BACKEND=anthropic) ---",
        "",
        *env_lines(AnthropicSettings),
        "# --- providers by folder (BACKEND=folder) ---",
        "",
        *env_lines(FolderSettings),
        "# --- the local engine (BACKEND=torch) ---",
        "",
        *env_lines(TorchSettings),
        *env_lines(CacheSettings),
    ]
    assert (ROOT / ".env.example").read_text().splitlines() == expected[:-1]


def test_no_file_is_longer_than_a_room() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py")
        if (lines := path.read_text().count("\n")) > LINES
    }
    assert not long


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno > FUNCTION_LINES
    ]
    assert not long


@pytest.mark.parametrize("package", ["adapter", "backends", "contract_tests"])
def test_the_readme_draws_the_tree_as_it_is(package: str) -> None:
    drawn = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert drawn
    rooms = {path.name for path in (ROOT / package).iterdir() if not path.name.startswith("__")}
    missing = {room for room in rooms if not re.search(rf"\b{re.escape(room)}", drawn.group(1))}
    assert not missing
    for name in re.findall(r"\b([a-z_]+(?:/|\.py))", drawn.group(1)):
        assert list(ROOT.glob(f"**/{name.rstrip('/')}")), f"the README draws {name}"


def test_the_changelog_names_the_version() -> None:
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"## {version.group(1)}" in (ROOT / "CHANGELOG.md").read_text()
