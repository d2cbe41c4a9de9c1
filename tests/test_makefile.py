"""What `make` would do, as far as it can be told without doing it."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def commands(*arguments: str) -> str:
    """What a fresh clone would run."""
    told = subprocess.run(
        ["make", "--dry-run", "--always-make", *arguments],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    return told.stdout


def test_a_backend_of_ones_own_is_checked_without_torch() -> None:
    run = commands("contract", "BACKEND=mine:Mine", "PROFILE=chat")
    assert "-e '.[contract]'" in run
    assert "[dev]" not in run
    assert "adapter check --backend mine:Mine --profile 'chat'" in run
    extra = re.search(
        r"^contract = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL
    )
    assert extra
    assert "torch" not in extra.group(1)
    # pytest in a clone reads our own settings, which are an error where this is missing.
    assert "pytest-asyncio" in extra.group(1)


def test_ours_are_checked_strictly() -> None:
    run = commands("contract")
    assert "--backend mock --profile full --strict" in run
    assert "--backend echo --profile text --strict" in run


def test_the_install_shows_its_progress() -> None:
    assert "--quiet" not in commands("serve")


def test_what_the_docs_install_stays_the_clone() -> None:
    for document in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        for extra in re.findall(r"pip install (.*\[(?:contract|torch)\].*)", document.read_text()):
            assert extra.startswith("-e '.["), f"{document.name}: {extra}"
