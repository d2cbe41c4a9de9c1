"""The commands of the suite, as a user types them."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

WIDE = {"COLUMNS": "200"}
ROOT = Path(__file__).parent.parent.parent


def adapter(
    *arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] = WIDE
) -> subprocess.CompletedProcess[str]:
    """`adapter …`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "adapter", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
