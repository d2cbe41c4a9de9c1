"""Where aimock is: given, installed beside the caller, or put into a cache by npm."""

import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

PACKAGE = "@copilotkit/aimock"
VERSION = "1.43.0"
PROGRAM = "dist/cli.js"
CACHE = Path(tempfile.gettempdir()) / "openai-server-kit-benchmarks"
INSTALL_LIMIT_S = 300


class AimockError(Exception):
    """Aimock cannot be had; says why."""


def program(given: str | None) -> tuple[str, ...]:
    """The command that starts aimock.

    Raises: AimockError.
    """
    if given and not Path(given).is_dir():
        return tuple(shlex.split(given))
    if given:
        found = _inside(Path(given))
        if found is None:
            raise AimockError(f"no {PACKAGE} in {given}")
    else:
        found = _npx() or _inside(CACHE) or _install()
    return ("node", str(found))


def version(command: Sequence[str]) -> str:
    """The version in aimock's package.json, or unknown."""
    package = Path(command[-1]).parent.parent / "package.json"
    return str(json.loads(package.read_text())["version"]) if package.is_file() else "unknown"


def _inside(folder: Path) -> Path | None:
    places = (folder / PROGRAM, folder / "node_modules" / PACKAGE / PROGRAM)
    return next((place.resolve() for place in places if place.is_file()), None)


def _npx() -> Path | None:
    if shutil.which("npx") is None:
        raise AimockError("there is no npx (npm)")
    line = ["npx", "--no-install", f"--package={PACKAGE}", "--", "sh", "-c", "command -v llmock"]
    result = subprocess.run(
        line, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
    )
    return Path(result.stdout.strip()).resolve() if result.returncode == 0 else None


def _install() -> Path:
    line = ["npm", "install", "--prefix", str(CACHE), "--ignore-scripts", "--no-audit"]
    result = subprocess.run(
        [*line, f"{PACKAGE}@{VERSION}"],
        capture_output=True,
        text=True,
        timeout=INSTALL_LIMIT_S,
        check=False,
    )
    found = _inside(CACHE)
    if found is None:
        raise AimockError(f"npm install failed: {result.stderr.strip()[-200:]}")
    return found
