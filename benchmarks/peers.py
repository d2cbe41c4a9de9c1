"""Where the others are: given, on PATH, or gateways put into a cache by pip or npm."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import aimock

LITELLM = "litellm[proxy]"
LITELLM_VERSION = "1.106.2"
PORTKEY = "@portkey-ai/gateway"
PORTKEY_VERSION = "1.15.2"
PORTKEY_PROGRAM = "build/start-server.js"
INSTALL_LIMIT_S = 600
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))


class PeerError(Exception):
    """A peer that cannot be had; says why."""


def nginx() -> str:
    """The program of nginx.

    Raises: PeerError.
    """
    found = shutil.which("nginx", path=SYSTEM_PATH)
    if found is None:
        raise PeerError("not installed (Debian: apt install nginx-light)")
    return found


def litellm(given: str | None) -> str:
    """The program of LiteLLM, from a virtual environment or the program itself.

    Raises: PeerError.
    """
    folder = Path(given) if given else aimock.CACHE / "litellm"
    found = folder if folder.is_file() else folder / "bin" / "litellm"
    if not found.is_file() and given:
        raise PeerError(f"there is no {found}")
    if not found.is_file():
        sys.stderr.write(f"installing {LITELLM} {LITELLM_VERSION} into {folder}\n")
        _run([sys.executable, "-m", "venv", str(folder)])
        packages = [f"{LITELLM}=={LITELLM_VERSION}"]
        _run([str(folder / "bin" / "pip"), "install", "--quiet", *packages])
    return str(found.absolute())


def litellm_version(program: str) -> str | None:
    """The version of an installed LiteLLM."""
    folders = Path(program).parent.parent.glob("lib/python*/site-packages/litellm-*.dist-info")
    return next((folder.name.split("-")[1].removesuffix(".dist") for folder in folders), None)


def portkey(given: str | None) -> str:
    """The script of the Portkey gateway, from a folder it is installed in or the script itself.

    Raises: PeerError.
    """
    if shutil.which("node") is None:
        raise PeerError("there is no node")
    folder = Path(given) if given else aimock.CACHE / "portkey"
    if folder.is_file():
        return str(folder.absolute())
    found = folder / "node_modules" / PORTKEY / PORTKEY_PROGRAM
    if not found.is_file() and given:
        raise PeerError(f"no {PORTKEY} in {folder}")
    if not found.is_file():
        sys.stderr.write(f"installing {PORTKEY} {PORTKEY_VERSION} into {folder}\n")
        line = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit"]
        _run([*line, f"{PORTKEY}@{PORTKEY_VERSION}"])
    return str(found.absolute())


def portkey_version(program: str) -> str | None:
    """The version of an installed Portkey gateway."""
    package = Path(program).parent.parent / "package.json"
    return str(json.loads(package.read_text())["version"]) if package.is_file() else None


def python_of(given: str | None, module: str, package: str) -> tuple[str, str]:
    """The Python of a virtual environment (or ours) that has a module, and its package's version.

    Raises: PeerError.
    """
    program = str(Path(given).absolute() / "bin" / "python") if given else sys.executable
    code = (
        "import importlib.util as u, importlib.metadata as m;"
        f"print(m.version({package!r}) if u.find_spec({module!r}) else '')"
    )
    try:
        result = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    except OSError as error:
        raise PeerError(f"{program}: {error.strerror}") from error
    version = result.stdout.strip()
    if result.returncode or not version:
        raise PeerError(f"{package} is not installed for {program}")
    return program, version


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"{command[0]}: {error}") from error
    if result.returncode:
        raise PeerError(f"{' '.join(command[:3])} failed: {result.stderr.strip()[-200:]}")
