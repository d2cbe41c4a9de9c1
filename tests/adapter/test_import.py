"""A cold start loads only what every request needs."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "transformers", "openai", "llguidance", "jsonschema_rs", "anthropic", "numpy"}


@pytest.mark.parametrize(
    "code",
    ["import adapter.app", "import adapter.app; adapter.app.create()", "import adapter.cli"],
)
def test_the_server_loads_nothing_heavy(tmp_path: Path, code: str) -> None:
    shown = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", shown],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path)},
        text=True,
        timeout=30,
    )
    loaded = set(done.stdout.split())
    assert "adapter" in loaded
    assert not loaded & HEAVY
    assert done.stderr == ""
