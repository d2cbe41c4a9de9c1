"""The contract suite on the engine: nothing fails; what a small model does not do shows nothing."""

import subprocess
import sys
from pathlib import Path

from tests.backends.torch.served import served
from tests.backends.torch.tiny_model import tiny_model
from tests.server import ROOT

SUITE_S = 1800
"""Far above what the suite takes on two busy cores: only an engine that hangs is stopped."""


def test_the_engine_breaks_no_rule(tmp_path: Path, smollm2: Path) -> None:
    # A model of two layers: the rules are about the engine, and a real one takes minutes for them.
    # Answers without a limit would go on to the window.
    model = tiny_model(tmp_path / "tiny", smollm2)
    server = served(tmp_path, model, TORCH_MAX_TOKENS="48", TORCH_THREADS="1")
    try:
        command = [sys.executable, "-m", "adapter", "check", f"{server.url}/v1"]
        command += ["--timeout-s", "120"]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=SUITE_S, check=False
        )
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout[-8000:]
