"""The folders that are made once and kept: each is whole, or it is not there."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from safetensors import SafetensorError


class CacheSettings(BaseSettings):
    """Where models are kept: `ADAPTER_CACHE_DIR` in the environment or in `.env`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    adapter_cache_dir: Path | None = Field(
        None, description="Where pulled and converted models are kept; unset, the user's cache."
    )


def cache_folder() -> Path:
    """The folder of all models that were pulled or converted."""
    users = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "openai-server-kit"
    return (CacheSettings().adapter_cache_dir or users).expanduser().absolute() / "models"


def found(name: str) -> Path | None:
    """The kept folder of that name, None where there is none yet.

    Raises:
        ValueError: nobody can say.
    """
    folder = cache_folder() / name
    try:
        return folder if folder.is_dir() else None
    except OSError as error:
        raise ValueError(f"cannot read {folder.parent}: {error.strerror or error}") from error


def kept(name: str, make: Callable[[Path], None], *, peak_bytes: int) -> Path:
    """The kept folder of that name; where there is none yet, `make` fills one.

    Of several processes one makes it and the others wait. `peak_bytes` is the room that making
    it takes.

    Raises:
        ValueError: there is no room, or the folder cannot be written.
    """
    if there := found(name):
        return there
    folder = cache_folder() / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{name}.lock"):
            if not folder.is_dir():
                _require_room(folder.parent, peak_bytes)
                _make(folder, make)
    except OSError as error:
        raise ValueError(f"cannot write to {folder.parent}: {error.strerror or error}") from error
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    """Fill a folder beside the final one, and rename it when it is whole."""
    staging = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(staging, ignore_errors=True)  # of a process that was killed
    staging.mkdir()
    try:
        make(staging)
        staging.rename(folder)
    except SafetensorError as error:
        raise OSError(f"{error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _require_room(folder: Path, peak_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < peak_bytes:
        raise ValueError(
            f"{folder} needs {peak_bytes // 10**6} MB of free disk, and has {free // 10**6} MB"
        )
