"""The contract suite on the engine: nothing fails; what a small model does not do shows nothing."""

import subprocess
import sys
from pathlib import Path

from tests.backends.torch.served import served
from tests.server import ROOT


def test_the_engine_breaks_no_rule(tmp_path: Path, smollm2: Path) -> None:
    # Answers without a limit would go on to the window, as this small model likes to.
    server = served(tmp_path, smollm2, TORCH_MAX_TOKENS="48")
    try:
        command = [sys.executable, "-m", "adapter", "check", f"{server.url}/v1"]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False
        )
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout[-8000:]
